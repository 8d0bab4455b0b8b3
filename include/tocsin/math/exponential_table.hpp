/// @file exponential_table.hpp
/// @brief e^x of 16 floats from a table in one register, for batches of LSTM cells. For AVX-512.
///
/// Where cells do not depend on each other, what counts is the number of operations, not their
/// latency: a division every few gates costs little, the two high polynomials of a quotient
/// (rational_activations.hpp) and the six lookups of tanh_table.hpp cost much. One lookup makes a
/// polynomial of degree 3 enough:
///
///     n = 16 x / ln 2, rounded to an integer      r = 16 x / ln 2 - n, |r| <= 1/2
///     e^x = 2^(n / 16) 2^(r / 16) = p + p r (c1 + r (c2 + r c3)),   p = 2^(n / 16)
///
/// The lowest four bits of n find 2^(j / 16) in the table, the others are added to its exponent.
/// p and the rest stay apart, so that 1 - e^x keeps its digits near 0. The coefficients are those of
/// the series of 2^(r / 16), whose next term is below 1e-8.
///
/// Largest error of 1 / (1 + e^-x) and (1 - e^-2x) / (1 + e^-2x), in brackets the values measured over
/// all 2^32 floats: sigmoid 1.25 epsilon [1.23], tanh 1.5 epsilon [1.24]. Both stay in range; infinities
/// give the ends of tanh exactly, sigmoid is at least e^-28.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/math/tanh_table.hpp"

#include <bit>
#include <cstdint>

#if TOCSIN_HAS_TANH_TABLE

namespace tocsin::detail {

/// 2^(j / 16) as bits, less j << 19: what n << 19 adds below the exponent.
inline constexpr auto root_bits = [] {
    constexpr float roots[16] = {1.0F,        1.04427378F, 1.09050773F, 1.13878863F,
                                 1.18920712F, 1.24185781F, 1.29683955F, 1.35425555F,
                                 1.41421356F, 1.47682615F, 1.54221083F, 1.61049033F,
                                 1.68179283F, 1.75625216F, 1.83400809F, 1.91520656F};
    struct {
        alignas(64) std::uint32_t values[16];
    } bits{};
    for (std::uint32_t j = 0; j < 16; ++j) {
        bits.values[j] = std::bit_cast<std::uint32_t>(roots[j]) - (j << 19U);
    }
    return bits;
}();

/// e^x = power + rest.
struct table_exponential {
    __m512 power;
    __m512 rest;

    /// 1 + e^x.
    TOCSIN_ALWAYS_INLINE inline __m512 above_one() const noexcept {
        return _mm512_add_ps(_mm512_add_ps(_mm512_set1_ps(1.0F), power), rest);
    }
    /// 1 - e^x.
    TOCSIN_ALWAYS_INLINE inline __m512 below_one() const noexcept {
        return _mm512_sub_ps(_mm512_sub_ps(_mm512_set1_ps(1.0F), power), rest);
    }
};

/// The table, loaded once for all cells of a step.
class exponential_table {
  public:
    TOCSIN_ALWAYS_INLINE inline exponential_table() noexcept
        : roots_{_mm512_load_si512(root_bits.values)} {}

    /// e^(factor x) for |x| up to `limit`; beyond it that of the limit. NaN stays NaN.
    /// @param limit the magnitude of factor * limit is at most 28: three values can be multiplied
    /// @param steps 16 factor / ln 2
    TOCSIN_ALWAYS_INLINE inline table_exponential operator()(__m512 x, __m512 limit,
                                                             __m512 steps) const noexcept {
        // The second operand of a minimum is its result where it is NaN.
        const __m512 y =
            _mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), limit), _mm512_min_ps(limit, x));
        // Adding 1.5 * 2^23 rounds to an integer, which stands in the lowest bits then.
        const __m512 magic = _mm512_set1_ps(12582912.0F);
        const __m512 rounded = _mm512_fmadd_ps(y, steps, magic);
        const __m512i n = _mm512_castps_si512(rounded);
        // With a rounding mode, so that -ffast-math does not take the difference for y steps.
        const __m512 whole = _mm512_sub_round_ps(rounded, magic, _MM_FROUND_CUR_DIRECTION);
        const __m512 r = _mm512_fmsub_ps(y, steps, whole);
        const __m512 power = _mm512_castsi512_ps(
            _mm512_add_epi32(_mm512_permutexvar_epi32(n, roots_), _mm512_slli_epi32(n, 19)));
        constexpr double unit = ln_2 / 16;
        const __m512 second =
            _mm512_fmadd_ps(_mm512_set1_ps(static_cast<float>(unit * unit * unit / 6)), r,
                            _mm512_set1_ps(static_cast<float>(unit * unit / 2)));
        const __m512 first = _mm512_fmadd_ps(second, r, _mm512_set1_ps(static_cast<float>(unit)));
        return {power, _mm512_mul_ps(_mm512_mul_ps(power, r), first)};
    }

    /// 16 / ln 2.
    static constexpr float steps_per_unit = static_cast<float>(16 / 0.69314718055994530942);

  private:
    static constexpr double ln_2 = 0.69314718055994530942;

    __m512i roots_;
};

} // namespace tocsin::detail

#endif
