/// @file gaussian_log_density.hpp
/// @brief Logarithm of a multivariate Gaussian's density as a function of the squared distance.
#pragma once

#include "tocsin/core/views.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace tocsin {

/// log p of a multivariate Gaussian at a squared Mahalanobis distance d^2 from its mean, and back:
///     log p = -(dimension log(2 pi) + log det C + d^2) / 2.
/// The score of Malhotra et al. (2015) and Singh (2017). It falls where the distance rises, so that
/// log p < tau and d^2 > squared_distance(tau) are the same verdict: a detector that scores by the
/// distance serves thresholds on log p.
///
/// log p depends on the units of the errors, and on how wide they spread, the distance does not.
/// After adapt() a given tau is another distance.
struct gaussian_log_density {
    int dimension = 1; ///< elements of a vector
    /// Of the covariance; NaN makes all results NaN.
    double log_determinant = 0;

    /// log p at a squared distance; NaN for NaN, minus infinity for infinity.
    double at(double squared_distance) const noexcept { return at_mean() - 0.5 * squared_distance; }
    /// The largest log p there is, at the mean. Positive where the errors spread little.
    double at_mean() const noexcept {
        return -0.5 * (dimension * std::log(2 * std::numbers::pi) + log_determinant);
    }
    /// The squared distance where log p has a value: a threshold on log p in units of the score.
    /// Negative for a value that log p reaches nowhere.
    double squared_distance(double log_density) const noexcept {
        return 2 * (at_mean() - log_density);
    }
};

namespace detail {

/// Sum of the logarithms of positive values, with one call of log(). NaN for a NaN.
template <class Derived>
double log_product(const Eigen::DenseBase<Derived>& values) noexcept {
    double product = 1; // in [1/2, 1) after each step
    double exponents = 0;
    for (index_t i = 0; i < values.size(); ++i) {
        int exponent = 0;
        product = std::frexp(product * values.coeff(i), &exponent);
        exponents += exponent;
    }
    return std::log(product) + exponents * std::numbers::ln2;
}

/// Log density of a fitted statistic at an error vector; NaN where that holds a NaN.
template <class Statistic, class Derived>
double log_density_at(const Statistic& statistic, const Eigen::MatrixBase<Derived>& error) {
    const Eigen::Ref<const typename Statistic::vector_type> values(error.template cast<double>());
    return values.hasNaN() ? std::numeric_limits<double>::quiet_NaN()
                           : statistic.density().at(statistic.score(values));
}

} // namespace detail
} // namespace tocsin
