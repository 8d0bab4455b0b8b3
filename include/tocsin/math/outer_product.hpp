/// @file outer_product.hpp
/// @brief The gradient of a weight matrix: sums of outer products over the columns of a batch.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace tocsin {
namespace detail {

/// One of the two operands of an outer product, `[size x columns]`.
template <class Scalar>
struct outer_operand {
    const Scalar* values;
    int size;       ///< rows
    index_t stride; ///< in the gradient, from one of its rows to the next
};

/// `Blocks` registers of rows of one operand times `Rows` rows of the other, summed over columns. With
/// few rows, the columns are split into interleaved parts: enough independent sums must be in flight to
/// hide the latency of multiply-add.
/// @param across   the operand whose rows lie side by side in registers, from its row `first`
/// @param valid    its rows in the last register
/// @param down     the other one, from its row `row`
template <class Lanes, int Blocks, int Rows>
TOCSIN_ALWAYS_INLINE inline void
outer_tile(const outer_operand<typename Lanes::scalar_type>& across, int first, int valid,
           const outer_operand<typename Lanes::scalar_type>& down, int row, index_t columns,
           typename Lanes::scalar_type* gradient) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    constexpr int width = Lanes::count;
    constexpr int split = Rows >= 4 ? 1 : 4 / Rows;
    reg sums[std::size_t{split}][std::size_t{Rows}][std::size_t{Blocks}];
    unroll<split>([&](auto part) TOCSIN_ALWAYS_INLINE {
        unroll<Rows>([&](auto r) TOCSIN_ALWAYS_INLINE {
            unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                sums[part][r][block] = reg(pack(scalar(0)));
            });
        });
    });
    const scalar* side = across.values + first;
    const scalar* top = down.values + row;
    const auto add_column = [&](auto part) TOCSIN_ALWAYS_INLINE {
        reg values[std::size_t{Blocks}];
        unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
            values[block] =
                Lanes::load_first(side + block * width, block == Blocks - 1 ? valid : width);
        });
        unroll<Rows>([&](auto r) TOCSIN_ALWAYS_INLINE {
            const reg factor = Lanes::broadcast(top + r);
            unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                sums[part][r][block] =
                    Lanes::multiply_add(values[block], factor, sums[part][r][block]);
            });
        });
        side += across.size;
        top += down.size;
    };
    index_t column = 0;
    for (; column + split <= columns; column += split) {
        unroll<split>(add_column);
    }
    if constexpr (split > 1) {
        for (; column < columns; ++column) {
            add_column(std::integral_constant<int, 0>{});
        }
    }
    scalar* const to = gradient + first * across.stride + row * down.stride;
    unroll<Rows>([&](auto r) TOCSIN_ALWAYS_INLINE {
        unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
            reg sum = sums[0][r][block];
            unroll<split - 1>([&](auto part) TOCSIN_ALWAYS_INLINE {
                sum = Lanes::add(sum, sums[part + 1][r][block]);
            });
            const int count = block == Blocks - 1 ? valid : width;
            scalar* const at = to + r * down.stride + block * width * across.stride;
            if (across.stride == 1) {
                Lanes::store_first(at, Lanes::add(Lanes::load_first(at, count), sum), count);
                return;
            }
            scalar added[std::size_t{width}];
            Lanes::store(added, sum);
            for (int k = 0; k < count; ++k) {
                at[k * across.stride] += added[k];
            }
        });
    });
}

/// Every tile of `Blocks` registers from row `first` of one operand.
template <class Lanes, int Blocks>
void outer_tiles(const outer_operand<typename Lanes::scalar_type>& across, int first, int valid,
                 const outer_operand<typename Lanes::scalar_type>& down, index_t columns,
                 typename Lanes::scalar_type* gradient) noexcept {
    constexpr int widest = 6;
    int row = 0;
    for (; row + widest <= down.size; row += widest) {
        outer_tile<Lanes, Blocks, widest>(across, first, valid, down, row, columns, gradient);
    }
    for (; row + 2 <= down.size; row += 2) {
        outer_tile<Lanes, Blocks, 2>(across, first, valid, down, row, columns, gradient);
    }
    if (row < down.size) {
        outer_tile<Lanes, Blocks, 1>(across, first, valid, down, row, columns, gradient);
    }
}

} // namespace detail

/// Adds to a gradient the outer products of the columns of two matrices, dW += dz x^T. Never
/// allocates.
/// @param slopes   dz `[rows x columns]`
/// @param values   x `[inputs x columns]`
/// @param gradient dW `[rows x inputs]`; must not overlap the others
template <class Scalar>
void add_outer_products(const Scalar* slopes, int rows, const Scalar* values, int inputs,
                        index_t columns, Scalar* gradient) noexcept {
    constexpr int width = widest_lanes<Scalar>;
    using registers = lanes<Scalar, width>;
    constexpr int widest = registers::sums / 6;
    // What is read for one tile after another should stay in the first-level cache.
    constexpr index_t cached = 8192;
    const index_t columns_at_once = std::max<index_t>(64, cached / (index_t{rows} + inputs));
    // Registers run along the operand that leaves fewer of their lanes empty.
    const bool along_rows = index_t{registers_for(rows, width)} * inputs <=
                            index_t{registers_for(inputs, width)} * rows;
    for (index_t first_column = 0; first_column < columns; first_column += columns_at_once) {
        const index_t count = std::min(columns_at_once, columns - first_column);
        const detail::outer_operand<Scalar> of_slopes{slopes + first_column * rows, rows, 1};
        const detail::outer_operand<Scalar> of_values{values + first_column * inputs, inputs, rows};
        const auto& across = along_rows ? of_slopes : of_values;
        const auto& down = along_rows ? of_values : of_slopes;
        int first = 0;
        for (; first + widest * width <= across.size; first += widest * width) {
            detail::outer_tiles<registers, widest>(across, first, width, down, count, gradient);
        }
        for (; first < across.size; first += width) {
            detail::outer_tiles<registers, 1>(across, first, std::min(width, across.size - first),
                                              down, count, gradient);
        }
    }
}

/// Adds up the columns of a matrix, sums[j] += values[j, 0] + values[j, 1] + ... Never allocates.
/// @param values `[rows x columns]`
/// @param sums   `[rows]`
template <class Scalar>
void add_columns(const Scalar* values, int rows, index_t columns, Scalar* sums) noexcept {
    for_each_pack<lanes_of<Scalar>>(rows, [&](auto pack) {
        auto sum = pack.load(sums);
        for (index_t column = 0; column < columns; ++column) {
            sum = sum + pack.load(values + column * rows);
        }
        pack.store(sums, sum);
    });
}

} // namespace tocsin
