/// @file dot_products.hpp
/// @brief Product of a matrix of few rows with a column: one dot product per row.
///
/// Where there are fewer outputs than lanes, packed_product would leave most of a register empty;
/// here registers run along the terms. A single column then needs fewer reads, too.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>
#include <type_traits>

namespace tocsin {

/// Shape of a matrix that is packed row by row, each padded with zeros to whole registers.
struct row_layout {
    int outputs; ///< rows of the matrix
    int terms;   ///< columns of the matrix
    int units;   ///< lanes of the kernel, a power of two

    /// Scalars of a row, padded to whole registers.
    constexpr index_t row_size() const noexcept {
        return index_t{registers_for(terms, units)} * units;
    }
    /// Scalars of the packed matrix.
    constexpr index_t size() const noexcept { return outputs * row_size(); }
};

/// Packs `matrix(r, j)`, term r of output j.
template <class Scalar, class Matrix>
void pack_rows(const row_layout& layout, const Matrix& matrix, Scalar* packed) noexcept {
    for (int j = 0; j < layout.outputs; ++j) {
        for (int r = 0; r < layout.row_size(); ++r) {
            *packed++ = r < layout.terms ? matrix(r, j) : Scalar(0);
        }
    }
}

namespace detail {

template <class Lanes, int Rows>
TOCSIN_ALWAYS_INLINE inline void dot_rows(int terms, const typename Lanes::scalar_type* rows,
                                          index_t stride, const typename Lanes::scalar_type* values,
                                          const typename Lanes::scalar_type* start,
                                          typename Lanes::scalar_type* output) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    constexpr int width = Lanes::count;
    reg sums[2][std::size_t{Rows}];
    unroll<2>([&](auto part) TOCSIN_ALWAYS_INLINE {
        unroll<Rows>([&](auto row)
                         TOCSIN_ALWAYS_INLINE { sums[part][row] = reg(pack(scalar(0))); });
    });
    int r = 0;
    const auto add = [&](auto part, reg v) TOCSIN_ALWAYS_INLINE {
        unroll<Rows>([&](auto row) TOCSIN_ALWAYS_INLINE {
            sums[part][row] =
                Lanes::multiply_add(Lanes::load(rows + row * stride + r), v, sums[part][row]);
        });
        r += width;
    };
    while (r + 2 * width <= terms) {
        add(std::integral_constant<int, 0>{}, Lanes::load(values + r));
        add(std::integral_constant<int, 1>{}, Lanes::load(values + r));
    }
    if (r + width <= terms) {
        add(std::integral_constant<int, 0>{}, Lanes::load(values + r));
    }
    if (r < terms) {
        add(std::integral_constant<int, 1>{}, Lanes::load_first(values + r, terms - r));
    }
    unroll<Rows>([&](auto row) TOCSIN_ALWAYS_INLINE {
        output[row] = start[row] + Lanes::sum(Lanes::add(sums[0][row], sums[1][row]));
    });
}

/// One row with `Columns` columns, whose sums overlap.
template <class Lanes, int Columns>
TOCSIN_ALWAYS_INLINE inline void
dot_columns(const row_layout& layout, const typename Lanes::scalar_type* row,
            const typename Lanes::scalar_type* values, typename Lanes::scalar_type start,
            typename Lanes::scalar_type* output) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    reg sums[std::size_t{Columns}];
    unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE { sums[c] = reg(pack(scalar(0))); });
    int r = 0;
    for (; r + Lanes::count <= layout.terms; r += Lanes::count) {
        const reg weights = Lanes::load(row + r);
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            sums[c] =
                Lanes::multiply_add(weights, Lanes::load(values + c * layout.terms + r), sums[c]);
        });
    }
    if (r < layout.terms) {
        const reg weights = Lanes::load(row + r);
        unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
            const reg v = Lanes::load_first(values + c * layout.terms + r, layout.terms - r);
            sums[c] = Lanes::multiply_add(weights, v, sums[c]);
        });
    }
    unroll<Columns>([&](auto c) TOCSIN_ALWAYS_INLINE {
        output[c * layout.outputs] = start + Lanes::sum(sums[c]);
    });
}

} // namespace detail

/// The product with the columns of a batch. Never allocates.
/// @param rows   from pack_rows
/// @param values `[terms x columns]`
/// @param start  `[outputs]` initial values of the sums: a bias
/// @param output `[outputs x columns]`, overwritten; must not overlap `values`
template <class Lanes>
void dot_products_of_columns(const row_layout& layout, const typename Lanes::scalar_type* rows,
                             const typename Lanes::scalar_type* values, int columns,
                             const typename Lanes::scalar_type* start,
                             typename Lanes::scalar_type* output) noexcept {
    constexpr int together = 4;
    const index_t stride = layout.row_size();
    for (int row = 0; row < layout.outputs; ++row) {
        const auto add = [&](auto count, index_t column) TOCSIN_ALWAYS_INLINE {
            detail::dot_columns<Lanes, count>(layout, rows + row * stride,
                                              values + column * layout.terms, start[row],
                                              output + column * layout.outputs + row);
        };
        index_t column = 0;
        for (; column + together <= columns; column += together) {
            add(std::integral_constant<int, together>{}, column);
        }
        for (; column < columns; ++column) {
            add(std::integral_constant<int, 1>{}, column);
        }
    }
}

/// The product with one column. Never allocates.
/// @param rows   from pack_rows
/// @param values `[terms]`
/// @param start  `[outputs]` initial values of the sums: a bias
/// @param output `[outputs]`, overwritten; must not overlap `values`
template <class Lanes>
void dot_products(const row_layout& layout, const typename Lanes::scalar_type* rows,
                  const typename Lanes::scalar_type* values,
                  const typename Lanes::scalar_type* start,
                  typename Lanes::scalar_type* output) noexcept {
    const index_t stride = index_t{registers_for(layout.terms, Lanes::count)} * Lanes::count;
    int row = 0;
    for (; row + 4 <= layout.outputs; row += 4) {
        detail::dot_rows<Lanes, 4>(layout.terms, rows + row * stride, stride, values, start + row,
                                   output + row);
    }
    for (; row < layout.outputs; ++row) {
        detail::dot_rows<Lanes, 1>(layout.terms, rows + row * stride, stride, values, start + row,
                                   output + row);
    }
}

} // namespace tocsin
