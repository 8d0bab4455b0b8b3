/// @file lstm_table_kernel.hpp
/// @brief One time step of one sequence, for layers of at most 32 units on AVX-512.
///
/// A step of a small layer is one chain: h, sums, gates, c', h'. This kernel shortens it. Its
/// activations have no division (tanh_table.hpp), sums have several parts, h of up to 16 units is
/// rotated in registers (lstm_table_packing.hpp).
#pragma once

#include "tocsin/math/lanes.hpp"
#include "tocsin/math/lstm_table_packing.hpp"
#include "tocsin/math/table_units.hpp"
#include "tocsin/math/tanh_table.hpp"

#include <type_traits>

#if TOCSIN_HAS_TANH_TABLE

namespace tocsin {
namespace detail {

/// h, each quarter in all quarters of a register, in each rotation.
template <int Units>
struct rotated_units {
    __m512 rotation[Units];

    TOCSIN_ALWAYS_INLINE inline rotated_units(const float* hidden,
                                              const table_units& units) noexcept {
        alignas(64) float padded[16];
        if (!units.full()) { // a pass through memory, but no read beyond the state
            _mm512_store_ps(padded, units.load<Units>(hidden));
            hidden = padded;
        }
        unroll<Units / 4>([&](auto q) TOCSIN_ALWAYS_INLINE {
            const __m512 quarter = _mm512_broadcast_f32x4(_mm_loadu_ps(hidden + 4 * q));
            rotation[4 * q] = quarter;
            rotation[4 * q + 1] = _mm512_permute_ps(quarter, 0x39);
            rotation[4 * q + 2] = _mm512_permute_ps(quarter, 0x4e);
            rotation[4 * q + 3] = _mm512_permute_ps(quarter, 0x93);
        });
    }
};

/// Pre-activations of a register, summed in four parts.
template <int Units>
TOCSIN_ALWAYS_INLINE inline __m512 rotated_sum(const table_layout& layout, const float* packed,
                                               int reg, const float* input,
                                               const rotated_units<Units>& hidden) noexcept {
    const float* weights = packed + layout.at(reg, 0);
    __m512 sum[4];
    sum[0] = _mm512_loadu_ps(weights);
    for (int k = 0; k < layout.inputs; ++k) {
        weights += table_layout::lanes;
        sum[0] = _mm512_fmadd_ps(_mm512_loadu_ps(weights), _mm512_set1_ps(input[k]), sum[0]);
    }
    weights += table_layout::lanes;
    unroll<Units>([&](auto r) TOCSIN_ALWAYS_INLINE {
        const __m512 weight = _mm512_loadu_ps(weights + table_layout::lanes * r);
        __m512& part = sum[r % 4];
        part = r == 0 || r >= 4 ? _mm512_fmadd_ps(weight, hidden.rotation[r], part)
                                : _mm512_mul_ps(weight, hidden.rotation[r]);
    });
    return _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3]));
}

/// c' and h' of 16 units, from pre-activations; stores both.
TOCSIN_ALWAYS_INLINE inline void table_cell(const tanh_table& table, const table_units& units,
                                            const __m512 (&z)[4], float* cell,
                                            float* hidden) noexcept {
    const __m512 kept = _mm512_mul_ps(sigmoid_of(table(z[0])), units.load<16>(cell));
    const __m512 input = sigmoid_of(table(z[1]));
    const __m512 next = _mm512_fmadd_ps(input, tanh_of(table(z[2])), kept);
    const __m512 output = sigmoid_of(table(z[3]));
    units.store<16>(cell, next);
    units.store<16>(hidden,
                    table(_mm512_mul_ps(next, _mm512_set1_ps(tanh_table::scale))).times(output));
}

