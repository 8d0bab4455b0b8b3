/// @file elementary.hpp
/// @brief Square root, logarithm and exponential of floats from + - * /, because not every target has
/// instructions for them, and functions of libraries differ in the last bits.
#pragma once

#include "tocsin/firmware/activations.hpp"

namespace tocsin::firmware::detail {

/// The square root of a normal number by Newton's iteration from half of its exponent, within 1
/// epsilon.
inline float square_root(float value) noexcept {
    float root = __builtin_bit_cast(float, (bits_of(value) >> 1U) + 0x1FBD1DF5U); // within 4 %
    for (int step = 0; step < 3; ++step) {
        root = separate_arithmetic::multiply(0.5F, root + value / root);
    }
    return root;
}

/// (atanh(w) / w - 1) / w^2 for |w| <= 0.172, relative error within 1e-6, from its series.
inline float atanh_series(float w) noexcept {
    using arithmetic = separate_arithmetic;
    const float t = arithmetic::multiply(w, w);
    float sum = arithmetic::multiply_add(1.0F / 9, t, 1.0F / 7);
    sum = arithmetic::multiply_add(sum, t, 1.0F / 5);
    return arithmetic::multiply_add(sum, t, 1.0F / 3);
}

/// Natural logarithm of a positive normal number, within 2 epsilon of the larger of 1 and the result.
inline float logarithm(float value) noexcept {
    using arithmetic = separate_arithmetic;
    constexpr uint32_t root_of_half = 0x3F3504F3U;
    const uint32_t steps = bits_of(value) - root_of_half;
    // value = mantissa * 2^exponent with the mantissa from sqrt(1/2) to sqrt(2)
    const float mantissa = __builtin_bit_cast(float, (steps & 0x7FFFFFU) + root_of_half);
    const auto exponent = static_cast<float>(static_cast<int32_t>(steps) >> 23);
    const float w = (mantissa - 1) / (mantissa + 1);
    const float square = arithmetic::multiply(w, w);
    const float ratio = arithmetic::multiply_add(square, atanh_series(w), 1.0F);
    constexpr float ln2 = 0x1.62e43p-1F; // NOLINT(modernize-use-std-numbers): no C++ library
    return arithmetic::multiply_add(ln2, exponent, arithmetic::multiply(2 * w, ratio));
}

/// exp(x) - 1 for |x| <= 80, relative error within 4 epsilon times the larger of 1 and |x|: by
/// tanh(x / 2), of a part of x that is small enough, then doubled.
[[gnu::noinline]] inline float exponential_less_one(float x) noexcept {
    int halvings = 0;
    while (__builtin_fabsf(x) > 2) {
        x = separate_arithmetic::multiply(0.5F, x);
        ++halvings;
    }
    const quotient half = tanh_of<separate_arithmetic>(separate_arithmetic::multiply(0.5F, x));
    float result = 2 * half.numerator / (half.denominator - half.numerator);
    for (; halvings > 0; --halvings) {
        result = separate_arithmetic::multiply(result, result + 2);
    }
    return result;
}

} // namespace tocsin::firmware::detail
