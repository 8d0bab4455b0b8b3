/// @file lstm_packing.hpp
/// @brief The weight order that LSTM kernels read, and copies to and from it.
///
/// Kernels compute one block of units at a time, as many as a vector register holds. They read
///
///     [block][column][i, f, g, o][unit in block],   columns: b, W (inputs), U (hidden)
///
/// sequentially. Units missing from the last block have zero weights, and so zero gradients.
#pragma once

#include "tocsin/math/lanes.hpp"
#include "tocsin/math/lstm_gate.hpp"
#include "tocsin/math/packed_product.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace tocsin {

/// Sizes of one LSTM layer and of its blocks.
struct lstm_layout {
    int inputs; ///< values that the layer reads
    int hidden; ///< hidden units
    int units;  ///< per block: the lanes of the kernels that read it, a power of two

    /// Blocks of units, the last one padded.
    constexpr int blocks() const noexcept { return registers_for(hidden, units); }
    /// Units of a block that exist.
    constexpr int units_in(int block) const noexcept {
        return std::min(units, hidden - block * units);
    }
    /// Columns: bias, inputs, hidden state.
    constexpr index_t columns() const noexcept { return index_t{1} + inputs + hidden; }
    /// Scalars of a column of a block.
    constexpr index_t column_size() const noexcept { return index_t{lstm_gate::count} * units; }
    /// Scalars of a block.
    constexpr index_t block_size() const noexcept { return columns() * column_size(); }
    /// Scalars of all packed weights.
    constexpr index_t size() const noexcept { return blocks() * block_size(); }
};

/// Layout of a layer for this target.
template <class Scalar>
constexpr lstm_layout layout_of(int inputs, int hidden) noexcept {
    return {inputs, hidden, lanes_for<Scalar>(hidden)};
}

namespace detail {

/// Calls `visit(packed position, parameter position, count)` for each run of weights that are
/// contiguous both in packed order and in `[4H x (I + H + 1)]` with columns `[W | U | b]`.
template <class Visit>
void for_each_packed_run(const lstm_layout& layout, Visit&& visit) noexcept {
    const index_t rows = index_t{lstm_gate::count} * layout.hidden;
    const index_t bias = index_t{layout.inputs} + layout.hidden;
    for (int block = 0; block < layout.blocks(); ++block) {
        for (index_t column = 0; column < layout.columns(); ++column) {
            const index_t from = (column == 0 ? bias : column - 1) * rows;
            const index_t to = block * layout.block_size() + column * layout.column_size();
            for (int gate = 0; gate < lstm_gate::count; ++gate) {
                visit(to + index_t{gate} * layout.units,
                      from + index_t{gate} * layout.hidden + index_t{block} * layout.units,
                      layout.units_in(block));
            }
        }
    }
}

/// The nearest bfloat16 to a float (ties to even), as the upper half of a word.
inline std::uint32_t nearest_bfloat16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value)) {
        return (bits | 0x0040'0000U) & 0xFFFF'0000U;
    }
    return (bits + 0x7FFFU + ((bits >> 16U) & 1U)) & 0xFFFF'0000U;
}
/// The word nearest to a float among those with `lower` as their lower half.
inline std::uint32_t nearest_word(float value, std::uint32_t lower) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (!std::isfinite(value)) {
        return (nearest_bfloat16(value) & 0xFFFF'0000U) | lower;
    }
    // Within one sign, the order of bits is the order of values.
    const std::uint32_t below = (bits & 0xFFFF'0000U) | lower;
    const std::uint32_t other = below > bits ? below - 0x1'0000U : below + 0x1'0000U;
    const auto distance = [bits](std::uint32_t word) {
        return word > bits ? word - bits : bits - word;
    };
    // A step across the sign bit or into infinity is not a neighbour.
    const bool neighbour =
        ((other ^ bits) >> 31U) == 0 && std::isfinite(std::bit_cast<float>(other));
    return neighbour && distance(other) < distance(below) ? other : below;
}

} // namespace detail

/// Copies parameters `[4H x (I + H + 1)]` into packed order.
/// @param packed `layout.size()` scalars, overwritten
template <class Scalar>
void pack_lstm(const lstm_layout& layout, const Scalar* parameters, Scalar* packed) noexcept {
    detail::for_each_packed_run(layout, [&](index_t to, index_t from, int count) {
        std::copy_n(parameters + from, count, packed + to);
        std::fill_n(packed + to + count, layout.units - count, Scalar(0));
    });
}

