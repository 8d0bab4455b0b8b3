/// @file pareto_estimator.hpp
/// @brief How a streaming peaks-over-threshold rule estimates its tail.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/tail/pareto_fit.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Estimator of basic_spot_threshold: the maximum of the likelihood, see fit_pareto().
struct likelihood_estimator {
    static constexpr const char* kind = "spot_threshold"; ///< of the rule

    /// @param before  the fit so far, where the search begins
    /// @param scratch as many numbers as there are excesses
    static pareto_fit fit(const pareto_sample& sample, const pareto_fit& before,
                          std::span<double> scratch) noexcept {
        return fit_pareto(sample, before.tail.shape / before.tail.scale, scratch);
    }
    /// Variance of the logarithm of P(Y > y) when fitted to m excesses.
    static double log_tail_variance(const generalised_pareto& tail, int m, double y) noexcept {
        return detail::log_tail_variance(tail, m, y);
    }
    /// How an excess that is only known to be larger than y is kept.
    static double censored_excess(const generalised_pareto& /*tail*/, double y) noexcept {
        return y;
    }
};

/// Estimator of basic_spot_threshold: probability-weighted moments (Hosking and Wallis, Technometrics
/// 29, 1987), two sums over the sorted excesses. For a shape of 0, its standard error is 15 per cent
/// larger than that of the likelihood. But each step is well conditioned: in float it gives the same
/// threshold within 1e-4, so a microcontroller can do the same (firmware/peaks_over_threshold.hpp).
/// An excess that is only known to be larger than y counts as its expectation under the fit so far,
/// which leaves the first moment unbiased; in the second, the largest excesses weigh almost nothing.
struct moments_estimator {
    static constexpr const char* kind = "spot_threshold_by_moments"; ///< of the rule

    /// O(m log m). Needs as many excesses as fit_pareto(), otherwise `pareto_method::none`.
    /// @param scratch as many numbers as there are excesses
    static pareto_fit fit(const pareto_sample& sample, const pareto_fit& /*before*/,
                          std::span<double> scratch) noexcept {
        const auto sorted = scratch.first(sample.excesses.size());
        std::copy(sample.excesses.begin(), sample.excesses.end(), sorted.begin());
        std::sort(sorted.begin(), sorted.end());
        if (static_cast<double>(sorted.size()) < detail::fewest_pareto_excesses ||
            !(sorted.back() > 0)) {
            return {};
        }
        const generalised_pareto tail = detail::pareto_from_moments(sorted);
        return std::isfinite(tail.scale) && tail.scale > 0
                   ? pareto_fit{tail, pareto_method::moments}
                   : pareto_fit{};
    }
    /// Variance of the logarithm of P(Y > y) when fitted to m excesses.
    static double log_tail_variance(const generalised_pareto& tail, int m, double y) noexcept {
        return detail::log_tail_variance_of_moments(tail, m, y);
    }
    /// E(Y | Y > y), with the shape taken as at most 1/2; at most 2 largest_input.
    static double censored_excess(const generalised_pareto& tail, double y) noexcept {
        const double shape = std::min(tail.shape, 0.5);
        const double further = std::max(tail.scale + shape * y, 0.0) / (1 - shape);
        return std::min(y + further, 2 * largest_input);
    }
};

} // namespace tocsin
