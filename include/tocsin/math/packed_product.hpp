/// @file packed_product.hpp
/// @brief Product of a small packed matrix with the columns of a batch; sums stay in registers.
///
/// Computes y[j] = sum over r of M[r][j] * v[r] for each column of a batch, where the packed matrix
/// is `[block of outputs][r][output in block]` and a column may lie in several segments:
/// v = `[segment][column][position in segment]`. One segment is an ordinary column-major matrix.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>

namespace tocsin {

/// Shape of a packed matrix.
struct product_layout {
    int outputs; ///< rows of the matrix
    int terms;   ///< r
    int units;   ///< outputs per block: the lanes of the kernel, a power of two

    /// Blocks of rows, the last one padded.
    constexpr int blocks() const noexcept { return registers_for(outputs, units); }
    /// Scalars of a block.
    constexpr index_t block_size() const noexcept { return index_t{terms} * units; }
    /// Scalars of the packed matrix.
    constexpr index_t size() const noexcept { return blocks() * block_size(); }
};

/// Some of the blocks of a packed matrix.
struct block_range {
    int first;
    int count;
};

/// Packs `matrix(r, j)`; outputs missing from the last block are 0.
template <class Scalar, class Matrix>
void pack_product(const product_layout& layout, block_range blocks, const Matrix& matrix,
                  Scalar* packed) noexcept {
    for (int block = blocks.first; block < blocks.first + blocks.count; ++block) {
        for (int r = 0; r < layout.terms; ++r) {
            for (int unit = 0; unit < layout.units; ++unit) {
                const int j = block * layout.units + unit;
                *packed++ = j < layout.outputs ? matrix(r, j) : Scalar(0);
            }
        }
    }
}
/// The same for all blocks.
template <class Scalar, class Matrix>
void pack_product(const product_layout& layout, const Matrix& matrix, Scalar* packed) noexcept {
    pack_product(layout, {0, layout.blocks()}, matrix, packed);
}

/// What the sums of a product start with.
template <class Scalar>
struct first_sums {
    const Scalar* values;  ///< `[outputs]` of the first column; null for 0
    index_t column_stride; ///< to the next column: 0 for a bias, `outputs` to add to a matrix
};

/// The location of the columns v of a product.
template <class Scalar>
struct segmented_columns {
    const Scalar* data;     ///< segment 0 of column 0
    int segments;           ///< per column
    int segment_length;     ///< contiguous scalars; segments * segment_length = terms
    index_t segment_stride; ///< from one segment of a column to the next
    index_t column_stride;  ///< from one column to the next
};

namespace detail {

/// `Columns` columns times `Blocks` blocks, with the terms split into `Split` interleaved parts:
/// enough independent sums must be in flight to hide the latency of multiply-add.
/// @param packed the weights of the first block
template <class Lanes, int Columns, int Blocks, int Split = 1>
TOCSIN_ALWAYS_INLINE inline void
product_tile(const product_layout& layout, const typename Lanes::scalar_type* packed,
             const segmented_columns<typename Lanes::scalar_type>& operand, index_t column,
             const first_sums<typename Lanes::scalar_type>& start,
             typename Lanes::scalar_type* output, int first_block) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    constexpr int width = Lanes::count;
    const index_t block_size = layout.block_size();
    const auto outputs_in = [&](int block) {
        return std::min(width, layout.outputs - (first_block + block) * width);
    };

    reg sums[std::size_t{Split}][std::size_t{Columns}][std::size_t{Blocks}];
    unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
        const reg zero = reg(pack(scalar(0)));
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            unroll<Split - 1>([&](auto part)
                                  TOCSIN_ALWAYS_INLINE { sums[part + 1][c][block] = zero; });
            sums[0][c][block] =
                start.values == nullptr
                    ? zero
                    : Lanes::load_first(start.values + (column + c) * start.column_stride +
                                            index_t{first_block + block} * width,
                                        outputs_in(block));
        });
    });
    const scalar* weights = packed;
    for (int segment = 0; segment < operand.segments; ++segment) {
        const scalar* values =
            operand.data + segment * operand.segment_stride + column * operand.column_stride;
        const auto add_term = [&](auto part) TOCSIN_ALWAYS_INLINE {
            reg row[std::size_t{Blocks}];
            unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                row[block] = Lanes::load(weights + block * block_size);
            });
            unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
                const reg v = Lanes::broadcast(values + c * operand.column_stride);
                unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                    sums[part][c][block] = Lanes::multiply_add(row[block], v, sums[part][c][block]);
                });
            });
            ++values;
            weights += width;
        };
        int k = 0;
        for (; k + Split <= operand.segment_length; k += Split) {
            unroll<Split>(add_term);
        }
        if constexpr (Split > 1) {
            for (; k < operand.segment_length; ++k) {
                add_term(std::integral_constant<int, 0>{});
            }
        }
    }
    unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            reg total = sums[0][c][block];
            unroll<Split - 1>([&](auto part) TOCSIN_ALWAYS_INLINE {
                total = Lanes::add(total, sums[part + 1][c][block]);
            });
            scalar* const to =
                output + (column + c) * layout.outputs + index_t{first_block + block} * width;
            Lanes::store_first(to, total, outputs_in(block));
        });
    });
}

