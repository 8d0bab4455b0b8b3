/// @file half_precision.hpp
/// @brief Real numbers of a safetensors file, of any width, as double.
#pragma once

#include "tocsin/io/tensor_type.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace tocsin::detail {

/// IEEE 754 binary16 as double, exactly: sign, 5 bits of exponent with bias 15, 10 of fraction.
/// Never allocates.
inline double from_binary16(std::uint16_t bits) noexcept {
    constexpr int fraction_bits = 10;
    constexpr int bias = 15;
    const int exponent = (bits >> fraction_bits) & 31;
    const int fraction = bits & 1023;
    double magnitude = 0;
    if (exponent == 31) {
        magnitude = fraction == 0 ? std::numeric_limits<double>::infinity()
                                  : std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
        magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
    } else {
        magnitude = std::ldexp(fraction + 1024, exponent - bias - fraction_bits);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// bfloat16, the upper half of a float, as double, exactly.
inline double from_bfloat16(std::uint16_t bits) noexcept {
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
}

/// The real number at an address, which need not be aligned.
/// @param type one that is_real()
inline double real_at(const char* from, tensor_type type) noexcept {
    const auto read = [from]<class T>(T value) {
        std::memcpy(&value, from, sizeof value);
        return value;
    };
    switch (type) {
    case tensor_type::f32:
        return static_cast<double>(read(float{}));
    case tensor_type::f16:
        return from_binary16(read(std::uint16_t{}));
    case tensor_type::bf16:
        return from_bfloat16(read(std::uint16_t{}));
    case tensor_type::f64:
        return read(double{});
    default: // has another size
        return std::numeric_limits<double>::quiet_NaN();
    }
}

} // namespace tocsin::detail
