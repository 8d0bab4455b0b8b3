/// @file covariance_checks.hpp
/// @brief Whether matrices that were loaded can be covariances of any samples.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <cmath>
#include <limits>
#include <string_view>

namespace tocsin::detail {

/// Two elements of a covariance may differ by this share of their standard deviations: rounding of
/// covariances that have followed a stream for years.
inline constexpr double covariance_rounding = 1e-6;

/// Whether every pair of elements can belong to a covariance, or to a sum of squares and products:
/// finite, variances at least 0, symmetric, and no correlation beyond 1, up to rounding.
/// @return `format_error` naming the first element that cannot, with its value. Never allocates.
template <class Matrix>
status check_covariance(std::string_view owner, const Matrix& covariance) noexcept {
    const auto refuse = [&](index_t row, index_t col, const auto&... why) {
        return status::error(error_code::format_error, owner, ": covariance ", covariance(row, col),
                             " of elements ", row, " and ", col, why...);
    };
    for (index_t col = 0; col < covariance.cols(); ++col) {
        for (index_t row = 0; row < covariance.rows(); ++row) {
            if (!std::isfinite(covariance(row, col))) {
                return refuse(row, col, " is not finite");
            }
        }
        if (covariance(col, col) < 0) {
            return refuse(col, col, " is negative");
        }
    }
    for (index_t col = 0; col < covariance.cols(); ++col) {
        for (index_t row = 0; row < col; ++row) {
            const double most = std::sqrt(covariance(row, row)) * std::sqrt(covariance(col, col));
            const double rounding = covariance_rounding * most + std::numeric_limits<double>::min();
            if (!(std::abs(covariance(row, col) - covariance(col, row)) <= rounding)) {
                return refuse(row, col, " is ", covariance(col, row), " the other way round");
            }
            if (!(std::abs(covariance(row, col)) <= most + rounding)) {
                return refuse(row, col, " is more than their variances allow, ", most);
            }
        }
    }
    return {};
}

/// Whether W can be the inverse Cholesky factor of C: lower triangular with a positive diagonal and
/// W C W^T = I, as far as rounding lets that be seen. O(n^3).
/// @param whitening `[n or more rows x n]`, further rows must be zero
/// @param scratch   `[n]`, overwritten
/// @return `format_error` naming the first element that cannot be. Allocates nothing.
template <class Whitening, class Matrix, class Vector>
status check_inverse_factor(const Whitening& whitening, const Matrix& covariance,
                            Vector& scratch) noexcept {
    constexpr double least_seen = 1e-2;
    constexpr double worst_condition = 1e6; // beyond it, rounding may hide what is wrong
    const index_t size = covariance.rows();
    const auto refuse = [&](index_t row, index_t col, const auto&... why) {
        return status::error(error_code::format_error, "mahalanobis: factor ", whitening(row, col),
                             " of elements ", row, " and ", col, why...);
    };
    for (index_t col = 0; col < size; ++col) {
        for (index_t row = 0; row < whitening.rows(); ++row) {
            const double element = whitening(row, col);
            if (!std::isfinite(element) || (row == col && !(element > 0)) ||
                ((row < col || row >= size) && element != 0)) {
                return refuse(row, col, " belongs to no covariance");
            }
        }
    }
    if (!(covariance.trace() * whitening.squaredNorm() < worst_condition)) {
        return {};
    }
    for (index_t col = 0; col < size; ++col) {
        scratch.setZero(); // C w, with w the column of W^T
        for (index_t k = 0; k <= col; ++k) {
            for (index_t j = 0; j < size; ++j) {
                scratch[j] += covariance(j, k) * whitening(col, k);
            }
        }
        for (index_t row = col; row < size; ++row) {
            double product = row == col ? -1 : 0;
            for (index_t j = 0; j <= row; ++j) {
                product += whitening(row, j) * scratch[j];
            }
            if (!(std::abs(product) <= least_seen)) {
                return refuse(row, col, " does not belong to the covariance");
            }
        }
    }
    return {};
}

} // namespace tocsin::detail
