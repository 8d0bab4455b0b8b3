/// @file hostile_numbers.hpp
/// @brief Numbers that break careless sums: of any size, denormal, infinite, NaN.
#pragma once

#include "tocsin/core/random.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin_test {

/// One of the well-known troublemakers, or any 64 bits read as a double.
inline double hostile_number(tocsin::random_generator& random) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double largest = std::numeric_limits<double>::max();
    constexpr double named[] = {infinity, largest, 1e308,  1e200,   1.1e100, 1e100,  1e99,
                                1e50,     1e16,    1e-300, 1e-310,  5e-324,  2e-308, 0.0,
                                1e6,      1e154,   1e155,  1.7e308, 1e20,    1e30};
    constexpr std::uint64_t count = sizeof named / sizeof named[0];
    const std::uint64_t bits = random();
    if (bits % 3 == 0) {
        return std::bit_cast<double>(random());
    }
    if (bits % 31 == 1) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double value = named[(bits >> 8U) % count];
    return (bits >> 40U) % 2 == 0 ? value : -value;
}

} // namespace tocsin_test
