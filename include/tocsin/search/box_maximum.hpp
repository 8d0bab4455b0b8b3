/// @file box_maximum.hpp
/// @brief The highest point of a smooth function nearby, within bounds.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {

/// What climb_in_box() found.
struct box_maximum {
    column<double> point;                                    ///< within the bounds
    double value = -std::numeric_limits<double>::infinity(); ///< of the function there
    int evaluations = 0;                                     ///< of the function
};

/// Climbs from a point to a local maximum between bounds: BFGS on the coordinates that are not held
/// by a bound (Bertsekas, "Projected Newton methods for optimization problems with simple
/// constraints", SIAM J. Control and Optimization 20, 1982), with steps halved until they gain
/// enough (Armijo). A value that is not finite counts as lower than any. Deterministic. Allocates.
/// @param function      `double(point, gradient)`, which overwrites the gradient, `[dimension]`
/// @param start         `[dimension]`; coordinates out of bounds are moved to them
/// @param low           `[dimension]`
/// @param high          `[dimension]`, not below `low`
/// @param most          evaluations at most, about
/// @param smallest_gain a step that gains less ends the climb
/// @return where the climb ended; `value` is -infinity where the start has no finite value
template <class Function>
box_maximum climb_in_box(const Function& function, const column<double>& start,
                         const column<double>& low, const column<double>& high, int most = 200,
                         double smallest_gain = 1e-9) {
    const index_t size = start.size();
    const auto inside = [&](const column<double>& point) -> column<double> {
        return point.cwiseMax(low).cwiseMin(high);
    };
    box_maximum best{inside(start)};
    column<double> gradient = column<double>::Zero(size);
    column<double> next_gradient = gradient;
    const auto value_at = [&](const column<double>& point, column<double>& slope) {
        ++best.evaluations;
        const double value = function(point, slope);
        return std::isfinite(value) && slope.allFinite() ? value
                                                         : -std::numeric_limits<double>::infinity();
    };
    best.value = value_at(best.point, gradient);
    if (!std::isfinite(best.value)) {
        return best;
    }
    const auto is_held = [&](index_t k) {
        return (best.point[k] <= low[k] && gradient[k] <= 0) ||
               (best.point[k] >= high[k] && gradient[k] >= 0);
    };
    matrix<double> inverse = matrix<double>::Identity(size, size); // of the negative Hessian
    bool scaled = false;
    while (best.evaluations < most) {
        column<double> free_gradient = gradient;
        for (index_t k = 0; k < size; ++k) {
            if (is_held(k)) {
                free_gradient[k] = 0;
            }
        }
        column<double> direction = inverse * free_gradient;
        for (index_t k = 0; k < size; ++k) {
            if (free_gradient[k] == 0) {
                direction[k] = 0;
            }
        }
        if (!(direction.dot(gradient) > 0)) { // the curvature belongs to other coordinates
            inverse.setIdentity();
            scaled = false;
            direction = free_gradient;
        }
        if (!scaled) { // no curvature is known: a tenth of the box at most
            const double steepest =
                (direction.array().abs() / (high - low).array().max(1e-300)).maxCoeff();
            direction *= steepest > 0 ? std::min(1.0, 0.1 / steepest) : 0.0;
        }
        double length = 1;
        column<double> next;
        double value = -std::numeric_limits<double>::infinity();
        double expected = 0;
        for (int halvings = 0; halvings < 30 && best.evaluations < most; ++halvings) {
            next = inside(best.point + length * direction);
            expected = gradient.dot(next - best.point);
            value = value_at(next, next_gradient);
            if (value >= best.value + 1e-4 * expected) {
                break;
            }
            length /= 2;
        }
        const double gain = value - best.value;
        if (!(gain > 0)) {
            break;
        }
        const column<double> moved = next - best.point;
        const column<double> bent = gradient - next_gradient;
        best.point = next;
        best.value = value;
        gradient = next_gradient;
        if (gain < smallest_gain) {
            break;
        }
        if (const double product = moved.dot(bent); product > 1e-12 * moved.norm() * bent.norm()) {
            if (!scaled) {
                inverse *= product / bent.squaredNorm();
                scaled = true;
            }
            const column<double> image = inverse * bent;
            inverse +=
                (product + bent.dot(image)) / (product * product) * moved * moved.transpose() -
                (image * moved.transpose() + moved * image.transpose()) / product;
        }
    }
    return best;
}

} // namespace tocsin
