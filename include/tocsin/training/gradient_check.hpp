/// @file gradient_check.hpp
/// @brief Compares an analytic gradient with finite differences.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/storage.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Outcome of check_gradient: the worst entry.
struct gradient_difference {
    double relative_error = 0; ///< the largest difference, relative to the larger of both
    index_t position = -1;     ///< where it is; -1 for none
    double analytic = 0;       ///< what the model computed there
    double numeric = 0;        ///< what differences say there
};

/// Checks every entry of a gradient against the five-point central difference, whose error falls
/// with the fourth power of the step. The error of an entry is relative to the larger of the two
/// values, but at least to a thousandth of the largest entry: below that, differences are rounding
/// noise.
/// @param function evaluates the loss at the current values of `variables`
/// @param variables changed during the check, restored bit for bit
/// @param gradient  analytic, as long as `variables`
template <class Function>
gradient_difference check_gradient(Function&& function, std::span<double> variables,
                                   std::span<const double> gradient, double step = 1e-3) {
    double largest = 0;
    for (const double entry : gradient) {
        largest = std::max(largest, std::abs(entry));
    }
    gradient_difference worst;
    for (std::size_t k = 0; k < variables.size(); ++k) {
        const double kept = variables[k];
        const auto at = [&](double shift) {
            variables[k] = kept + shift;
            return static_cast<double>(function());
        };
        const double near = at(step) - at(-step);
        const double far = at(2 * step) - at(-2 * step);
        variables[k] = kept;
        const double numeric = (8 * near - far) / (12 * step);
        const double scale =
            std::max({std::abs(numeric), std::abs(gradient[k]), 1e-3 * largest, 1e-300});
        const double error = std::abs(numeric - gradient[k]) / scale;
        // Negated, so that NaN counts as the worst.
        if (!(error <= worst.relative_error) && !std::isnan(worst.relative_error)) {
            worst = {error, static_cast<index_t>(k), gradient[k], numeric};
        }
    }
    return worst;
}

} // namespace tocsin
