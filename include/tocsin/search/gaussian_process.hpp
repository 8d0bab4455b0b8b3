/// @file gaussian_process.hpp
/// @brief Gaussian process regression with a Matern 5/2 kernel.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/factorisation.hpp"
#include "tocsin/search/matern_kernel.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace tocsin {

/// Mean and deviation of the function at a point, noise left out.
struct function_estimate {
    double mean = 0;      ///< expected value
    double deviation = 0; ///< standard deviation, not negative
};

/// A function known at some points, with noise: Rasmussen and Williams, "Gaussian processes for
/// machine learning", 2006, algorithm 2.1. The mean before any value is 0, so values should be
/// centred. Cost is n^3 at the start and n^2 per prediction.
class gaussian_process {
  public:
    /// Factorises the covariance of the points. Allocates.
    /// @param points `[coordinates x n]`, n at least 1
    /// @param values `[n]`
    /// @param kernel its hyperparameters, in the unit of the values
    /// @return `invalid_data` where sizes disagree, a number is not finite or the covariance is not
    ///         positive definite (equal points without noise); `invalid_argument` for the kernel
    static result<gaussian_process> make(matrix<double> points, const column<double>& values,
                                         matern_kernel kernel) {
        if (points.cols() < 1 || points.cols() != values.size()) {
            return status::error(error_code::invalid_data, "gaussian_process: ", points.cols(),
                                 " points and ", values.size(), " values");
        }
        if (const status usable = kernel.check(points.rows()); !usable.ok()) {
            return usable;
        }
        if (!points.allFinite() || !values.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "gaussian_process: a point or a value is not finite");
        }
        gaussian_process made(std::move(points), std::move(kernel));
        if (!made.factorise(values)) {
            return status::error(error_code::invalid_data, "gaussian_process: the covariance of ",
                                 values.size(), " points with noise ", made.kernel_.noise,
                                 " is not positive definite; more noise helps");
        }
        return made;
    }

    /// Its hyperparameters.
    const matern_kernel& kernel() const noexcept { return kernel_; }
    /// Where the function is known, `[coordinates x n]`.
    const matrix<double>& points() const noexcept { return points_; }

    /// Mean and deviation at a point, `[coordinates]`. Allocates.
    function_estimate predict(const column<double>& point) const {
        column<double> covariance(points_.cols());
        for (index_t k = 0; k < points_.cols(); ++k) {
            covariance[k] = kernel_.at(point, points_.col(k)).value;
        }
        function_estimate found;
        found.mean = covariance.dot(weights_);
        detail::solve_lower_in_place(lower_, covariance);
        found.deviation = std::sqrt(std::max(kernel_.variance - covariance.squaredNorm(), 0.0));
        return found;
    }

    /// The same with the slopes of both, each `[coordinates]`; the slope of the deviation is 0 where the
    /// deviation is. Allocates.
    function_estimate predict(const column<double>& point, column<double>& mean_slope,
                              column<double>& deviation_slope) const {
        const index_t n = points_.cols();
        column<double> covariance(n);
        matrix<double> slopes(point.size(), n);
        for (index_t k = 0; k < n; ++k) {
            const auto [value, pull] = kernel_.at(point, points_.col(k));
            covariance[k] = value;
            for (index_t d = 0; d < point.size(); ++d) {
                const double length = kernel_.length(d);
                slopes(d, k) = -pull * (point[d] - points_(d, k)) / (length * length);
            }
        }
        function_estimate found;
        found.mean = covariance.dot(weights_);
        mean_slope = slopes * weights_;
        detail::solve_lower_in_place(lower_, covariance);
        const double variance = kernel_.variance - covariance.squaredNorm();
        found.deviation = std::sqrt(std::max(variance, 0.0));
        for (index_t k = n - 1; k >= 0; --k) { // K^-1 k = L^-T (L^-1 k)
            const index_t after = n - k - 1;
            covariance[k] -= lower_.col(k).tail(after).dot(covariance.tail(after));
            covariance[k] /= lower_(k, k);
        }
        deviation_slope.setZero(point.size());
        if (found.deviation > 0) {
            deviation_slope = slopes * covariance / -found.deviation;
        }
        return found;
    }

    /// Log of the density of the values under the kernel (equation 2.30).
    double log_likelihood() const noexcept { return log_likelihood_; }

    /// Its slopes by the logarithms of the hyperparameters: variance, lengths, noise (equation 5.9).
    /// `[lengths + 2]`. Allocates.
    column<double> log_likelihood_slopes() const {
        const index_t n = points_.cols();
        matrix<double> inverse(n, n);
        detail::invert_lower(lower_, inverse);
        const matrix<double> pull = weights_ * weights_.transpose() - inverse.transpose() * inverse;
        column<double> slopes = column<double>::Zero(kernel_.lengths.size() + 2);
        for (index_t i = 0; i < n; ++i) {
            for (index_t j = 0; j < i; ++j) { // both halves: the factor 1/2 goes away
                const auto [value, bend] = kernel_.at(points_.col(i), points_.col(j));
                slopes[0] += pull(i, j) * value;
                for (index_t d = 0; d < points_.rows(); ++d) {
                    const double apart = (points_(d, i) - points_(d, j)) / kernel_.length(d);
                    slopes[1 + kernel_.owner(d)] += pull(i, j) * bend * apart * apart;
                }
            }
            slopes[0] += pull(i, i) * kernel_.variance / 2;
            slopes[slopes.size() - 1] += pull(i, i) * kernel_.noise / 2;
        }
        return slopes;
    }

  private:
    gaussian_process(matrix<double> points, matern_kernel kernel)
        : points_{std::move(points)}, kernel_{std::move(kernel)} {}

    bool factorise(const column<double>& values) {
        const index_t n = points_.cols();
        lower_.resize(n, n);
        for (index_t j = 0; j < n; ++j) {
            for (index_t i = j; i < n; ++i) {
                lower_(i, j) = kernel_.at(points_.col(i), points_.col(j)).value;
            }
            lower_(j, j) += kernel_.noise;
        }
        if (!detail::cholesky_in_place(lower_)) {
            return false;
        }
        weights_ = values;
        detail::solve_lower_in_place(lower_, weights_);
        log_likelihood_ = -weights_.squaredNorm() / 2 - lower_.diagonal().array().log().sum() -
                          static_cast<double>(n) / 2 * std::log(2 * std::numbers::pi);
        for (index_t k = n - 1; k >= 0; --k) {
            const index_t after = n - k - 1;
            weights_[k] -= lower_.col(k).tail(after).dot(weights_.tail(after));
            weights_[k] /= lower_(k, k);
        }
        return weights_.allFinite() && std::isfinite(log_likelihood_);
    }

    matrix<double> points_; ///< `[coordinates x n]`
    matern_kernel kernel_;
    matrix<double> lower_;   ///< Cholesky factor of the covariance with noise
    column<double> weights_; ///< covariance^-1 values
    double log_likelihood_ = 0;
};

} // namespace tocsin
