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
        const Value taken = std::exchange(static_cast<Value&>(other), Value{});
        if (this != &other) { // what else its owner has is gone where it is moved to itself
            static_cast<Value&>(*this) = taken;
        }
        return *this;
    }
    ~emptied_by_move() = default;
};

/// The same of a value that is no class: an enumeration, a number.
template <class Value>
class reset_by_move {
  public:
    constexpr reset_by_move() noexcept = default;
    // NOLINTBEGIN(google-explicit-constructor,hicpp-explicit-conversions): it is a Value
    constexpr reset_by_move(Value value) noexcept : value_{value} {}
    constexpr operator Value() const noexcept { return value_; }
    // NOLINTEND(google-explicit-constructor,hicpp-explicit-conversions)
    constexpr reset_by_move(const reset_by_move&) noexcept = default;
    constexpr reset_by_move(reset_by_move&& other) noexcept
        : value_{std::exchange(other.value_, Value{})} {}
    constexpr reset_by_move& operator=(const reset_by_move&) noexcept = default;
    constexpr reset_by_move& operator=(reset_by_move&& other) noexcept {
        const Value taken = std::exchange(other.value_, Value{});
        if (this != &other) {
            value_ = taken;
        }
        return *this;
    }
    ~reset_by_move() = default;

  private:
    Value value_{};
};

} // namespace tocsin::detail
