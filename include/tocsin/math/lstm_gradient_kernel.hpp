/// @file lstm_gradient_kernel.hpp
/// @brief Backpropagation through a step of a batch of sequences: slopes, weight gradients.
#pragma once

#include "tocsin/math/lstm_batch_kernel.hpp"

namespace tocsin {

/// Chain rule through the cells of one time step. With dh = dL/dh' and dc = dL/dc' from later steps:
///
///     dc  = dc + dh * o * (1 - tanh(c')^2)
///     dz_i = dc * g * i * (1 - i)          dz_f = dc * c * f * (1 - f)
///     dz_g = dc * i * (1 - g^2)            dz_o = dh * tanh(c') * o * (1 - o)
///     dL/dc = dc * f
///
/// @param gates           in: i, f, g, o; out: dL/dz; the columns from `first_column` on
/// @param previous_cell   `[hidden x batch]` c
/// @param cell            `[hidden x batch]` c'
/// @param output_gradient `[hidden x batch]` dL/dh', complete
/// @param cell_gradient   `[hidden x batch]`, in: dL/dc' from later steps; out: dL/dc
template <class Lanes, class Arithmetic>
void lstm_slopes_kernel(const lstm_layout& layout, int batch,
                        const packed_gate_columns<typename Lanes::scalar_type>& gates,
                        index_t first_column, const typename Lanes::scalar_type* previous_cell,
                        const typename Lanes::scalar_type* cell,
                        const typename Lanes::scalar_type* output_gradient,
                        typename Lanes::scalar_type* cell_gradient) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    constexpr detail::gate_activation_of<Arithmetic> sigmoid;
    constexpr tanh_activation tanh;
    for (int block = 0; block < layout.blocks(); ++block) {
        const int units = layout.units_in(block);
        const auto load = [&](const scalar* from)
                              TOCSIN_ALWAYS_INLINE { return pack(Lanes::load_first(from, units)); };
        for (int column = 0; column < batch; ++column) {
            const index_t at = index_t{column} * layout.hidden + index_t{block} * Lanes::count;
            scalar* const gate = gates.at(layout, block, first_column + column);
            if (first_column >= batch) {
                // The previous step comes next, and on a long tape it has left the caches.
                Lanes::template prefetch<lstm_gate::count>(gate - batch * layout.column_size());
            }
            const pack i(Lanes::load(gate + lstm_gate::input * Lanes::count));
            const pack f(Lanes::load(gate + lstm_gate::forget * Lanes::count));
            const pack g(Lanes::load(gate + lstm_gate::candidate * Lanes::count));
            const pack o(Lanes::load(gate + lstm_gate::output * Lanes::count));
            const pack squashed = Arithmetic::squash(load(cell + at));
            const pack dh = load(output_gradient + at);
            const pack dc = load(cell_gradient + at) + dh * o * tanh.slope(squashed);
            Lanes::store(gate + lstm_gate::input * Lanes::count, reg(dc * g * sigmoid.slope(i)));
            Lanes::store(gate + lstm_gate::forget * Lanes::count,
                         reg(dc * load(previous_cell + at) * sigmoid.slope(f)));
            Lanes::store(gate + lstm_gate::candidate * Lanes::count, reg(dc * i * tanh.slope(g)));
            Lanes::store(gate + lstm_gate::output * Lanes::count,
                         reg(dh * squashed * sigmoid.slope(o)));
            Lanes::store_first(cell_gradient + at, reg(dc * f), units);
        }
    }
}

