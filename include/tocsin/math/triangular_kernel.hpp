/// @file triangular_kernel.hpp
/// @brief |W x|^2 for a lower triangular matrix W: one vector or a block of vectors.
///
/// Both add in the same order, so a vector gives the same bits alone and in a block:
///
///     y_i = sum over j of W_ij x_j, j rising
///     q_k = sum over i = k (mod 8) of y_i^2, i rising
///
/// then the eight q_k in halves.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>

namespace tocsin {

/// Rows of W are padded with zeros to a multiple of this.
inline constexpr int triangular_row_multiple = 8;

/// Vectors of a block: as many as have their sums of eight rows in registers, beside eight weights.
template <int Width = widest_register>
inline constexpr int triangular_block = [] {
    using registers = lanes_of<double, Width>;
    constexpr int parts = triangular_row_multiple / registers::count;
    return std::max(1, (registers::sums + 2 - parts) / parts);
}();

/// Where an element of a vector is in a block: eight elements of each vector lie together,
/// `[elements / 8][vector][8]`, so that a kernel reads all vectors at constant distances. A block of
/// one is a plain vector.
constexpr index_t position_in_block(index_t element, int vector, int vectors) noexcept {
    constexpr index_t piece = triangular_row_multiple;
    return (element / piece * vectors + vector) * piece + element % piece;
}

namespace detail {

/// |W x|^2 of `Vectors` vectors, eight rows at a time: a whole cache line of a column of W.
template <class Lanes, int Vectors>
void squared_lengths(const double* w, index_t rows, index_t dimension, const double* x,
                     double* out) noexcept {
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    constexpr int piece = triangular_row_multiple;
    constexpr int parts = piece / Lanes::count;
    const reg zero = reg(pack(0.0));
    reg squares[std::size_t{Vectors}][std::size_t{parts}];
    reg y[std::size_t{Vectors}][std::size_t{parts}];
    const auto for_each_sum = [](auto&& body) TOCSIN_ALWAYS_INLINE {
        unroll<Vectors>([&](auto vector) TOCSIN_ALWAYS_INLINE {
            unroll<parts>([&](auto part) TOCSIN_ALWAYS_INLINE { body(vector, part); });
        });
    };
    for_each_sum([&](auto vector, auto part)
                     TOCSIN_ALWAYS_INLINE { squares[vector][part] = zero; });
    for (index_t first = 0; first < rows; first += piece) {
        for_each_sum([&](auto vector, auto part) TOCSIN_ALWAYS_INLINE { y[vector][part] = zero; });
        const double* column = w + first;
        const index_t end = std::min(first + piece, dimension);
        for (index_t j = 0; j < end; j += piece) {
            const double* const elements = x + j * Vectors;
            const auto count = static_cast<int>(std::min<index_t>(piece, end - j));
            for (int k = 0; k < count; ++k, column += rows) {
                reg weights[std::size_t{parts}];
                unroll<parts>([&](auto part) TOCSIN_ALWAYS_INLINE {
                    weights[part] = Lanes::load(column + part * Lanes::count);
                });
                unroll<Vectors>([&](auto vector) TOCSIN_ALWAYS_INLINE {
                    const reg element = Lanes::broadcast(elements + vector * piece + k);
                    unroll<parts>([&](auto part) TOCSIN_ALWAYS_INLINE {
                        y[vector][part] =
                            Lanes::multiply_add(weights[part], element, y[vector][part]);
                    });
                });
            }
        }
        for_each_sum([&](auto vector, auto part) TOCSIN_ALWAYS_INLINE {
            squares[vector][part] =
                Lanes::multiply_add(y[vector][part], y[vector][part], squares[vector][part]);
        });
    }
    unroll<Vectors>([&](auto vector) TOCSIN_ALWAYS_INLINE {
        for (int half = parts / 2; half > 0; half /= 2) {
            for (int part = 0; part < half; ++part) {
                squares[vector][part] =
                    Lanes::add(squares[vector][part], squares[vector][part + half]);
            }
        }
        double q[Lanes::count];
        Lanes::store(q, squares[vector][0]);
        for (int half = Lanes::count / 2; half > 0; half /= 2) {
            for (int k = 0; k < half; ++k) {
                q[k] += q[k + half];
            }
        }
        out[vector] = q[0];
    });
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
    double length;
    detail::squared_lengths<lanes_of<double, Width>, 1>(w, rows, dimension, x, &length);
    return length;
}

/// |W x|^2 of `triangular_block<Width>` vectors, each with the same bits as alone. Never allocates.
/// @param w, rows, dimension as above
/// @param x   `rows * triangular_block<Width>` values in the order of position_in_block()
/// @param out `triangular_block<Width>` values
template <int Width = widest_register>
void squared_lengths_of_products(const double* w, index_t rows, index_t dimension, const double* x,
                                 double* out) noexcept {
    detail::squared_lengths<lanes_of<double, Width>, triangular_block<Width>>(w, rows, dimension, x,
                                                                              out);
}

} // namespace tocsin
