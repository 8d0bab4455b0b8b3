/// @file kernel_fit.hpp
/// @brief Hyperparameters of a Gaussian process by maximum likelihood.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/search/box_maximum.hpp"
#include "tocsin/search/gaussian_process.hpp"
#include "tocsin/search/matern_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace tocsin {

/// Bounds of the hyperparameters, for points of the unit cube and values with mean 0 and variance 1,
/// and how strongly length scales are held to what is usual.
struct kernel_bounds {
    double least_variance = 0.05; ///< of the function
    double most_variance = 20;    ///< of the function
    double least_length = 0.05;   ///< of every dimension
    double most_length = 20;      ///< of every dimension
    double least_noise = 1e-6;    ///< variance
    double most_noise = 1;        ///< variance
    /// Length scales are log-normal beforehand, with this median: few values say little about many
    /// scales.
    double usual_length = 0.3;
    double length_spread = 1; ///< of their logarithm; 0: every length is as likely as another
};

/// The Gaussian process whose hyperparameters have the largest likelihood within bounds (times their
/// prior probability, where there is one): climbs by gradients from several starts, the same ones
/// each time. Deterministic. Allocates; costs some hundred times n^3.
/// @param points `[coordinates x n]`, within the unit cube
/// @param values `[n]`, with mean 0 and variance 1
/// @param owners for each coordinate the position of its length scale; empty: its own
/// @return see gaussian_process::make()
inline result<gaussian_process> fit_kernel(const matrix<double>& points,
                                           const column<double>& values,
                                           const std::vector<int>& owners = {},
                                           const kernel_bounds& bounds = {}) {
    const index_t scales =
        owners.empty() ? points.rows() : 1 + *std::max_element(owners.begin(), owners.end());
    const auto kernel_of = [&](const column<double>& logs) {
        matern_kernel kernel{std::exp(logs[0]), logs.segment(1, scales).array().exp(),
                             std::exp(logs[scales + 1]), owners};
        return kernel;
    };
    const auto posterior = [&](const column<double>& logs, column<double>& slopes) {
        const auto made = gaussian_process::make(points, values, kernel_of(logs));
        if (!made) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        slopes = made->log_likelihood_slopes();
        double prior = 0;
        if (bounds.length_spread > 0) {
            const double precision = 1 / (bounds.length_spread * bounds.length_spread);
            for (index_t k = 1; k <= scales; ++k) {
                const double off = logs[k] - std::log(bounds.usual_length);
                prior -= off * off * precision / 2;
                slopes[k] -= off * precision;
            }
        }
        return made->log_likelihood() + prior;
    };
    const auto filled = [&](double variance, double length, double noise) {
        column<double> logs = column<double>::Constant(scales + 2, std::log(length));
        logs[0] = std::log(variance);
        logs[scales + 1] = std::log(noise);
        return logs;
    };
    const column<double> low =
        filled(bounds.least_variance, bounds.least_length, bounds.least_noise);
    const column<double> high = filled(bounds.most_variance, bounds.most_length, bounds.most_noise);
    // A smooth function, a rough one, a nearly linear one, mostly noise.
    constexpr std::array<std::array<double, 3>, 4> starts = {
        {{1, 0.5, 1e-3}, {1, 0.2, 1e-4}, {3, 2, 1e-3}, {0.7, 0.6, 0.3}}};
    box_maximum best;
    for (const auto& [variance, length, noise] : starts) {
        box_maximum found =
            climb_in_box(posterior, filled(variance, length, noise), low, high, 60, 1e-5);
        if (found.value > best.value || best.point.size() == 0) {
            best = std::move(found);
        }
    }
    return gaussian_process::make(points, values, kernel_of(best.point));
}

} // namespace tocsin