/// Of up to 8 units: two gates share a register.
TOCSIN_ALWAYS_INLINE inline void table_step_8(const table_layout& layout, const float* packed,
                                              const float* input, float* hidden,
                                              float* cell) noexcept {
    const tanh_table table;
    const table_units units(layout.hidden, 8);
    const rotated_units<8> h(hidden, units);
    const __m512 c = units.load<8>(cell);
    const __m512 z_forget_input = rotated_sum(layout, packed, 0, input, h);
    const __m512 z_output_candidate = rotated_sum(layout, packed, 1, input, h);

    constexpr __mmask16 upper = 0xff00;
    const __m512 half = _mm512_set1_ps(0.5F);
    const __m512 forget_input = sigmoid_of(table(z_forget_input));
    const __m512 output_candidate =
        table(z_output_candidate)
            .times_plus(_mm512_mask_blend_ps(upper, half, _mm512_set1_ps(1.0F)),
                        _mm512_mask_blend_ps(upper, half, _mm512_setzero_ps()));
    // f c in the lower half and i g in the upper one; their sum is c' in both.
    const __m512 terms =
        _mm512_mul_ps(forget_input, _mm512_mask_blend_ps(upper, c, output_candidate));
    const __m512 next = _mm512_add_ps(terms, _mm512_shuffle_f32x4(terms, terms, 0x4e));
    units.store<8>(cell, next);
    units.store<8>(
        hidden,
        table(_mm512_mul_ps(next, _mm512_set1_ps(tanh_table::scale))).times(output_candidate));
}

/// Of up to 16 units: a gate fills a register.
TOCSIN_ALWAYS_INLINE inline void table_step_16(const table_layout& layout, const float* packed,
                                               const float* input, float* hidden,
                                               float* cell) noexcept {
    const tanh_table table;
    const table_units units(layout.hidden, 16);
    const rotated_units<16> h(hidden, units);
    __m512 z[4];
    unroll<4>([&](auto reg)
                  TOCSIN_ALWAYS_INLINE { z[reg] = rotated_sum(layout, packed, reg, input, h); });
    table_cell(table, units, z, cell, hidden);
}

/// Of up to 32 units: two blocks of 16, whose sums have two parts each.
TOCSIN_ALWAYS_INLINE inline void table_step_32(const table_layout& layout, const float* packed,
                                               const float* input, float* hidden,
                                               float* cell) noexcept {
    constexpr int lanes = table_layout::lanes;
    __m512 sum[2][8];
    const float* weights = packed;
    unroll<8>([&](auto reg) TOCSIN_ALWAYS_INLINE {
        sum[0][reg] = _mm512_loadu_ps(weights + lanes * reg);
        sum[1][reg] = _mm512_setzero_ps();
    });
    weights += lanes * 8;
    const auto add = [&](float value, auto part) TOCSIN_ALWAYS_INLINE {
        const __m512 x = _mm512_set1_ps(value);
        unroll<8>([&](auto reg) TOCSIN_ALWAYS_INLINE {
            sum[part][reg] =
                _mm512_fmadd_ps(_mm512_loadu_ps(weights + lanes * reg), x, sum[part][reg]);
        });
        weights += lanes * 8;
    };
    constexpr std::integral_constant<int, 0> even;
    constexpr std::integral_constant<int, 1> odd;
    for (int k = 0; k < layout.inputs; ++k) {
        add(input[k], even);
    }
    int k = 0;
    for (; k + 2 <= layout.hidden; k += 2) {
        add(hidden[k], even);
        add(hidden[k + 1], odd);
    }
    if (k < layout.hidden) {
        add(hidden[k], even);
    }
    const tanh_table table;
    __m512 z[2][4];
    unroll<2>([&](auto block) TOCSIN_ALWAYS_INLINE {
        unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
            z[block][gate] = _mm512_add_ps(sum[0][2 * gate + block], sum[1][2 * gate + block]);
        });
        table_cell(table, {block == 0 ? lanes : layout.hidden - lanes, lanes}, z[block],
                   cell + lanes * block, hidden + lanes * block);
    });
}

} // namespace detail

/// Advances h and c of one sequence by one time step. Never allocates.
/// @param packed weights from pack_lstm_table()
/// @param input  `[inputs]`
/// @param hidden `[hidden]`, in: h; out: h'
/// @param cell   `[hidden]`, in: c; out: c'
inline void lstm_table_step(const table_layout& layout, const float* packed, const float* input,
                            float* hidden, float* cell) noexcept {
    if (layout.units() == 8) {
        detail::table_step_8(layout, packed, input, hidden, cell);
    } else if (layout.units() == 16) {
        detail::table_step_16(layout, packed, input, hidden, cell);
    } else {
        detail::table_step_32(layout, packed, input, hidden, cell);
    }
}

} // namespace tocsin

#endif
