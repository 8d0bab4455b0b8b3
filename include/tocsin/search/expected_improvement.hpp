/// @file expected_improvement.hpp
/// @brief By how much a point is expected to fall below the lowest value so far.
#pragma once

#include "tocsin/search/gaussian_process.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace tocsin {

/// Expected improvement of a normal variable over the lowest value so far (Mockus 1978; Snoek, Larochelle
/// and Adams, "Practical Bayesian optimization of machine learning algorithms", 2012, equation 2):
///     E max(lowest - f, 0) = deviation (z Phi(z) + phi(z)),   z = (lowest - mean) / deviation
/// Not negative; without a deviation it is max(lowest - mean, 0). Never allocates.
inline double expected_improvement(const function_estimate& estimate, double lowest) noexcept {
    const double gap = lowest - estimate.mean;
    if (!(estimate.deviation > 0)) {
        return std::max(gap, 0.0);
    }
    const double z = gap / estimate.deviation;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    const double share = std::erfc(-z / std::numbers::sqrt2) / 2;
    return estimate.deviation * std::max(z * share + density, 0.0);
}

/// The logarithm of expected improvement with what its slopes are made of. It has a slope also where
/// the improvement itself is too small for a double (Ament et al., "Unexpected improvements to
/// expected improvement for Bayesian optimization", 2023).
struct log_improvement {
    double value = -std::numeric_limits<double>::infinity(); ///< the logarithm
    double by_mean = 0;                                      ///< slope by the mean
    double by_deviation = 0;                                 ///< slope by the deviation
};

/// See log_improvement. For z below -10, z Phi(z) + phi(z) is phi(z) / z^2 times a series in 1 / z^2,
/// whose error is below 2e-5 of it there; above, the closed form, within 1e-12. Never allocates.
/// @param estimate with a positive deviation; otherwise the value is -infinity
inline log_improvement log_expected_improvement(const function_estimate& estimate,
                                                double lowest) noexcept {
    if (!(estimate.deviation > 0)) {
        return {};
    }
    const double z = (lowest - estimate.mean) / estimate.deviation;
    const double log_density = -z * z / 2 - std::log(2 * std::numbers::pi) / 2;
    double share = 0; // Phi(z) / phi(z)
    double whole = 0; // (z Phi(z) + phi(z)) / phi(z)
    if (z < -10) {
        const double square = 1 / (z * z);
        share = -1 / z * (1 - square * (1 - square * (3 - 15 * square)));
        whole = square * (1 - square * (3 - square * (15 - 105 * square)));
    } else {
        share = std::erfc(-z / std::numbers::sqrt2) / 2 / std::exp(log_density);
        whole = 1 + z * share;
    }
    // d/dmean of deviation h(z) is -Phi(z), d/ddeviation is phi(z).
    return {std::log(estimate.deviation) + log_density + std::log(whole),
            -share / (estimate.deviation * whole), 1 / (estimate.deviation * whole)};
}

} // namespace tocsin