template <class Lanes, int Blocks>
void product_blocks(const product_layout& layout, const typename Lanes::scalar_type* packed,
                    const segmented_columns<typename Lanes::scalar_type>& operand, int columns,
                    const first_sums<typename Lanes::scalar_type>& start,
                    typename Lanes::scalar_type* output, int first_block) noexcept {
    constexpr int widest = 6;
    int column = 0;
    for (; column + widest <= columns; column += widest) {
        product_tile<Lanes, widest, Blocks>(layout, packed, operand, column, start, output,
                                            first_block);
    }
    for (; column + 2 <= columns; column += 2) {
        product_tile<Lanes, 2, Blocks>(layout, packed, operand, column, start, output, first_block);
    }
    if (column < columns) {
        constexpr int split = Blocks == 1 ? 8 : Lanes::sums / (2 * Blocks);
        product_tile<Lanes, 1, Blocks, split>(layout, packed, operand, column, start, output,
                                              first_block);
    }
}

} // namespace detail

/// Product of some blocks of a packed matrix with `columns` columns. Never allocates.
/// @param packed the weights of the first of these blocks
/// @param start  may point to `output`
/// @param output `[outputs x columns]`: the rows of these blocks are overwritten; must not overlap the
///               operand
template <class Lanes>
void packed_product(const product_layout& layout, block_range blocks,
                    const typename Lanes::scalar_type* packed,
                    const segmented_columns<typename Lanes::scalar_type>& operand, int columns,
                    const first_sums<typename Lanes::scalar_type>& start,
                    typename Lanes::scalar_type* output) noexcept {
    constexpr int widest = Lanes::sums / 6; // blocks for six columns at a time
    const index_t size = layout.block_size();
    const int end = blocks.first + blocks.count;
    int block = blocks.first;
    for (; block + widest <= end; block += widest, packed += widest * size) {
        detail::product_blocks<Lanes, widest>(layout, packed, operand, columns, start, output,
                                              block);
    }
    if constexpr (widest > 2) {
        for (; block + 2 <= end; block += 2, packed += 2 * size) {
            detail::product_blocks<Lanes, 2>(layout, packed, operand, columns, start, output,
                                             block);
        }
    }
    for (; block < end; ++block, packed += size) {
        detail::product_blocks<Lanes, 1>(layout, packed, operand, columns, start, output, block);
    }
}

/// Product of a packed matrix with `columns` columns. Never allocates.
/// @param start  `[outputs]` initial values of the sums (a bias), or null for 0
/// @param output `[outputs x columns]`, overwritten; must not overlap the operand
template <class Lanes>
void packed_product(const product_layout& layout, const typename Lanes::scalar_type* packed,
                    const segmented_columns<typename Lanes::scalar_type>& operand, int columns,
                    const typename Lanes::scalar_type* start,
                    typename Lanes::scalar_type* output) noexcept {
    packed_product<Lanes>(layout, {0, layout.blocks()}, packed, operand, columns, {start, 0},
                          output);
}

/// The same for a single column in one segment, without what only batches need: more blocks share
/// the reads of a value. Never allocates.
/// @param values `[terms]`
template <class Lanes>
void packed_column_product(const product_layout& layout, const typename Lanes::scalar_type* packed,
                           const typename Lanes::scalar_type* values,
                           const typename Lanes::scalar_type* start,
                           typename Lanes::scalar_type* output) noexcept {
    constexpr int split = Lanes::sums >= 16 ? 4 : 2;
    const segmented_columns<typename Lanes::scalar_type> operand{values, 1, layout.terms, 0,
                                                                 layout.terms};
    const first_sums<typename Lanes::scalar_type> first{start, 0};
    const index_t size = layout.block_size();
    const int blocks = layout.blocks();
    int block = 0;
    for (; block + 4 <= blocks; block += 4) {
        detail::product_tile<Lanes, 1, 4, split>(layout, packed + block * size, operand, 0, first,
                                                 output, block);
    }
    if (blocks - block == 3) {
        detail::product_tile<Lanes, 1, 3, split>(layout, packed + block * size, operand, 0, first,
                                                 output, block);
    } else if (blocks - block == 2) {
        detail::product_tile<Lanes, 1, 2, 4>(layout, packed + block * size, operand, 0, first,
                                             output, block);
    } else if (blocks - block == 1) {
        detail::product_tile<Lanes, 1, 1, 8>(layout, packed + block * size, operand, 0, first,
                                             output, block);
    }
}

} // namespace tocsin