namespace detail {

/// Adds the gradient of `Rows` weight columns: the sum over batch columns of dL/dz times value.
template <class Lanes, int Rows, bool Bias>
TOCSIN_ALWAYS_INLINE inline void
lstm_weight_gradient(const typename Lanes::scalar_type* slopes,
                     const typename Lanes::scalar_type* values, index_t value_stride,
                     index_t columns, typename Lanes::scalar_type* gradient,
                     [[maybe_unused]] typename Lanes::scalar_type* bias_gradient) noexcept {
    using reg = typename Lanes::register_type;
    constexpr int size = 4 * Lanes::count;
    reg sums[std::size_t{Rows}][4];
    reg bias[4];
    unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
        unroll<Rows>([&](auto row) TOCSIN_ALWAYS_INLINE {
            sums[row][gate] = Lanes::load(gradient + row * size + gate * Lanes::count);
        });
        if constexpr (Bias) {
            bias[gate] = Lanes::load(bias_gradient + gate * Lanes::count);
        }
    });
    for (index_t column = 0; column < columns; ++column) {
        reg slope[4];
        unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
            slope[gate] = Lanes::load(slopes + gate * Lanes::count);
            if constexpr (Bias) {
                bias[gate] = Lanes::add(bias[gate], slope[gate]);
            }
        });
        unroll<Rows>([&](auto row) TOCSIN_ALWAYS_INLINE {
            const reg x = Lanes::broadcast(values + row);
            unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                sums[row][gate] = Lanes::multiply_add(slope[gate], x, sums[row][gate]);
            });
        });
        slopes += size;
        values += value_stride;
    }
    unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
        unroll<Rows>([&](auto row) TOCSIN_ALWAYS_INLINE {
            Lanes::store(gradient + row * size + gate * Lanes::count, sums[row][gate]);
        });
        if constexpr (Bias) {
            Lanes::store(bias_gradient + gate * Lanes::count, bias[gate]);
        }
    });
}

/// All rows of one operand, inputs or hidden states, for one block.
template <class Lanes, bool Bias>
void lstm_weight_gradients(const typename Lanes::scalar_type* slopes,
                           const typename Lanes::scalar_type* values, int rows, index_t columns,
                           typename Lanes::scalar_type* gradient,
                           typename Lanes::scalar_type* bias_gradient) noexcept {
    constexpr int widest = Lanes::sums / lstm_gate::count;
    constexpr index_t size = 4 * Lanes::count;
    int row = 0;
    if constexpr (Bias) {
        // The bias goes with the first row: its sums fit next to the sums of a single row.
        lstm_weight_gradient<Lanes, 1, true>(slopes, values, rows, columns, gradient,
                                             bias_gradient);
        row = 1;
    }
    for (; row + widest <= rows; row += widest) {
        lstm_weight_gradient<Lanes, widest, false>(slopes, values + row, rows, columns,
                                                   gradient + row * size, nullptr);
    }
    for (; row + 2 <= rows; row += 2) {
        lstm_weight_gradient<Lanes, 2, false>(slopes, values + row, rows, columns,
                                              gradient + row * size, nullptr);
    }
    if (row < rows) {
        lstm_weight_gradient<Lanes, 1, false>(slopes, values + row, rows, columns,
                                              gradient + row * size, nullptr);
    }
}

} // namespace detail

/// Adds the weight gradient of `columns` columns (batch items of one or several time steps) to
/// `gradient`, in packed order. Never allocates.
/// @param slopes dL/dz, the columns starting at `first_column`
/// @param input  `[inputs x columns]` x
/// @param hidden `[hidden x columns]` h of the previous step
template <class Lanes>
void lstm_weight_gradient_kernel(const lstm_layout& layout,
                                 const packed_gate_columns<typename Lanes::scalar_type>& slopes,
                                 index_t first_column, index_t columns,
                                 const typename Lanes::scalar_type* input,
                                 const typename Lanes::scalar_type* hidden,
                                 typename Lanes::scalar_type* gradient) noexcept {
    for (int block = 0; block < layout.blocks(); ++block) {
        auto* const bias = gradient + block * layout.block_size();
        auto* const of_inputs = bias + layout.column_size();
        const auto* const dz = slopes.at(layout, block, first_column);
        detail::lstm_weight_gradients<Lanes, true>(dz, input, layout.inputs, columns, of_inputs,
                                                   bias);
        detail::lstm_weight_gradients<Lanes, false>(
            dz, hidden, layout.hidden, columns, of_inputs + layout.inputs * layout.column_size(),
            nullptr);
    }
}

} // namespace tocsin
