/// @file lstm_batch_step.hpp
/// @brief What the kernels of one time step of a batch read and write, and its pre-activations.
#pragma once

#include "tocsin/math/lstm_packing.hpp"

#include <type_traits>

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
/// @tparam Registers that the four gates of a block fill
template <class Lanes, int Columns, int Registers>
TOCSIN_ALWAYS_INLINE inline void lstm_batch_sums(
    const lstm_layout& layout, const typename Lanes::scalar_type* weights,
    const lstm_batch_step<typename Lanes::scalar_type>& step, index_t column,
    typename Lanes::register_type (&sums)[std::size_t{Columns}][std::size_t{Registers}]) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    constexpr index_t column_size = index_t{Registers} * Lanes::count;
    unroll<Registers>([&](auto r) TOCSIN_ALWAYS_INLINE {
        const reg bias = Lanes::load(weights + r * Lanes::count);
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE { sums[c][r] = bias; });
    });
    weights += column_size;
    const auto add_columns = [&](const scalar* values, int rows) TOCSIN_ALWAYS_INLINE {
        for (int k = 0; k < rows; ++k) {
            reg row[std::size_t{Registers}];
            unroll<Registers>([&](auto r) TOCSIN_ALWAYS_INLINE {
                row[r] = Lanes::load(weights + r * Lanes::count);
            });
            unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
                const reg x = Lanes::broadcast(values + index_t{c} * rows + k);
                unroll<Registers>([&](auto r) TOCSIN_ALWAYS_INLINE {
                    sums[c][r] = Lanes::multiply_add(row[r], x, sums[c][r]);
                });
            });
            weights += column_size;
        }
    };
    add_columns(step.input + column * layout.inputs, layout.inputs);
    add_columns(step.previous_hidden + column * layout.hidden, layout.hidden);
}

/// Calls `body(columns, first)` until `batch` columns are done; `columns` is a constant: `Widest` as
/// long as there are so many, then 2 and 1.
template <int Widest, class Body>
TOCSIN_ALWAYS_INLINE inline void for_each_columns(int batch, Body&& body) noexcept {
    int column = 0;
    for (; column + Widest <= batch; column += Widest) {
        body(std::integral_constant<int, Widest>{}, column);
    }
    for (; column + 2 <= batch; column += 2) {
        body(std::integral_constant<int, 2>{}, column);
    }
    if (column < batch) {
        body(std::integral_constant<int, 1>{}, column);
    }
}

} // namespace detail
} // namespace tocsin
