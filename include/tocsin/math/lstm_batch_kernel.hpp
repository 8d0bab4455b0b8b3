/// @file lstm_batch_kernel.hpp
/// @brief One time step of a batch of sequences, forward.
#pragma once

#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_packing.hpp"

namespace tocsin {

/// Gates of a batch, or their dL/dz, in the kernels' layout for backpropagation:
/// `[block][time step and batch item][i, f, g, o][unit in block]`.
template <class Scalar>
struct packed_gate_columns {
    Scalar* data = nullptr; ///< the first value; not owned
    index_t columns = 0;    ///< batch * time

    /// The gates of one block and column, `4 * units` scalars.
    Scalar* at(const lstm_layout& layout, int block, index_t column) const noexcept {
        return data + (block * columns + column) * layout.column_size();
    }
    /// Scalars that so many columns need.
    static constexpr index_t size(const lstm_layout& layout, index_t columns) noexcept {
        return layout.blocks() * columns * layout.column_size();
    }
};

/// Inputs and outputs of one step of a batch; matrices `[inputs x batch]`, `[hidden x batch]`.
template <class Scalar>
struct lstm_batch_step {
    int batch;                     ///< columns, one per sequence
    const Scalar* input;           ///< `[inputs x batch]`
    const Scalar* previous_hidden; ///< h, must not overlap `hidden`
    const Scalar* previous_cell;   ///< c, may be `cell`
    Scalar* hidden;                ///< h'
    Scalar* cell;                  ///< c'
};

namespace detail {

/// Pre-activations of one block for `Columns` batch items starting at `column`.
template <class Lanes, int Columns>
TOCSIN_ALWAYS_INLINE inline void
lstm_batch_sums(const lstm_layout& layout, const typename Lanes::scalar_type* weights,
                const lstm_batch_step<typename Lanes::scalar_type>& step, index_t column,
                typename Lanes::register_type (&sums)[Columns][4]) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
        const reg bias = Lanes::load(weights + gate * Lanes::count);
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE { sums[c][gate] = bias; });
    });
    weights += layout.column_size();
    const auto add_columns = [&](const scalar* values, int rows) TOCSIN_ALWAYS_INLINE {
        for (int k = 0; k < rows; ++k) {
            reg row[4];
            unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                row[gate] = Lanes::load(weights + gate * Lanes::count);
            });
            unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
                const reg x = Lanes::broadcast(values + index_t{c} * rows + k);
                unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                    sums[c][gate] = Lanes::multiply_add(row[gate], x, sums[c][gate]);
                });
            });
            weights += 4 * Lanes::count;
        }
    };
    add_columns(step.input + column * layout.inputs, layout.inputs);
    add_columns(step.previous_hidden + column * layout.hidden, layout.hidden);
}

template <class Lanes, class Arithmetic, int Columns>
void lstm_batch_columns(const lstm_layout& layout, const typename Lanes::scalar_type* packed,
                        const lstm_batch_step<typename Lanes::scalar_type>& step, int block,
                        index_t column, typename Lanes::scalar_type* gates) noexcept {
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    reg sums[Columns][4];
    lstm_batch_sums<Lanes, Columns>(layout, packed + block * layout.block_size(), step, column,
                                    sums);
    const int units = layout.units_in(block);
    unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
        const index_t at = (column + c) * layout.hidden + index_t{block} * Lanes::count;
        const pack previous(Lanes::load_first(step.previous_cell + at, units));
        const lstm_gates<pack> z{pack(sums[c][lstm_gate::input]), pack(sums[c][lstm_gate::forget]),
                                 pack(sums[c][lstm_gate::candidate]),
                                 pack(sums[c][lstm_gate::output])};
        lstm_cell_state<pack> next;
        if (gates != nullptr) {
            const auto gate = Arithmetic::gates(z);
            typename Lanes::scalar_type* const to = gates + c * layout.column_size();
            Lanes::store(to + lstm_gate::input * Lanes::count, reg(gate.input));
            Lanes::store(to + lstm_gate::forget * Lanes::count, reg(gate.forget));
            Lanes::store(to + lstm_gate::candidate * Lanes::count, reg(gate.candidate));
            Lanes::store(to + lstm_gate::output * Lanes::count, reg(gate.output));
            next = lstm_next_state<Arithmetic>(gate, previous);
        } else {
            next = Arithmetic::state(z, previous);
        }
        Lanes::store_first(step.cell + at, reg(next.cell), units);
        Lanes::store_first(step.hidden + at, reg(next.hidden), units);
    });
}

} // namespace detail

/// Advances a batch of sequences by one time step. Never allocates.
/// @param packed weights from pack_lstm
/// @param gates  output: i, f, g, o of these columns, starting at `first_column`; null data if they
///               are not wanted
template <class Lanes, class Arithmetic>
void lstm_batch_kernel(const lstm_layout& layout, const typename Lanes::scalar_type* packed,
                       const lstm_batch_step<typename Lanes::scalar_type>& step,
                       const packed_gate_columns<typename Lanes::scalar_type>& gates,
                       index_t first_column) noexcept {
    constexpr int widest = Lanes::sums / lstm_gate::count;
    for (int block = 0; block < layout.blocks(); ++block) {
        const auto gates_of = [&](int column) {
            return gates.data == nullptr ? nullptr : gates.at(layout, block, first_column + column);
        };
        int column = 0;
        for (; column + widest <= step.batch; column += widest) {
            detail::lstm_batch_columns<Lanes, Arithmetic, widest>(layout, packed, step, block,
                                                                  column, gates_of(column));
        }
        for (; column + 2 <= step.batch; column += 2) {
            detail::lstm_batch_columns<Lanes, Arithmetic, 2>(layout, packed, step, block, column,
                                                             gates_of(column));
        }
        if (column < step.batch) {
            detail::lstm_batch_columns<Lanes, Arithmetic, 1>(layout, packed, step, block, column,
                                                             gates_of(column));
        }
    }
}

} // namespace tocsin
