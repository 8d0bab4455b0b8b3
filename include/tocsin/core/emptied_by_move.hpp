/// @file emptied_by_move.hpp
/// @brief A value that its owner loses when it is moved from.
#pragma once

#include <utility>

namespace tocsin::detail {

/// A `Value` that becomes `Value{}` where it is moved from: sizes of memory that is no longer there.
template <class Value>
struct emptied_by_move : Value {
    constexpr emptied_by_move() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): it is a Value
    constexpr emptied_by_move(const Value& value) noexcept : Value(value) {}
    constexpr emptied_by_move(const emptied_by_move&) noexcept = default;
    constexpr emptied_by_move(emptied_by_move&& other) noexcept
        : Value(std::exchange(static_cast<Value&>(other), Value{})) {}
    constexpr emptied_by_move& operator=(const emptied_by_move&) noexcept = default;
    constexpr emptied_by_move& operator=(emptied_by_move&& other) noexcept {
        static_cast<Value&>(*this) = std::exchange(static_cast<Value&>(other), Value{});
        return *this;
    }
    ~emptied_by_move() = default;
};

} // namespace tocsin::detail
