/// @file pareto_fit.hpp
/// @brief Fit of the generalised Pareto distribution to excesses.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/tail/generalised_pareto.hpp"
#include "tocsin/tail/pareto_likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// The method by which fit_pareto() found a distribution.
enum class pareto_method : std::uint8_t {
    none,       ///< too few excesses: there is no fit
    likelihood, ///< Grimshaw's maximum of the likelihood
    moments,    ///< probability-weighted moments, because the likelihood has no maximum
    exponential ///< the same with censored excesses: exponential, whose likelihood has a maximum
};

/// The distribution that fits excesses, and how it was found.
struct pareto_fit {
    generalised_pareto tail;                    ///< the distribution
    pareto_method method = pareto_method::none; ///< how it was found

    /// Whether fit_pareto() can have found it in scores within largest_input; a failure of this code
    /// with what is impossible.
    status valid(error_code code) const noexcept {
        if (!(tail.scale > 0 && tail.scale <= 1e3 * largest_input) ||
            !(tail.shape >= detail::smallest_pareto_shape && tail.shape <= 1e3) ||
            method == pareto_method::none || method > pareto_method::exponential) {
            return status::error(code, "pareto_fit: shape ", tail.shape, ", scale ", tail.scale,
                                 " by method ", static_cast<int>(method),
                                 " does not come from a fit");
        }
        return {};
    }
};

namespace detail {

/// Probability-weighted moments (Hosking and Wallis, "Parameter and quantile estimation for the
/// generalized Pareto distribution", Technometrics 29, 1987). Exponential where they are undefined.
/// @param sorted excesses in ascending order
inline generalised_pareto pareto_from_moments(std::span<const double> sorted) noexcept {
    const auto count = static_cast<double>(sorted.size());
    double a0 = 0;
    double a1 = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        a0 += sorted[i];
        a1 += sorted[i] * (count - 1 - static_cast<double>(i));
    }
    a0 /= count;
    a1 /= count * std::max(count - 1, 1.0);
    const double difference = a0 - 2 * a1;
    const double shape = 2 - a0 / difference;
    const double scale = 2 * a0 * a1 / difference;
    if (!(difference > 1e-12 * a0) || !(scale > 0) || !std::isfinite(shape)) {
        return {0, a0};
    }
    if (shape < smallest_pareto_shape) {
        return {smallest_pareto_shape, a0 * (1 - smallest_pareto_shape)}; // with the same mean
    }
    return {shape, scale};
}

/// Derivatives of the logarithm of P(Y > y) by the parameters.
struct log_tail_slopes {
    double by_shape; ///< d/d shape
    double by_scale; ///< scale times d/d scale

    static log_tail_slopes at(double shape, double scale, double y) noexcept {
        const double depth = y / scale;
        const double z = shape * depth;
        const double s = std::max(1 + z, 1e-3);
        // (log(1 + z) - z / (1 + z)) / z^2, near 0 by its series
        const double ratio = std::abs(z) < 1e-3 ? 1.0 / 2 - z * (2.0 / 3 - z * 3 / 4)
                                                : (std::log(s) - z / s) / (z * z);
        return {depth * depth * ratio, depth / s};
    }
};

/// Variance of the logarithm of P(Y > y) under the asymptotic covariance of the maximum of the
/// likelihood (Smith, "Estimating tails of probability distributions", Annals of Statistics 15,
/// 1987): (1 + shape) / m [[1 + shape, -scale], [-scale, 2 scale^2]], valid above shape -1/2.
/// At most 4.
/// @param m excesses
inline double log_tail_variance(const generalised_pareto& tail, int m, double y) noexcept {
    const double shape = std::max(tail.shape, -0.45);
    const auto [by_shape, by_scale] = log_tail_slopes::at(shape, tail.scale, y);
    const double variance =
        (1 + shape) *
        ((1 + shape) * by_shape * by_shape - 2 * by_shape * by_scale + 2 * by_scale * by_scale) / m;
    return std::clamp(variance, 0.0, 4.0);
}

/// The same under the asymptotic covariance of probability-weighted moments (Hosking and Wallis 1987,
/// with k = -shape), which is finite below shape 1/2. At most 4.
/// @param m excesses
inline double log_tail_variance_of_moments(const generalised_pareto& tail, int m,
                                           double y) noexcept {
    const double shape = std::min(tail.shape, 0.45);
    const auto [by_shape, by_scale] = log_tail_slopes::at(shape, tail.scale, y);
    const double k = -shape;
    const double of_shape = (1 + k) * (2 + k) * (2 + k) * (1 + k + 2 * k * k);
    const double of_scale = 7 + k * (18 + k * (11 + 2 * k));
    const double of_both = -(2 + k) * (2 + k * (6 + k * (7 + 2 * k)));
    const double variance = (of_shape * by_shape * by_shape + 2 * of_both * by_shape * by_scale +
                             of_scale * by_scale * by_scale) /
                            ((1 + 2 * k) * (3 + 2 * k) * m);
    return std::clamp(variance, 0.0, 4.0);
}

} // namespace detail

/// Fits the generalised Pareto distribution to excesses over a threshold: the maximum of the
/// likelihood with shape > -1/2 (see detail::pareto_likelihood). Where there is none, as happens
/// with a few excesses or with tails that end abruptly: probability-weighted moments with shape >=
/// -1/2, or, with censored excesses, which say that the tail has not ended, the exponential
/// distribution. Needs at least 5 observed excesses that are not all 0, otherwise
/// `pareto_method::none`. Never allocates.
/// @param start   shape / scale of an earlier fit to almost the same excesses, where the search
///                begins: then two or three passes over the excesses suffice; 0 for none
/// @param scratch as many numbers as there are excesses
inline pareto_fit fit_pareto(const pareto_sample& sample, double start,
                             std::span<double> scratch) noexcept {
    if (sample.excesses.empty()) {
        return {};
    }
    const detail::pareto_likelihood likelihood(sample);
    if (likelihood.observed() < detail::fewest_pareto_excesses || !(likelihood.mean() > 0) ||
        !std::isfinite(likelihood.mean())) {
        return {};
    }
    detail::pareto_likelihood::point found;
    if ((start != 0 && detail::refine_pareto(likelihood, start * likelihood.mean(), found)) ||
        detail::search_pareto(likelihood, found)) {
        const generalised_pareto tail = likelihood.distribution(found);
        if (std::isfinite(tail.scale) && tail.scale > 0) {
            return {tail, pareto_method::likelihood};
        }
    }
    if (!sample.censored.empty()) { // the likelihood of the exponential is largest there
        const double total = likelihood.mean() * static_cast<double>(sample.excesses.size());
        return {{0, total / likelihood.observed()}, pareto_method::exponential};
    }
    const auto sorted = scratch.first(sample.excesses.size());
    std::copy(sample.excesses.begin(), sample.excesses.end(), sorted.begin());
    std::sort(sorted.begin(), sorted.end());
    return {detail::pareto_from_moments(sorted), pareto_method::moments};
}

} // namespace tocsin
