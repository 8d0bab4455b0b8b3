/// @file gaussian_divergence.hpp
/// @brief Divergence of a Gaussian from the standard one.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace tocsin {

/// KL divergence of N(mean, diag(exp(log_variance))) from N(0, 1), summed over all elements:
/// 1/2 sum (mean^2 + exp(log_variance) - 1 - log_variance) (Kingma and Welling 2014, appendix B).
/// Adds `weight` times its gradient. Never allocates.
/// @return `weight` times the divergence
template <class Scalar>
double gaussian_divergence(std::span<const Scalar> mean, std::span<const Scalar> log_variance,
                           double weight, std::span<Scalar> mean_gradient,
                           std::span<Scalar> log_variance_gradient) noexcept {
    double sum = 0;
    for (std::size_t k = 0; k < mean.size(); ++k) {
        const auto m = static_cast<double>(mean[k]);
        const auto l = static_cast<double>(log_variance[k]);
        const double variance = std::exp(l);
        sum += m * m + variance - 1 - l;
        mean_gradient[k] += static_cast<Scalar>(weight * m);
        log_variance_gradient[k] += static_cast<Scalar>(weight * 0.5 * (variance - 1));
    }
    return 0.5 * weight * sum;
}

} // namespace tocsin
