/// @file binary_cross_entropy.hpp
/// @brief Loss of two classes, from logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
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

} // namespace tocsin
