/// @file clipping.hpp
/// @brief Clipping of gradients by their global norm.
#pragma once

#include <cmath>
#include <span>

namespace tocsin {

/// Euclidean norm of all gradients together, summed in double; NaN or infinite when one of them is.
template <class Scalar>
double global_norm(std::span<const Scalar> gradients) noexcept {
    double sum = 0;
    for (const Scalar gradient : gradients) {
        sum += static_cast<double>(gradient) * static_cast<double>(gradient);
    }
    return std::sqrt(sum);
}

/// Scales the gradients so that their global norm is at most `maximum` (Pascanu et al. 2013); 0 or
/// less turns clipping off. Returns the norm before. A norm that is not finite leaves them alone.
template <class Scalar>
double clip_by_global_norm(std::span<Scalar> gradients, double maximum) noexcept {
    const double norm = global_norm(std::span<const Scalar>(gradients));
    if (maximum > 0 && norm > maximum && std::isfinite(norm)) {
        const auto scale = static_cast<Scalar>(maximum / norm);
        for (Scalar& gradient : gradients) {
            gradient *= scale;
        }
    }
    return norm;
}

} // namespace tocsin
