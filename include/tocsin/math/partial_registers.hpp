/// @file partial_registers.hpp
/// @brief Loads and stores of the first scalars of a vector register, and of no others; its sum.
///
/// A copy of unknown length into a buffer is a call of memcpy, and a register that is loaded from
/// what was just written in pieces waits for it. A stream pays for both at each step, so targets
/// with masked instructions use those.
#pragma once

#include "tocsin/math/simd.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if TOCSIN_HAS_XSIMD

namespace tocsin::detail {

template <class Pack, class Scalar>
inline constexpr bool is_register_of =
    std::is_same_v<typename Pack::value_type, Scalar> && Pack::size > 1;

#if defined(__AVX__)
inline float sum_of_wide(__m256 all) noexcept {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehdup_ps(four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehl_ps(two, two)));
}
inline double sum_of_wide(__m256d all) noexcept {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(all), _mm256_extractf128_pd(all, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
/// Masks of 32-bit lanes of which the first `chosen` are set.
inline __m256i first_words(int chosen) noexcept {
    alignas(64) static constexpr std::int32_t words[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + 8 - chosen));
}
#endif
#if defined(__AVX512F__)
inline float sum_of_wide(__m512 all) noexcept {
    const __m512d pairs = _mm512_castps_pd(all);
    return sum_of_wide(_mm256_add_ps(_mm512_castps512_ps256(all),
                                     _mm256_castpd_ps(_mm512_extractf64x4_pd(pairs, 1))));
}
inline double sum_of_wide(__m512d all) noexcept {
    return sum_of_wide(_mm256_add_pd(_mm512_castpd512_pd256(all), _mm512_extractf64x4_pd(all, 1)));
}
inline unsigned first_lanes(int chosen) noexcept {
    return (1U << static_cast<unsigned>(chosen)) - 1U;
}
#endif

/// Sum of all scalars: of the halves of wide registers first, then of neighbours. The horizontal
/// instructions of AVX, which xsimd uses in the same order, take three times as long.
template <class Pack>
typename Pack::value_type sum_of_register(const Pack& pack) noexcept {
    if constexpr (requires(typename Pack::register_type all) { sum_of_wide(all); }) {
        return sum_of_wide(pack);
    } else if constexpr (requires { reduce_add(pack); }) {
        return reduce_add(pack);
    } else {
        return hadd(pack); // its name in xsimd 8
    }
}

/// Copies `count` < 2 `Largest` scalars in pieces of `Largest`, `Largest` / 2, ..., 1.
template <int Largest, class Scalar>
void copy_pieces(const Scalar* from, Scalar* to, int count) noexcept {
    if constexpr (Largest > 0) {
        const bool taken = (count & Largest) != 0;
        if (taken) {
            std::memcpy(to, from, Largest * sizeof(Scalar));
        }
        const int step = taken ? Largest : 0;
        copy_pieces<Largest / 2>(from + step, to + step, count);
    }
}

/// The first `valid` scalars, fewer than the pack holds, then zeros. Reads no more than those.
template <class Pack>
Pack load_part(const typename Pack::value_type* from, int valid) noexcept {
#if defined(__AVX512F__)
    if constexpr (is_register_of<Pack, float> && sizeof(Pack) == 64) {
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>(first_lanes(valid)), from);
    }
    if constexpr (is_register_of<Pack, double> && sizeof(Pack) == 64) {
        return _mm512_maskz_loadu_pd(static_cast<__mmask8>(first_lanes(valid)), from);
    }
#endif
#if defined(__AVX__)
    if constexpr (is_register_of<Pack, float> && sizeof(Pack) == 32) {
        return _mm256_maskload_ps(from, first_words(valid));
    }
    if constexpr (is_register_of<Pack, double> && sizeof(Pack) == 32) {
        return _mm256_maskload_pd(from, first_words(2 * valid));
    }
#endif
#if defined(__SSE2__)
    if constexpr (is_register_of<Pack, float> && sizeof(Pack) == 16) {
        if (valid == 1) {
            return _mm_load_ss(from);
        }
        const __m128 two =
            _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
        return valid < 3 ? two : _mm_movelh_ps(two, _mm_load_ss(from + 2));
    }
    if constexpr (is_register_of<Pack, double> && sizeof(Pack) == 16) {
        return _mm_load_sd(from);
    }
#endif
    alignas(64) typename Pack::value_type padded[Pack::size] = {};
    copy_pieces<static_cast<int>(Pack::size) / 2>(from, padded, valid);
    return Pack::load_unaligned(padded);
}

/// As many doubles as the pack holds, from floats.
template <class Pack>
Pack load_converted(const float* from) noexcept {
#if defined(__AVX512F__)
    if constexpr (sizeof(Pack) == 64) {
        return _mm512_cvtps_pd(_mm256_loadu_ps(from));
    }
#endif
#if defined(__AVX__)
    if constexpr (sizeof(Pack) == 32) {
        return _mm256_cvtps_pd(_mm_loadu_ps(from));
    }
#endif
    double converted[Pack::size];
    std::copy_n(from, Pack::size, converted);
    return Pack::load_unaligned(converted);
}

/// Writes the first `valid` scalars alone, fewer than the pack holds.
template <class Pack>
void store_part(typename Pack::value_type* to, const Pack& value, int valid) noexcept {
#if defined(__AVX512F__)
    if constexpr (is_register_of<Pack, float> && sizeof(Pack) == 64) {
        _mm512_mask_storeu_ps(to, static_cast<__mmask16>(first_lanes(valid)), value);
        return;
    }
    if constexpr (is_register_of<Pack, double> && sizeof(Pack) == 64) {
        _mm512_mask_storeu_pd(to, static_cast<__mmask8>(first_lanes(valid)), value);
        return;
    }
#endif
    // Not the masked stores of AVX, which take dozens of cycles on some processors.
    alignas(64) typename Pack::value_type all[Pack::size];
    value.store_unaligned(all);
    copy_pieces<static_cast<int>(Pack::size) / 2>(all, to, valid);
}

} // namespace tocsin::detail

#endif
