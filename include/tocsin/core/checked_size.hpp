/// @file checked_size.hpp
/// @brief Sizes and counts made of numbers that come from outside: they never wrap.
#pragma once

#include "tocsin/core/extents.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <utility>

namespace tocsin {

/// A size that is computed from numbers of a file. A negative part, or a sum or product beyond
/// Size, makes it invalid, and so is everything computed from it. Never undefined, also where
/// Size has 32 bits.
///
///     const auto bytes = checked_size{rows} * columns * sizeof(float);
///     if (!bytes.is_at_most(bytes_in_file)) { refuse }
template <std::signed_integral Size>
class basic_checked_size {
  public:
    constexpr basic_checked_size() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): a factor or summand
    /// A size; one that is negative or too large is not valid.
    constexpr basic_checked_size(std::integral auto value) noexcept
        : value_{std::in_range<Size>(value) && !(value < 0) ? static_cast<Size>(value) : invalid} {}

    /// Whether no step on the way overflowed.
    constexpr bool valid() const noexcept { return value_ != invalid; }
    /// The size; the largest one when it is not valid.
    constexpr Size value() const noexcept { return valid() ? value_ : largest; }
    /// False when either is not valid.
    constexpr bool is_at_most(basic_checked_size limit) const noexcept {
        return valid() && limit.valid() && value_ <= limit.value_;
    }

    /// The product; not valid where a factor is not, or where it overflows.
    friend constexpr basic_checked_size operator*(basic_checked_size a,
                                                  basic_checked_size b) noexcept {
        if (!a.valid() || !b.valid() || (b.value_ != 0 && a.value_ > largest / b.value_)) {
            return broken();
        }
        return {a.value_ * b.value_};
    }
    /// The sum; not valid where a term is not, or where it overflows.
    friend constexpr basic_checked_size operator+(basic_checked_size a,
                                                  basic_checked_size b) noexcept {
        if (!a.valid() || !b.valid() || a.value_ > largest - b.value_) {
            return broken();
        }
        return {a.value_ + b.value_};
    }

  private:
    static constexpr Size invalid = -1;
    static constexpr Size largest = std::numeric_limits<Size>::max();

    static constexpr basic_checked_size broken() noexcept {
        basic_checked_size size;
        size.value_ = invalid;
        return size;
    }

    Size value_ = 0;
};

/// For sizes and positions in memory.
using checked_size = basic_checked_size<index_t>;

/// Largest count of samples that is kept or loaded: every one up to it is exact in a double. A
/// million samples a second reach it after 285 years.
inline constexpr std::int64_t largest_count = std::int64_t{1} << 53;

/// Counts one more, up to largest_count.
constexpr void count_up(std::int64_t& count) noexcept {
    count += count < largest_count ? 1 : 0;
}

/// Whether a count that was loaded is possible.
constexpr bool is_count(std::int64_t count) noexcept {
    return count >= 0 && count <= largest_count;
}

} // namespace tocsin
