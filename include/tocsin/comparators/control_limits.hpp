/// @file control_limits.hpp
/// @brief Limits that normal samples exceed with a given probability, for T-squared and Q.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/errors/beta_function.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace tocsin {
namespace detail {

/// The x in [low, high] where an increasing function reaches `level`, to the last bit by bisection.
template <class Function>
double bisect(double low, double high, double level, const Function& function) noexcept {
    for (int step = 0; step < 200; ++step) {
        const double middle = low + (high - low) / 2;
        (function(middle) < level ? low : high) = middle;
    }
    return high;
}

} // namespace detail

/// Quantile of the standard normal distribution, by bisection of erfc.
/// @param probability in (0, 1) (debug builds check)
inline double normal_quantile(double probability) noexcept {
    TOCSIN_ASSERT(probability > 0 && probability < 1, "normal_quantile: outside of (0, 1)");
    return detail::bisect(-40, 40, probability,
                          [](double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; });
}

/// Quantile of the F distribution, by bisection of the incomplete beta function.
/// @param probability in (0, 1); the degrees of freedom are above 0 (debug builds check)
inline double f_quantile(double probability, double numerator, double denominator) noexcept {
    TOCSIN_ASSERT(probability > 0 && probability < 1 && numerator > 0 && denominator > 0,
                  "f_quantile: probability outside of (0, 1) or no degrees of freedom");
    // In y = d1 x / (d1 x + d2), which lies in [0, 1], the distribution is I_y(d1 / 2, d2 / 2).
    const double y = detail::bisect(0, 1, probability, [=](double at) {
        return detail::incomplete_beta(numerator / 2, denominator / 2, at);
    });
    return denominator * y / (numerator * (1 - y));
}

/// Limit of Hotelling's T-squared for new samples, from the F distribution:
///     m (n - 1) (n + 1) / (n (n - m)) F(probability; m, n - m).
/// @param components m, at least 1
/// @param samples    n that the covariance was estimated from; infinite unless more than m
inline double hotelling_limit(int components, double samples, double probability) noexcept {
    const double m = components;
    return samples > m ? m * (samples - 1) * (samples + 1) / (samples * (samples - m)) *
                             f_quantile(probability, m, samples - m)
                       : std::numeric_limits<double>::infinity();
}

/// Limit of the residual statistic Q (Jackson and Mudholkar, "Control procedures for residuals
/// associated with principal component analysis", Technometrics 21, 1979) from theta_i, the sums of
/// the i-th powers of the residual variances.
/// @return 0 when theta1 is 0: normal samples have no residual
inline double residual_limit(double theta1, double theta2, double theta3,
                             double probability) noexcept {
    if (!(theta1 > 0)) {
        return 0;
    }
    const double h = 1 - 2 * theta1 * theta3 / (3 * theta2 * theta2);
    const double z = normal_quantile(probability);
    const double root =
        1 + z * h * std::sqrt(2 * theta2) / theta1 + theta2 * h * (h - 1) / (theta1 * theta1);
    return theta1 * std::pow(root, 1 / h);
}

} // namespace tocsin
