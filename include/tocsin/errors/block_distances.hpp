/// @file block_distances.hpp
/// @brief Squared Mahalanobis distances of long vectors, and of many in blocks.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/errors/observed_elements.hpp"
#include "tocsin/math/triangular_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin::detail {

inline double finite_length(double squared_length) noexcept {
    return std::isfinite(squared_length) ? squared_length : std::numeric_limits<double>::max();
}

/// |W (e - m)|^2 of a vector of any length, row by row; NaN where an element is missing, the largest
/// double where one is infinite. Never allocates.
template <class Whitening, class Mean>
double squared_distance_by_rows(const Whitening& whitening, const Mean& mean,
                                std::span<const double> error) noexcept {
    if (has_nan(error)) {
        return has_infinite(error) ? std::numeric_limits<double>::max()
                                   : std::numeric_limits<double>::quiet_NaN();
    }
    double sum = 0;
    for (index_t i = 0; i < mean.size(); ++i) {
        double y = 0;
        for (index_t j = 0; j <= i; ++j) {
            y += whitening(i, j) * (error[static_cast<std::size_t>(j)] - mean[j]);
        }
        sum += y * y;
    }
    return finite_length(sum);
}

/// |W (e - m)|^2 of each column e, the largest double where that overflows, NaN for a column that
/// is not finite. Allocates a block.
/// @param whitening W, lower triangular, rows padded as for squared_lengths_of_products()
/// @param errors    `[dimension x n]`, float or double
/// @param out       n values
template <class Whitening, class Mean, class Errors>
void squared_distances(const Whitening& whitening, const Mean& mean, const Errors& errors,
                       std::span<double> out) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    constexpr int vectors = triangular_block<>;
    constexpr index_t piece = triangular_row_multiple;
    const index_t dimension = mean.size();
    // On the stack where the size is known, unless it is large.
    constexpr index_t known = Whitening::RowsAtCompileTime;
    constexpr bool on_stack = known != dynamic && known * vectors <= 8192;
    matrix<double, on_stack ? static_cast<int>(known) * vectors : dynamic, 1> block;
    block.setZero(whitening.rows() * vectors);
    std::array<double, std::size_t{vectors}> lengths;
    for (index_t first = 0; first < errors.cols(); first += vectors) {
        const index_t count = std::min<index_t>(vectors, errors.cols() - first);
        for (index_t s = 0; s < count; ++s) {
            double* const to = block.data() + position_in_block(0, static_cast<int>(s), vectors);
            const auto from = errors.col(first + s);
            const auto copy = [&](index_t j, index_t elements) TOCSIN_ALWAYS_INLINE {
                for (index_t k = 0; k < elements; ++k) {
                    to[j * vectors + k] = static_cast<double>(from.coeff(j + k)) - mean[j + k];
                }
            };
            index_t j = 0;
            for (; j + piece <= dimension; j += piece) {
                copy(j, piece);
            }
            copy(j, dimension - j);
        }
        squared_lengths_of_products(whitening.data(), whitening.rows(), dimension, block.data(),
                                    lengths.data());
        for (index_t s = 0; s < count; ++s) {
            const double length = lengths[static_cast<std::size_t>(s)];
            // An element that is not finite spoils its length, so that only such columns are read
            // again.
            out[static_cast<std::size_t>(first + s)] =
                std::isfinite(length) || errors.col(first + s).allFinite() ? finite_length(length)
                                                                           : none;
        }
    }
}

} // namespace tocsin::detail
