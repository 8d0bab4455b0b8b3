/// @file lstm_batch_kernel.hpp
/// @brief One time step of a batch of sequences, forward.
#pragma once

#include "tocsin/math/lstm_batch_step.hpp"
#include "tocsin/math/lstm_batch_table.hpp"
#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_packing.hpp"

namespace tocsin {

namespace detail {

/// One block of a step for `Columns` batch items, with cells straight from the sums.
/// @param gates of the first of them, or null
template <class Lanes, class Arithmetic, int Columns>
void lstm_batch_columns(const lstm_layout& layout, const typename Lanes::scalar_type* packed,
                        const lstm_batch_step<typename Lanes::scalar_type>& step, int block,
                        index_t column, typename Lanes::scalar_type* gates) noexcept {
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    reg sums[std::size_t{Columns}][4];
    lstm_batch_sums<Lanes, Columns, 4>(layout, packed + block * layout.block_size(), step, column,
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
#if TOCSIN_HAS_TANH_TABLE
    if constexpr (detail::has_batch_table<Lanes, Arithmetic>) {
        detail::lstm_batch_table_kernel<Lanes::count>(layout, packed, step, gates, first_column);
        return;
    }
#endif
    constexpr int widest = Lanes::sums / lstm_gate::count;
    for (int block = 0; block < layout.blocks(); ++block) {
        detail::for_each_columns<widest>(step.batch, [&](auto columns, int column) {
            detail::lstm_batch_columns<Lanes, Arithmetic, columns>(
                layout, packed, step, block, column,
                gates.data == nullptr ? nullptr : gates.at(layout, block, first_column + column));
        });
    }
}

} // namespace tocsin
