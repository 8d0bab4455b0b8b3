/// @file tanh_table.hpp
/// @brief tanh of 16 floats without a division, from a table in registers. For AVX-512.
///
/// A quotient makes every step of a stream wait for a division, twice. AVX-512 can look up 32 floats
/// in a pair of registers, so |tanh| is a polynomial of degree 5 on each of 32 intervals:
///
///     y = 3.5 |x|, at most 31      k = y rounded to an integer      r = y - k, |r| <= 1/2
///     |tanh(x)| = (c0 + c1 r) + r^2 ((c2 + c3 r) + r^2 (c4 + c5 r)),   c of interval k
///
/// The last interval is the constant 1, which tanh is from 8.72 on within an epsilon of 1/2. In
/// interval 0, tanh is odd: c0 = c2 = c4 = 0. The factor 3.5, and the half of
/// sigmoid(x) = 1/2 + tanh(x / 2) / 2, are part of packed weights (lstm_table_packing.hpp).
/// tests/fixtures/derive_activations.py derives the coefficients.
///
/// Largest error; in brackets the values measured over all 2^32 floats:
///
///     tanh     3 ulp [2.46]    0.8 epsilon [0.745], which is 9e-8
///     sigmoid                  0.8 epsilon [0.746]
///
/// Results lie in [-1, 1] and [0, 1]; infinities give the ends exactly, NaN stays NaN.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/math/simd.hpp"

#include <climits>

#if TOCSIN_HAS_XSIMD && defined(__AVX512F__)
#define TOCSIN_HAS_TANH_TABLE 1

namespace tocsin::detail {

// clang-format off
/// Coefficient c_j of interval k at [j][k].
alignas(64) inline constexpr float tanh_coefficients[6][32] = {
    {0.0F, 0.278185457F, 0.516407669F, 0.694782674F, 0.815373957F, 0.891373456F, 0.93717128F, 0.964027584F, 0.979525447F, 0.988385856F, 0.993424654F, 0.996281445F, 0.9978984F, 0.998812616F, 0.999329329F, 0.999621212F, 0.999786079F, 0.999879181F, 0.999931753F, 0.999961495F, 0.999978244F, 0.999987721F, 0.999993086F, 0.999996066F, 0.999997795F, 0.999998748F, 0.999999285F, 0.999999583F, 0.999999762F, 0.999999881F, 0.99999994F, 1.0F},
    {0.285714269F, 0.263603657F, 0.209520906F, 0.147793442F, 0.0957615227F, 0.0587009564F, 0.034774296F, 0.0201859493F, 0.0115799829F, 0.00659809867F, 0.0037449745F, 0.00212092092F, 0.0011996635F, 0.000678091892F, 0.000383128761F, 0.000216422937F, 0.000122238111F, 6.9036505e-05F, 3.89882152e-05F, 2.20180063e-05F, 1.2434175e-05F, 7.02187072e-06F, 3.96539872e-06F, 2.23933944e-06F, 1.2645977e-06F, 7.14141891e-07F, 4.03289107e-07F, 2.27744735e-07F, 1.28611589e-07F, 7.26293052e-08F, 4.10150918e-08F, 0.0F},
    {0.0F, -0.0209498107F, -0.0309135355F, -0.0293386411F, -0.0223097149F, -0.0149496328F, -0.00931203552F, -0.00556005631F, -0.00324148894F, -0.00186240522F, -0.00106220855F, -0.00060277438F, -0.000342654414F, -0.000192921536F, -0.000110309549F, -6.25885004e-05F, -3.55076882e-05F, -1.98040107e-05F, -1.06405842e-05F, -7.17260446e-06F, -3.69121608e-06F, -2.31856529e-06F, -1.94103927e-06F, -1.59573986e-07F, -6.06176854e-07F, -1.41887213e-07F, 1.87795408e-07F, 5.30763202e-07F, 3.89040281e-07F, -2.72492343e-07F, -3.99976557e-07F, 0.0F},
    {-0.00777376629F, -0.0055070091F, -0.00114038703F, 0.00180229067F, 0.00259146513F, 0.00221010111F, 0.0015469793F, 0.000982145662F, 0.000591890886F, 0.000346643705F, 0.000199800299F, 0.000114138878F, 6.48762216e-05F, 3.67713765e-05F, 2.08085894e-05F, 1.17646787e-05F, 6.64810068e-06F, 3.75570266e-06F, 2.12136706e-06F, 1.19810807e-06F, 6.76647574e-07F, 3.82126672e-07F, 2.15800085e-07F, 1.21865824e-07F, 6.88205404e-08F, 3.88647798e-08F, 2.19474501e-08F, 1.23941621e-08F, 6.99936109e-09F, 3.95263022e-09F, 2.2320672e-09F, 0.0F},
    {0.0F, 0.000991382753F, 0.00100371474F, 0.000443120807F, 8.70879285e-06F, -0.00015567278F, -0.000157488146F, -0.000118806842F, -7.49186802e-05F, -5.07570076e-05F, -3.08370982e-05F, -1.98911366e-05F, -6.76473928e-06F, -7.5919188e-06F, 6.88686669e-07F, 1.41682722e-06F, 1.40259056e-06F, -2.11827114e-07F, -2.29142779e-06F, 3.34758943e-06F, 4.56391291e-07F, 1.19152537e-06F, 3.19336323e-06F, -1.93362393e-06F, 9.67164738e-07F, -2.53561922e-07F, -1.21221615e-06F, -2.37918744e-06F, -1.69991756e-06F, 1.00389684e-06F, 1.54885424e-06F, 0.0F},
    {0.000248703174F, 0.000105877669F, -8.46210532e-05F, -0.000113952512F, -5.73292564e-05F, -1.19279111e-05F, 6.0243301e-06F, 9.04343779e-06F, 7.28336636e-06F, 4.86950375e-06F, 3.01110072e-06F, 1.78403582e-06F, 1.03561035e-06F, 5.93599168e-07F, 3.37759388e-07F, 1.91775712e-07F, 1.0861941e-07F, 6.14296312e-08F, 3.46996138e-08F, 1.96287111e-08F, 1.10634177e-08F, 6.25674801e-09F, 3.52918073e-09F, 1.99822314e-09F, 1.12782828e-09F, 6.35749509e-10F, 3.59689584e-10F, 2.03058056e-10F, 1.14264098e-10F, 6.46300097e-11F, 3.66487049e-11F, 0.0F},
};
// clang-format on

/// |tanh| in the parts that a product with it needs: first + square * rest.
struct tanh_parts {
    __m512 first;
    __m512 rest;
    __m512 square;
    __m512i sign; ///< the sign bit of the argument

