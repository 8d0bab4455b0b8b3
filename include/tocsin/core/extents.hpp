/// @file extents.hpp
/// @brief Sizes that are known at compile time or at run time, with one code path for both.
#pragma once

#include "tocsin/core/config.hpp"

#include <cstddef>

namespace tocsin {

/// Signed type of all counts and positions; the same as Eigen's.
using index_t = std::ptrdiff_t;

/// Marks a size that is known only at run time; equals Eigen::Dynamic.
inline constexpr int dynamic = -1;

/// A size: `extent<8>` is 8 and stores nothing, `extent<dynamic>` stores its value.
template <int Size>
class extent {
  public:
    constexpr extent() noexcept = default;
    /// @param value must equal Size; checked in debug builds.
    constexpr explicit extent([[maybe_unused]] int value) noexcept {
        TOCSIN_ASSERT(value == Size, "extent: run-time size differs from the compile-time size");
    }
    /// The size.
    static constexpr int value() noexcept { return Size; }
};

/// A size that is known at run time.
template <>
class extent<dynamic> {
  public:
    constexpr extent() noexcept = default;
    /// @param value the size
    constexpr explicit extent(int value) noexcept : value_{value} {}
    /// The size.
    constexpr int value() const noexcept { return value_; }

  private:
    int value_ = 0;
};

/// Product of two compile-time sizes; dynamic when either is.
constexpr int extent_product(int a, int b) noexcept {
    return a == dynamic || b == dynamic ? dynamic : a * b;
}

} // namespace tocsin
