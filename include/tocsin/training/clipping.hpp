/// @file clipping.hpp
/// @brief Clipping of gradients by their global norm.
#pragma once

#include "tocsin/math/reductions.hpp"

#include <cmath>
#include <span>

namespace tocsin {

/// Euclidean norm of all gradients together, summed in double; NaN or infinite when one of them is.
template <class Scalar>
double global_norm(std::span<const Scalar> gradients) noexcept {
    return std::sqrt(sum_of_squares(gradients.data(), static_cast<index_t>(gradients.size())));
}

/// Scales the gradients so that their global norm is at most `maximum` (Pascanu et al. 2013); 0 or
/// less turns clipping off. Returns the previous norm. Gradients whose norm is not finite are
/// unchanged.
template <class Scalar>
double clip_by_global_norm(std::span<Scalar> gradients, double maximum) noexcept {
    const double norm = global_norm(std::span<const Scalar>(gradients));
    if (maximum > 0 && norm > maximum && std::isfinite(norm)) {
        scale(static_cast<Scalar>(maximum / norm), gradients.data(),
              static_cast<index_t>(gradients.size()));
    }
    return norm;
}

} // namespace tocsin