    /// tanh(x) factor, with one rounding more than tanh(x) has.
    TOCSIN_ALWAYS_INLINE inline __m512 times(__m512 factor) const noexcept {
        const __m512 signed_factor = with_sign(factor);
        return _mm512_fmadd_ps(_mm512_mul_ps(square, signed_factor), rest,
                               _mm512_mul_ps(first, signed_factor));
    }
    /// tanh(x) factor + offset.
    TOCSIN_ALWAYS_INLINE inline __m512 times_plus(__m512 factor, __m512 offset) const noexcept {
        const __m512 signed_factor = with_sign(factor);
        return _mm512_fmadd_ps(_mm512_mul_ps(square, signed_factor), rest,
                               _mm512_fmadd_ps(first, signed_factor, offset));
    }

  private:
    TOCSIN_ALWAYS_INLINE inline __m512 with_sign(__m512 factor) const noexcept {
        return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(factor), sign));
    }
};

/// The coefficients, loaded once for all activations of a step.
class tanh_table {
  public:
    /// 3.5: intervals are 2/7 wide.
    static constexpr float scale = 3.5F;

    TOCSIN_ALWAYS_INLINE inline tanh_table() noexcept {
        for (int j = 0; j < 6; ++j) {
            lower_[j] = _mm512_load_ps(tanh_coefficients[j]);
            upper_[j] = _mm512_load_ps(tanh_coefficients[j] + 16);
        }
    }
    /// @param scaled 3.5 x
    TOCSIN_ALWAYS_INLINE inline tanh_parts operator()(__m512 scaled) const noexcept {
        // The second operand of a minimum is its result where it is NaN.
        const __m512 y = _mm512_min_ps(_mm512_set1_ps(31.0F), _mm512_abs_ps(scaled));
        // Adding 1.5 * 2^23 rounds to an integer, which the lookup finds in the lowest five bits.
        const __m512 magic = _mm512_set1_ps(12582912.0F);
        const __m512 rounded = _mm512_add_ps(y, magic);
        const __m512i k = _mm512_castps_si512(rounded);
        // Not rounded - magic, which -ffast-math would take for y.
        const __m512 r = _mm512_sub_ps(y, _mm512_roundscale_ps(y, 0));
        const auto coefficient = [&](int j) TOCSIN_ALWAYS_INLINE {
            return _mm512_permutex2var_ps(lower_[j], k, upper_[j]);
        };
        // Those that are needed first are looked up first.
        const __m512 c5 = coefficient(5);
        const __m512 c4 = coefficient(4);
        const __m512 c3 = coefficient(3);
        const __m512 c2 = coefficient(2);
        const __m512 c1 = coefficient(1);
        const __m512 c0 = coefficient(0);
        const __m512 square = _mm512_mul_ps(r, r);
        const __m512 upper = _mm512_fmadd_ps(c5, r, c4);
        const __m512 lower = _mm512_fmadd_ps(c3, r, c2);
        const __m512 rest = _mm512_fmadd_ps(square, upper, lower);
        const __m512 first = _mm512_fmadd_ps(c1, r, c0);
        return {first, rest, square,
                _mm512_and_si512(_mm512_castps_si512(scaled), _mm512_set1_epi32(INT_MIN))};
    }

  private:
    __m512 lower_[6];
    __m512 upper_[6];
};

/// sigmoid(x) of parts of tanh(x / 2).
TOCSIN_ALWAYS_INLINE inline __m512 sigmoid_of(const tanh_parts& half) noexcept {
    return half.times_plus(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F));
}
/// tanh(x).
TOCSIN_ALWAYS_INLINE inline __m512 tanh_of(const tanh_parts& parts) noexcept {
    return parts.times(_mm512_set1_ps(1.0F));
}

} // namespace tocsin::detail

#else
/// Whether the processor can look up a table in registers.
#define TOCSIN_HAS_TANH_TABLE 0
#endif
