/// @file generalised_pareto.hpp
/// @brief Generalised Pareto distribution of excesses over a threshold.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {

/// Distribution of the excesses over a high threshold, P(Y > y) = (1 + shape y / scale)^(-1 /
/// shape); exponential for shape 0. A positive shape is a heavy tail; a negative one has an end.
struct generalised_pareto {
    double shape = 0; ///< parameter gamma: above 0 heavy, 0 exponential, below 0 a finite end
    double scale = 1; ///< positive

    /// P(Y > y) for y >= 0, 0 for infinity.
    double tail_probability(double y) const noexcept {
        if (y == std::numeric_limits<double>::infinity()) {
            return 0;
        }
        const double ratio = shape * y / scale;
        if (std::abs(ratio) < 1e-9) {
            return std::exp(-y / scale);
        }
        return ratio <= -1 ? 0 : std::exp(-std::log1p(ratio) / shape);
    }
    /// The y that is exceeded with probability p in (0, 1]; 0 for larger p.
    double quantile_of_tail(double p) const noexcept {
        const double depth = -std::log(std::min(p, 1.0));
        const double power = shape * depth;
        return std::abs(power) < 1e-9 ? scale * depth : scale * std::expm1(power) / shape;
    }
};

} // namespace tocsin
