/// @file classification_losses.hpp
/// @brief Losses of classes, from logits, and the divergence of a Gaussian from the standard one.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Mean of -y log p - (1 - y) log (1 - p) with p = sigmoid(z), z the logits (predictions) and y the
/// targets in [0, 1]. Computed as max(z, 0) - z y + log(1 + exp(-|z|)), which neither overflows nor
/// loses a confident wrong answer. The slope is p - y.
struct binary_cross_entropy {
    static constexpr const char* kind = "binary_cross_entropy";

    /// The loss of a batch, and its gradient. See concept loss_function.
    template <class Scalar>
    double operator()(std::span<const Scalar> logits, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        return (*this)(logits, targets, std::span<const Scalar>{}, gradient);
    }
    /// The same, each item times its weight; divided by the number of items, as in PyTorch.
    /// @param weights one per item, or empty
    template <class Scalar>
    double operator()(std::span<const Scalar> logits, std::span<const Scalar> targets,
                      std::span<const Scalar> weights, std::span<Scalar> gradient) const noexcept {
        const double share = 1 / static_cast<double>(logits.size());
        double sum = 0;
        for (std::size_t k = 0; k < logits.size(); ++k) {
            const auto z = static_cast<double>(logits[k]);
            const auto y = static_cast<double>(targets[k]);
            const double weight = weights.empty() ? share : share * static_cast<double>(weights[k]);
            const double small = std::exp(-std::abs(z));
            const double p = (z >= 0 ? 1 : small) / (1 + small);
            sum += weight * (std::max(z, 0.0) - z * y + std::log1p(small));
            // Written as a sum, because max() above would lose a NaN.
            gradient[k] = static_cast<Scalar>(weight * (p - y + 0 * z));
        }
        return sum;
    }
};

/// Mean over items of -sum over classes of y_j log p_j with p = softmax(z): z the logits, y the
/// targets, both `[classes x items]`; the targets of an item add up to 1. The slope is p - y.
struct categorical_cross_entropy {
    static constexpr const char* kind = "categorical_cross_entropy";
    int classes = 2; ///< rows of an item, at least 1

    /// The loss of a batch, and its gradient. See concept loss_function.
    template <class Scalar>
    double operator()(std::span<const Scalar> logits, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        return (*this)(logits, targets, std::span<const Scalar>{}, gradient);
    }
    /// The same, each item times its weight; divided by the number of items.
    /// @param weights one per item, or empty
    template <class Scalar>
    double operator()(std::span<const Scalar> logits, std::span<const Scalar> targets,
                      std::span<const Scalar> weights, std::span<Scalar> gradient) const noexcept {
        const auto rows = static_cast<std::size_t>(classes);
        const std::size_t items = logits.size() / rows;
        const double share = 1 / static_cast<double>(items);
        double sum = 0;
        for (std::size_t item = 0; item < items; ++item) {
            const auto z = logits.subspan(item * rows, rows);
            const auto y = targets.subspan(item * rows, rows);
            const double weight =
                weights.empty() ? share : share * static_cast<double>(weights[item]);
            auto largest = static_cast<double>(z[0]);
            for (const Scalar value : z) {
                largest = std::max(largest, static_cast<double>(value));
            }
            double total = 0;
            for (const Scalar value : z) {
                total += std::exp(static_cast<double>(value) - largest);
            }
            const double log_total = largest + std::log(total);
            for (std::size_t j = 0; j < rows; ++j) {
                const double log_p = static_cast<double>(z[j]) - log_total;
                const auto target = static_cast<double>(y[j]);
                sum -= target == 0 ? 0 * log_p : weight * target * log_p;
                gradient[item * rows + j] =
                    static_cast<Scalar>(weight * (std::exp(log_p) - target));
            }
        }
        return sum;
    }
};

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
