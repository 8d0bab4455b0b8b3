/// @file threshold_grid.hpp
/// @brief The best value of a metric over thresholds from the smallest to the largest score.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// A threshold and the value of a metric at it.
struct grid_point {
    double threshold = 0; ///< scores above it are flagged
    double value = 0;     ///< the threshold
};

/// The point with the largest metric on a grid of equidistant thresholds from the smallest to the
/// largest score; among equals the lowest threshold. It looks at the labels: a bound for what a
/// threshold can reach, as some papers report, and not the result of a detector. O(points * (scores
/// + metric)); allocates the flags.
/// @param scores higher = more anomalous; none, or one that is not finite, gives `invalid_data`
/// @param metric called as `result<double> metric(std::span<const std::uint8_t> flags)`; the first
///               failure is returned; NaN never wins, unless there is nothing else
/// @param points at least 2, else `invalid_argument`; TSB-AD takes 100
template <class Metric>
result<grid_point> best_on_grid(std::span<const double> scores, Metric&& metric, int points = 100) {
    if (points < 2) {
        return status::error(error_code::invalid_argument, "best_on_grid: ", points,
                             " points, at least 2 are needed");
    }
    if (scores.empty()) {
        return status::error(error_code::invalid_data, "best_on_grid: there are no scores");
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!std::isfinite(scores[i])) {
            return status::error(error_code::invalid_data, "best_on_grid: score ", i, " is ",
                                 scores[i]);
        }
    }
    const auto [lowest, highest] = std::minmax_element(scores.begin(), scores.end());
    const double step = (*highest - *lowest) / (points - 1);
    std::vector<std::uint8_t> flags(scores.size());
    grid_point best{*highest, std::numeric_limits<double>::quiet_NaN()};
    for (int point = 0; point < points; ++point) {
        const double threshold = point + 1 == points ? *highest : *lowest + point * step;
        std::transform(scores.begin(), scores.end(), flags.begin(),
                       [=](double score) { return std::uint8_t{score > threshold}; });
        const result<double> value = metric(std::span<const std::uint8_t>{flags});
        if (!value) {
            return value.error();
        }
        if (*value > best.value || (std::isnan(best.value) && !std::isnan(*value))) {
            best = {threshold, *value};
        }
    }
    return best;
}

} // namespace tocsin
