/// @file classification_losses.hpp
/// @brief Losses of classes, from logits.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/math/binary_cross_entropy.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

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
                if (target != 0) {
                    sum -= weight * target * log_p;
                }
                gradient[item * rows + j] =
                    static_cast<Scalar>(weight * (std::exp(log_p) - target));
            }
        }
        return sum;
    }
};

} // namespace tocsin
