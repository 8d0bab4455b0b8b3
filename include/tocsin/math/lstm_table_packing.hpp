/// @file lstm_table_packing.hpp
/// @brief The weight order of lstm_table_kernel.hpp: layers of at most 32 units on AVX-512.
///
/// A stored unit that is broadcast is late by the time a store takes to be read. So layers of at
/// most 16 units load h in quarters of a register, each copied to all quarters, and rotate within
/// them. A lane then multiplies h of unit
///
///     4 q + (lane + rotation) % 4
///
/// and its weights stand in that order. A register holds the pre-activations of
///
///     up to 8 units     [f | i], [o | g]
///     up to 16 units    [f], [i], [g], [o]
///     up to 32 units    [f0], [f1], [i0], [i1], [g0], [g1], [o0], [o1]
///
/// Packed are `[register][column][lane]` for layers of at most 16 units, whose columns are b, W and
/// the rotations of quarters 0, 1, ...; and `[column][register][lane]` for others, with the columns
/// b, W, U. Weights are scaled for tanh_table.hpp; missing units have zeros.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/math/lstm_gate.hpp"

namespace tocsin {

/// Sizes of a layer in that order.
struct table_layout {
    static constexpr int lanes = 16;   ///< values in a register
    static constexpr int largest = 32; ///< largest hidden size

    int inputs; ///< values that the layer reads
    int hidden; ///< hidden units

    /// Units with those that are missing.
    constexpr int units() const noexcept { return hidden <= 8 ? 8 : (hidden <= 16 ? 16 : 32); }
    /// Whether the state is rotated within one register.
    constexpr bool rotates() const noexcept { return hidden <= 16; }
    /// Registers that a column fills.
    constexpr int registers() const noexcept { return lstm_gate::count * units() / lanes; }
    /// Columns: bias, inputs, hidden state.
    constexpr int columns() const noexcept { return 1 + inputs + (rotates() ? units() : hidden); }
    /// Scalars of all packed weights.
    constexpr index_t size() const noexcept { return index_t{lanes} * registers() * columns(); }

    /// The gate of a lane.
    constexpr int gate(int reg, int lane) const noexcept {
        constexpr int pairs[2][2] = {{lstm_gate::forget, lstm_gate::input},
                                     {lstm_gate::output, lstm_gate::candidate}};
        constexpr int order[4] = {lstm_gate::forget, lstm_gate::input, lstm_gate::candidate,
                                  lstm_gate::output};
        if (units() == 8) {
            return pairs[reg][lane / 8];
        }
        return order[units() == 16 ? reg : reg / 2];
    }
    /// The unit of a lane.
    constexpr int unit(int reg, int lane) const noexcept {
        if (units() == 8) {
            return lane % 8;
        }
        return units() == 16 ? lane : reg % 2 * lanes + lane;
    }
    /// The unit of h that a lane multiplies in a column of U.
    constexpr int above(int column, int lane) const noexcept {
        const int k = column - 1 - inputs;
        return rotates() ? k / 4 * 4 + (lane + k) % 4 : k;
    }
    /// Where a register's weights of a column begin.
    constexpr index_t at(int reg, int column) const noexcept {
        return index_t{lanes} * (rotates() ? reg * columns() + column : column * registers() + reg);
    }
};

/// Packs parameters `[4H x (I + H + 1)]`.
/// @param packed `layout.size()` scalars, overwritten
template <class Scalar>
void pack_lstm_table(const table_layout& layout, const Scalar* parameters,
                     Scalar* packed) noexcept {
    const int rows = lstm_gate::count * layout.hidden;
    for (int reg = 0; reg < layout.registers(); ++reg) {
        for (int column = 0; column < layout.columns(); ++column) {
            Scalar* const to = packed + layout.at(reg, column);
            for (int lane = 0; lane < table_layout::lanes; ++lane) {
                const int unit = layout.unit(reg, lane);
                const int gate = layout.gate(reg, lane);
                int from = column - 1;
                bool exists = unit < layout.hidden;
                if (column == 0) {
                    from = layout.inputs + layout.hidden;
                } else if (column > layout.inputs) {
                    const int above = layout.above(column, lane);
                    from = layout.inputs + above;
                    exists = exists && above < layout.hidden;
                }
                // 3.5, and the half of sigmoid(x) = 1/2 + tanh(x / 2) / 2.
                const Scalar scale = gate == lstm_gate::candidate ? Scalar(3.5) : Scalar(1.75);
                to[lane] = exists ? scale * parameters[index_t{from} * rows +
                                                       index_t{gate} * layout.hidden + unit]
                                  : Scalar(0);
            }
        }
    }
}

} // namespace tocsin
