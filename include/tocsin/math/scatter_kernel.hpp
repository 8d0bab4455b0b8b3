/// @file scatter_kernel.hpp
/// @brief Mean and scatter of a block of vectors whose elements are not contiguous.
///
/// Layout of a block: element j of all samples is a row, `x[j * stride + sample]`; rows follow one
/// another. Rows are padded to a multiple of scatter_sample_multiple samples, and the number of
/// rows is a multiple of scatter_row_multiple, so no loop has a remainder.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <algorithm>
#include <cstddef>

namespace tocsin {

/// Samples of a row are padded to a multiple of this.
inline constexpr index_t scatter_sample_multiple = 8;
/// Rows of a block are padded to a multiple of this.
inline constexpr index_t scatter_row_multiple = 4;

namespace detail {

template <class Lanes>
double sum_of_lanes(const typename Lanes::pack_type& pack) noexcept {
    double lanes[Lanes::count];
    Lanes::store(lanes, typename Lanes::register_type(pack));
    double sum = 0;
    for (const double lane : lanes) {
        sum += lane;
    }
    return sum;
}

} // namespace detail

/// Subtracts from a row its mean, which it returns. The sum is taken relative to the first sample:
/// nothing is lost next to a large offset, and the deviations of a constant are exactly zero.
/// Never allocates.
/// @param row   `count` samples, at least one, with room for `padded`; those become zero
template <int Width = widest_register>
double center_row(double* row, index_t count, index_t padded) noexcept {
    using registers = lanes_of<double, Width>;
    using pack = typename registers::pack_type;
    constexpr index_t width = registers::count;
    const double origin = row[0];
    std::fill(row + count, row + padded, origin);
    pack sum(0.0);
    for (index_t k = 0; k < padded; k += width) {
        sum = sum + (pack(registers::load(row + k)) - pack(origin));
    }
    const double offset = detail::sum_of_lanes<registers>(sum) / static_cast<double>(count);
    for (index_t k = 0; k < padded; k += width) {
        const pack centred = (pack(registers::load(row + k)) - pack(origin)) - pack(offset);
        registers::store(row + k, typename registers::register_type(centred));
    }
    std::fill(row + count, row + padded, 0.0);
    return origin + offset;
}

/// Adds to the lower triangle of a matrix the products of all pairs of rows, X X^T.
/// Never allocates.
/// @param x         block of `[dimension, padded x samples, padded]`; the padding is zero
/// @param scatter   `[dimension x dimension]` column-major; above the diagonal nothing changes
template <int Width = widest_register>
void add_scatter(const double* x, index_t stride, index_t samples, index_t dimension,
                 double* scatter) noexcept {
    using registers = lanes_of<double, Width>;
    using pack = typename registers::pack_type;
    constexpr index_t width = registers::count;
    for (index_t col = 0; col < dimension; col += 2) {
        const double* const left = x + col * stride;
        for (index_t row = col - col % scatter_row_multiple; row < dimension;
             row += scatter_row_multiple) {
            const double* const top = x + row * stride;
            pack a0(0.0), b0(0.0), c0(0.0), d0(0.0), a1(0.0), b1(0.0), c1(0.0), d1(0.0);
            for (index_t k = 0; k < samples; k += width) {
                const pack x0(registers::load(left + k));
                const pack x1(registers::load(left + stride + k));
                const pack a(registers::load(top + k));
                a0 = detail::multiply_add(a, x0, a0);
                a1 = detail::multiply_add(a, x1, a1);
                const pack b(registers::load(top + stride + k));
                b0 = detail::multiply_add(b, x0, b0);
                b1 = detail::multiply_add(b, x1, b1);
                const pack c(registers::load(top + 2 * stride + k));
                c0 = detail::multiply_add(c, x0, c0);
                c1 = detail::multiply_add(c, x1, c1);
                const pack d(registers::load(top + 3 * stride + k));
                d0 = detail::multiply_add(d, x0, d0);
                d1 = detail::multiply_add(d, x1, d1);
            }
            const auto add = [&](index_t i, index_t j, const pack& products) {
                if (i >= j && i < dimension) {
                    scatter[j * dimension + i] += detail::sum_of_lanes<registers>(products);
                }
            };
            add(row, col, a0);
            add(row + 1, col, b0);
            add(row + 2, col, c0);
            add(row + 3, col, d0);
            add(row, col + 1, a1);
            add(row + 1, col + 1, b1);
            add(row + 2, col + 1, c1);
            add(row + 3, col + 1, d1);
        }
    }
}

} // namespace tocsin
