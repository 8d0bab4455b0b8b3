/// @file exponential.hpp
/// @brief exp(x) - 1 of packs, in parts from which sigmoid and tanh follow without loss.
///
/// x = k ln 2 + r with an integer k and |r| <= ln(2) / 2 (Cody and Waite 1980: ln 2 in two parts,
/// the first of few bits, so that its product with k is exact). exp(r) - 1 = r + r^2 g(r), where
/// tests/fixtures/derive_activations.py derives the polynomial g. Nothing is converted to an
/// integer: adding a large constant leaves k in the lowest bits, which is also safe for NaN.
#pragma once

#include "tocsin/math/pack_functions.hpp"

#include <cstdint>
#include <iterator>
#include <numbers>
#include <type_traits>

#if TOCSIN_HAS_XSIMD

namespace tocsin::detail {

/// exp(x) = scale (1 + rest): scale a power of two, rest = exp(r) - 1 in [-0.3, 0.42].
template <class Pack>
struct exponential_parts {
    Pack scale;
    Pack rest;
};

template <class Scalar>
struct exponential_constants;
template <>
struct exponential_constants<float> {
    using bits = std::int32_t;
    static constexpr int digits = 23;
    static constexpr float shift = 0x1.8p23F + 127; ///< includes the exponent bias at no cost
    static constexpr float log2_e = std::numbers::log2e_v<float>;
    static constexpr float ln2_high = 355.0F / 512; ///< 9 bits
    static constexpr float ln2_low = -2.12194440e-4F;
    static constexpr float g[] = {0.5F, 0.166665778F, 0.0416665561F, 0.00836317334F,
                                  0.00139261759F};
};
template <>
struct exponential_constants<double> {
    using bits = std::int64_t;
    static constexpr int digits = 52;
    static constexpr double shift = 0x1.8p52 + 1023;
    static constexpr double log2_e = std::numbers::log2e;
    static constexpr double ln2_high = 45426.0 / 65536; ///< 16 bits
    static constexpr double ln2_low = 1.42860682030941723212e-6;
    static constexpr double g[] = {0.50000000000000033,    0.16666666666666907,
                                   0.04166666666654141,    0.0083333333330603016,
                                   0.0013888888958014636,  0.00019841270751467553,
                                   2.4801461002569173e-05, 2.7556210768230184e-06,
                                   2.7646945406051729e-07, 2.5511193652286842e-08};
};

/// @param x within about ±87 (float) or ±708 (double), so that the scale is a normal number; NaN
///          gives a rest of NaN
/// @tparam Halvings the scale is divided by 2 to this power
template <int Halvings = 0, class Scalar, class Arch>
exponential_parts<xsimd::batch<Scalar, Arch>>
exponential(const xsimd::batch<Scalar, Arch>& x) noexcept {
    using pack = xsimd::batch<Scalar, Arch>;
    using constants = exponential_constants<Scalar>;
    using bits = xsimd::batch<typename constants::bits, Arch>;
    const pack shifted = multiply_add(x, pack(constants::log2_e), pack(constants::shift));
    const pack k = shifted - pack(constants::shift);
    // Subtract while k is still an integer in the low bits of a float.
    const pack exponent = Halvings == 0 ? shifted : shifted - pack(Scalar(Halvings));
    const pack scale =
        xsimd::bitwise_cast<pack>(xsimd::bitwise_cast<bits>(exponent) << constants::digits);
    const pack r = subtract_product(subtract_product(x, k, pack(constants::ln2_high)), k,
                                    pack(constants::ln2_low));
    constexpr int degree = static_cast<int>(std::size(constants::g)) - 1;
    // Even and odd coefficients separately: two chains of half the length.
    const pack square = r * r;
    pack even(constants::g[degree - degree % 2]);
    pack odd(constants::g[degree - 1 + degree % 2]);
    for (int n = degree - degree % 2 - 2; n >= 0; n -= 2) {
        even = multiply_add(even, square, pack(constants::g[n]));
    }
    for (int n = degree - 3 + degree % 2; n >= 1; n -= 2) {
        odd = multiply_add(odd, square, pack(constants::g[n]));
    }
    return {scale, multiply_add(multiply_add(odd, r, even), square, r)};
}

} // namespace tocsin::detail

#endif