/// Adds gradients in packed order to gradients in parameter order.
template <class Scalar>
void add_unpacked_lstm(const lstm_layout& layout, const Scalar* packed,
                       Scalar* gradients) noexcept {
    detail::for_each_packed_run(layout, [&](index_t from, index_t to, int count) {
        for (int unit = 0; unit < count; ++unit) {
            gradients[to + unit] += packed[from + unit];
        }
    });
}

/// Shape of the product that takes dL/dz, in the order of packed gates, back to the inputs or the
/// hidden state.
/// @param outputs `layout.inputs` or `layout.hidden`
constexpr product_layout slope_product(const lstm_layout& layout, int outputs) noexcept {
    return {outputs, layout.blocks() * static_cast<int>(layout.column_size()), layout.units};
}

/// Packs the matrix of that product: columns `first_column` to `first_column + outputs` of the
/// parameters, transposed.
/// @param packed `slope_product(layout, outputs).size()` scalars, overwritten
template <class Scalar>
void pack_slope_product(const lstm_layout& layout, int outputs, int first_column,
                        const Scalar* parameters, Scalar* packed) noexcept {
    const product_layout product = slope_product(layout, outputs);
    const index_t rows = index_t{lstm_gate::count} * layout.hidden;
    std::fill_n(packed, product.size(), Scalar(0));
    for (int first = 0; first < outputs; first += layout.units) {
        Scalar* const to = packed + first / layout.units * product.block_size();
        for (int block = 0; block < layout.blocks(); ++block) {
            for (int gate = 0; gate < lstm_gate::count; ++gate) {
                // Transpose one square of weights at a time: it fits into the first-level cache.
                const index_t term = block * layout.column_size() + index_t{gate} * layout.units;
                const index_t row = index_t{gate} * layout.hidden + index_t{block} * layout.units;
                for (int j = first; j < std::min(first + layout.units, outputs); ++j) {
                    const Scalar* const from =
                        parameters + (index_t{first_column} + j) * rows + row;
                    for (int unit = 0; unit < layout.units_in(block); ++unit) {
                        to[(term + unit) * layout.units + (j - first)] = from[unit];
                    }
                }
            }
        }
    }
}

/// Scalars needed for weights packed as bfloat16: half as many.
constexpr index_t bfloat16_size(const lstm_layout& layout) noexcept {
    return layout.size() / 2;
}

/// Copies parameters into packed order with 16 bits each. A word holds a pair of gates, (i, f) or
/// (g, o), the first in its upper half. The whole word, read as a float, is the nearest to the
/// first gate's weight that its lower half allows, so neither gate needs a mask. The relative error
/// of a weight is at most 2^-8; for zero and denormal weights the absolute error is at most 2^-133.
/// @param packed `bfloat16_size(layout)` floats, overwritten
inline void pack_lstm_bfloat16(const lstm_layout& layout, const float* parameters,
                               float* packed) noexcept {
    const index_t rows = index_t{lstm_gate::count} * layout.hidden;
    const index_t bias = index_t{layout.inputs} + layout.hidden;
    for (int block = 0; block < layout.blocks(); ++block) {
        for (index_t column = 0; column < layout.columns(); ++column) {
            const float* const from = parameters + (column == 0 ? bias : column - 1) * rows +
                                      index_t{block} * layout.units;
            float* const to =
                packed + (block * layout.block_size() + column * layout.column_size()) / 2;
            for (int pair = 0; pair < 2; ++pair) {
                for (int unit = 0; unit < layout.units; ++unit) {
                    std::uint32_t word = 0;
                    if (unit < layout.units_in(block)) {
                        const float* const upper = from + index_t{2} * pair * layout.hidden + unit;
                        word = detail::nearest_word(
                            *upper, detail::nearest_bfloat16(upper[layout.hidden]) >> 16U);
                    }
                    to[pair * layout.units + unit] = std::bit_cast<float>(word);
                }
            }
        }
    }
}

/// Rounds packed weights to the values that pack_lstm_bfloat16 gives them, so that batches use the
/// same weights as streams.
inline void round_to_bfloat16(const lstm_layout& layout, float* packed) noexcept {
    for (index_t pair = 0; pair < layout.size() / (index_t{2} * layout.units); ++pair) {
        float* const upper = packed + 2 * pair * layout.units;
        float* const lower = upper + layout.units;
        for (int unit = 0; unit < layout.units; ++unit) {
            const std::uint32_t bits = detail::nearest_bfloat16(lower[unit]);
            upper[unit] = std::bit_cast<float>(detail::nearest_word(upper[unit], bits >> 16U));
            lower[unit] = std::bit_cast<float>(bits);
        }
    }
}

} // namespace tocsin
