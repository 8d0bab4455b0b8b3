/// @file triangular_kernel.hpp
/// @brief |W x|^2 for a lower triangular matrix W: one vector or a block of vectors.
///
/// Both add in the same order, so a vector gives the same bits alone and in a block:
///
///     y_i = sum over j of W_ij x_j, j rising
///     q_k = sum over i = k (mod 8) of y_i^2, i rising
///
/// Both add in one order, so that a vector gives the same bits alone and in a block:
///
///     y_i = sum over j of W_ij x_j, j rising
///     q_k = sum over i = k (mod 8) of y_i^2, i rising
///
/// then the eight q_k in halves.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tocsin {

/// Rows of W are padded with zeros to a multiple of this.
inline constexpr int triangular_row_multiple = 8;
/// Vectors of a block.
inline constexpr int triangular_block = 16;

namespace detail {

constexpr index_t partial_squares = triangular_row_multiple;

/// |W x|^2 of one vector: `Width` rows in a pack, eight rows at a time.
template <class Lanes, std::size_t... Part>
double squared_length(const double* w, index_t rows, index_t dimension, const double* x,
                      std::index_sequence<Part...> /*parts*/) noexcept {
    using pack = typename Lanes::pack_type;
    constexpr auto width = static_cast<std::size_t>(Lanes::count);
    pack squares[] = {(static_cast<void>(Part), pack(0.0))...};
    for (index_t first = 0; first < rows; first += partial_squares) {
        pack y[] = {(static_cast<void>(Part), pack(0.0))...};
        const double* column = w + first;
        const index_t end = std::min(first + partial_squares, dimension);
        for (index_t j = 0; j < end; ++j, column += rows) {
            const pack element(x[j]);
            ((y[Part] = multiply_add(pack(Lanes::load(column + Part * width)), element, y[Part])),
             ...);
        }
        ((squares[Part] = multiply_add(y[Part], y[Part], squares[Part])), ...);
    }
    double q[partial_squares];
    (Lanes::store(q + Part * width, typename Lanes::register_type(squares[Part])), ...);
    return ((q[0] + q[4]) + (q[2] + q[6])) + ((q[1] + q[5]) + (q[3] + q[7]));
}

/// |W x|^2 of two packs of vectors, four rows at a time.
template <class Lanes>
void squared_lengths_of_two(const double* w, index_t rows, index_t dimension, const double* x,
                            double* out) noexcept {
    using pack = typename Lanes::pack_type;
    pack q[partial_squares][2];
    for (auto& both : q) {
        both[0] = both[1] = pack(0.0);
    }
    for (index_t first = 0; first < rows; first += 4) {
        pack a0(0.0), a1(0.0), b0(0.0), b1(0.0), c0(0.0), c1(0.0), d0(0.0), d1(0.0);
        const double* column = w + first;
        const double* element = x;
        const index_t end = std::min(first + 4, dimension);
        for (index_t j = 0; j < end; ++j, column += rows, element += triangular_block) {
            const pack x0(Lanes::load(element));
            const pack x1(Lanes::load(element + Lanes::count));
            const pack a(column[0]);
            a0 = multiply_add(a, x0, a0);
            a1 = multiply_add(a, x1, a1);
            const pack b(column[1]);
            b0 = multiply_add(b, x0, b0);
            b1 = multiply_add(b, x1, b1);
            const pack c(column[2]);
            c0 = multiply_add(c, x0, c0);
            c1 = multiply_add(c, x1, c1);
            const pack d(column[3]);
            d0 = multiply_add(d, x0, d0);
            d1 = multiply_add(d, x1, d1);
        }
        const auto square = [](pack(&sums)[2], const pack& y0, const pack& y1) {
            sums[0] = multiply_add(y0, y0, sums[0]);
            sums[1] = multiply_add(y1, y1, sums[1]);
        };
        const index_t k = first % partial_squares;
        square(q[k], a0, a1);
        square(q[k + 1], b0, b1);
        square(q[k + 2], c0, c1);
        square(q[k + 3], d0, d1);
    }
    for (int v = 0; v < 2; ++v) {
        const pack length = ((q[0][v] + q[4][v]) + (q[2][v] + q[6][v])) +
                            ((q[1][v] + q[5][v]) + (q[3][v] + q[7][v]));
        Lanes::store(out + v * Lanes::count, typename Lanes::register_type(length));
    }
}

} // namespace detail

/// |W x|^2. Never allocates.
/// @param w         `[rows x dimension]` column-major, zero above the diagonal and below the last
///                  row of W
/// @param rows      `dimension` rounded up to a multiple of triangular_row_multiple
/// @param x         `[dimension]`
template <int Width = widest_register>
double squared_length_of_product(const double* w, index_t rows, index_t dimension,
                                 const double* x) noexcept {
    using registers = lanes_of<double, Width>;
    constexpr std::size_t parts = triangular_row_multiple / registers::count;
    return detail::squared_length<registers>(w, rows, dimension, x,
                                             std::make_index_sequence<parts>{});
}

/// |W x|^2 of triangular_block vectors, each with the same bits as alone. Never allocates.
/// @param w, rows, dimension as above
/// @param x   `[triangular_block x dimension]` column-major: the first elements of all vectors, the
///            second elements, ...
/// @param out triangular_block values
template <int Width = widest_register>
void squared_lengths_of_products(const double* w, index_t rows, index_t dimension, const double* x,
                                 double* out) noexcept {
    using registers = lanes_of<double, Width>;
    for (int first = 0; first < triangular_block; first += 2 * registers::count) {
        detail::squared_lengths_of_two<registers>(w, rows, dimension, x + first, out + first);
    }
}

} // namespace tocsin
