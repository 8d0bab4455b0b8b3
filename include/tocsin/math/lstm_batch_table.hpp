/// @file lstm_batch_table.hpp
/// @brief One time step of a batch of sequences on AVX-512, with exponentials from a table.
///
/// With I = 1 + e^-z_i, F and O likewise, and G = 1 + e^-2z_g, H = 1 - e^-2z_g:
///
///     i = 1 / I      f = 1 / F      g = H / G      o = 1 / O
///     c' = (c I G + H F) / (I G F)      h' = (1 - e^-2c') / ((1 + e^-2c') O)
///
/// Exponents are cut off at 28: a product of three such sums is a normal number.
#pragma once

#include "tocsin/math/exponential_table.hpp"
#include "tocsin/math/lstm_batch_step.hpp"
#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_gate.hpp"
#include "tocsin/math/table_units.hpp"

#include <type_traits>

#if TOCSIN_HAS_TANH_TABLE

namespace tocsin::detail {

/// e^-x, for sigmoids.
TOCSIN_ALWAYS_INLINE inline table_exponential sigmoid_exponential(const exponential_table& table,
                                                                  __m512 x) noexcept {
    return table(x, _mm512_set1_ps(28.0F), _mm512_set1_ps(-exponential_table::steps_per_unit));
}
/// e^-2x, for tanh.
TOCSIN_ALWAYS_INLINE inline table_exponential tanh_exponential(const exponential_table& table,
                                                               __m512 x) noexcept {
    return table(x, _mm512_set1_ps(14.0F), _mm512_set1_ps(-2 * exponential_table::steps_per_unit));
}

/// c' of a cell, and what h' takes of its output gate: o where the gates are kept, otherwise O.
struct batch_cell {
    __m512 next;
    __m512 output;
};

/// h' of a cell.
template <bool Keep>
TOCSIN_ALWAYS_INLINE inline __m512 batch_hidden(const exponential_table& table,
                                                const batch_cell& cell) noexcept {
    const table_exponential state = tanh_exponential(table, cell.next);
    return Keep ? _mm512_div_ps(_mm512_mul_ps(state.below_one(), cell.output), state.above_one())
                : _mm512_div_ps(state.below_one(), _mm512_mul_ps(state.above_one(), cell.output));
}

/// Blocks of 16 units: a gate fills a register.
template <bool Keep>
struct table_block_16 {
    static constexpr int registers = 4;

    /// @param z     pre-activations in the order of lstm_gate
    /// @param gates where to keep i, f, g, o
    TOCSIN_ALWAYS_INLINE inline static batch_cell cell(const exponential_table& table,
                                                       const __m512 (&z)[4], __m512 previous,
                                                       [[maybe_unused]] float* gates) noexcept {
        const __m512 input = sigmoid_exponential(table, z[lstm_gate::input]).above_one();
        const __m512 forget = sigmoid_exponential(table, z[lstm_gate::forget]).above_one();
        const __m512 output = sigmoid_exponential(table, z[lstm_gate::output]).above_one();
        const table_exponential candidate = tanh_exponential(table, z[lstm_gate::candidate]);
        const __m512 above = candidate.above_one();
        const __m512 below = candidate.below_one();
        if constexpr (Keep) { // one division for two gates
            const __m512 one = _mm512_set1_ps(1.0F);
            const __m512 first = _mm512_div_ps(one, _mm512_mul_ps(input, forget));
            const __m512 second = _mm512_div_ps(one, _mm512_mul_ps(above, output));
            const __m512 i = _mm512_mul_ps(forget, first);
            const __m512 f = _mm512_mul_ps(input, first);
            const __m512 g = _mm512_mul_ps(_mm512_mul_ps(below, output), second);
            const __m512 o = _mm512_mul_ps(above, second);
            _mm512_storeu_ps(gates + 16 * lstm_gate::input, i);
            _mm512_storeu_ps(gates + 16 * lstm_gate::forget, f);
            _mm512_storeu_ps(gates + 16 * lstm_gate::candidate, g);
            _mm512_storeu_ps(gates + 16 * lstm_gate::output, o);
            return {_mm512_fmadd_ps(f, previous, _mm512_mul_ps(i, g)), o};
        } else {
            const __m512 product = _mm512_mul_ps(input, above);
            const __m512 numerator =
                _mm512_fmadd_ps(below, forget, _mm512_mul_ps(previous, product));
            return {_mm512_div_ps(numerator, _mm512_mul_ps(product, forget)), output};
        }
    }
    TOCSIN_ALWAYS_INLINE inline static __m512 hidden(const exponential_table& table,
                                                     const batch_cell& cell) noexcept {
        return batch_hidden<Keep>(table, cell);
    }
};

/// Blocks of up to 8 units: two gates share a register, (i, f) and (g, o).
template <bool Keep>
struct table_block_8 {
    static constexpr int registers = 2;
    static_assert(lstm_gate::input == 0 && lstm_gate::forget == 1 && lstm_gate::candidate == 2);

    TOCSIN_ALWAYS_INLINE inline static batch_cell cell(const exponential_table& table,
                                                       const __m512 (&z)[2], __m512 previous,
                                                       [[maybe_unused]] float* gates) noexcept {
        constexpr __mmask16 upper = 0xff00;
        constexpr float steps = exponential_table::steps_per_unit;
        const __m512 one = _mm512_set1_ps(1.0F);
        const __m512 input_forget = sigmoid_exponential(table, z[0]).above_one();
        const table_exponential last =
            table(z[1], _mm512_mask_blend_ps(upper, _mm512_set1_ps(14.0F), _mm512_set1_ps(28.0F)),
                  _mm512_mask_blend_ps(upper, _mm512_set1_ps(-2 * steps), _mm512_set1_ps(-steps)));
        const __m512 above = last.above_one();
        // i g in the lower half, f c in the upper one; their sum is c' in both.
        const auto with_cell = [&](__m512 candidate) TOCSIN_ALWAYS_INLINE {
            return _mm512_mask_shuffle_f32x4(candidate, upper, previous, previous, 0x44);
        };
        const auto add_halves = [](__m512 terms) TOCSIN_ALWAYS_INLINE {
            return _mm512_add_ps(terms, _mm512_shuffle_f32x4(terms, terms, 0x4e));
        };
        if constexpr (Keep) {
            const __m512 first = _mm512_div_ps(one, input_forget);
            const __m512 second =
                _mm512_div_ps(_mm512_mask_blend_ps(upper, last.below_one(), one), above);
            _mm512_storeu_ps(gates, first);
            _mm512_storeu_ps(gates + 16, second);
            return {add_halves(_mm512_mul_ps(first, with_cell(second))), second};
        } else {
            constexpr __mmask16 lower = 0x00ff;
            return {add_halves(_mm512_div_ps(
                        with_cell(last.below_one()),
                        _mm512_mask_mul_ps(input_forget, lower, input_forget, above))),
                    above};
        }
    }
    /// h', brought from the half of the output gate to the lower one.
    TOCSIN_ALWAYS_INLINE inline static __m512 hidden(const exponential_table& table,
                                                     const batch_cell& cell) noexcept {
        const __m512 hidden = batch_hidden<Keep>(table, cell);
        return _mm512_shuffle_f32x4(hidden, hidden, 0x4e);
    }
};

/// One block of a step.
/// @param weights of the block
/// @param kept    where the gates of the first column are kept, if they are
template <int Units, bool Keep>
void lstm_batch_table_block(const lstm_layout& layout, const float* weights,
                            const lstm_batch_step<float>& step, int block,
                            [[maybe_unused]] float* kept) noexcept {
    using reg = lanes<float, 16>;
    using block_type = std::conditional_t<Units == 8, table_block_8<Keep>, table_block_16<Keep>>;
    constexpr int registers = block_type::registers;
    const exponential_table table;
    const table_units units(layout.units_in(block), Units);
    for_each_columns<reg::sums / registers>(step.batch, [&](auto columns,
                                                            int column) TOCSIN_ALWAYS_INLINE {
        reg::register_type z[columns][registers];
        lstm_batch_sums<reg, columns, registers>(layout, weights, step, column, z);
        const index_t first = index_t{column} * layout.hidden + index_t{block} * Units;
        // All c' first, so that no h' waits for a division while cells could be computed.
        batch_cell cells[columns];
        unroll<columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            const index_t at = first + index_t{c} * layout.hidden;
            float* const gates =
                Keep ? kept + (index_t{column} + c) * layout.column_size() : nullptr;
            cells[c] =
                block_type::cell(table, z[c], units.load<Units>(step.previous_cell + at), gates);
            units.store<Units>(step.cell + at, cells[c].next);
        });
        unroll<columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            units.store<Units>(step.hidden + first + index_t{c} * layout.hidden,
                               block_type::hidden(table, cells[c]));
        });
    });
}

/// See lstm_batch_kernel().
/// @tparam Units of a block, 8 or 16
template <int Units>
void lstm_batch_table_kernel(const lstm_layout& layout, const float* packed,
                             const lstm_batch_step<float>& step,
                             const packed_gate_columns<float>& gates,
                             index_t first_column) noexcept {
    for (int block = 0; block < layout.blocks(); ++block) {
        const float* const weights = packed + block * layout.block_size();
        if (gates.data == nullptr) {
            lstm_batch_table_block<Units, false>(layout, weights, step, block, nullptr);
        } else {
            lstm_batch_table_block<Units, true>(layout, weights, step, block,
                                                gates.at(layout, block, first_column));
        }
    }
}

/// Whether batches of these lanes and this arithmetic are computed so.
template <class Lanes, class Arithmetic>
inline constexpr bool has_batch_table =
    std::is_same_v<typename Lanes::scalar_type, float> &&
    std::is_same_v<Arithmetic, rational_arithmetic> && (Lanes::count == 8 || Lanes::count == 16);

} // namespace tocsin::detail

#endif
