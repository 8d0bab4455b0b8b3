/// @file classification_targets.hpp
/// @brief The targets of labelled windows, and the loss of some of them.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/training/classification_losses.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace tocsin::detail {

/// One-hot targets and weights of all windows, and the loss of some of them.
template <class Scalar>
struct class_targets {
    class_targets(int output_count, const labelled_windows<Scalar>& training,
                  const std::vector<double>& class_weights)
        : outputs{output_count} {
        const auto rows = static_cast<std::size_t>(outputs);
        const bool weighted = !class_weights.empty() || !training.weights.empty();
        values.resize(training.classes.size() * rows);
        weights.resize(weighted ? training.classes.size() : 0);
        for (std::size_t k = 0; k < training.classes.size(); ++k) {
            const auto of = static_cast<std::size_t>(training.classes[k]);
            if (outputs == 1) {
                values[k] = static_cast<Scalar>(of);
            } else {
                values[k * rows + of] = Scalar(1);
            }
            if (weighted) {
                weights[k] =
                    static_cast<Scalar>((class_weights.empty() ? 1.0 : class_weights[of]) *
                                        (training.weights.empty() ? 1.0 : training.weights[k]));
            }
        }
    }
    /// Whether no window counts, so that there is nothing to learn. labelled_windows::check() refuses
    /// weights that are all 0 by themselves; with those of the classes, products can be.
    bool all_without_weight() const noexcept {
        return !weights.empty() && std::all_of(weights.begin(), weights.end(),
                                               [](Scalar weight) { return weight == 0; });
    }
    int outputs;
    std::vector<Scalar> values;  // [outputs x windows]
    std::vector<Scalar> weights; // per window, or empty
};
/// The loss of the windows of a shard, item by item: no copy of their targets is needed.
template <class Scalar>
struct loss_of_members {
    const class_targets<Scalar>& wanted;
    std::span<const index_t> members;

    double operator()(sequence_view<const Scalar> logits,
                      sequence_view<Scalar> slopes) const noexcept {
        const auto rows = static_cast<std::size_t>(wanted.outputs);
        const auto share = Scalar(1) / static_cast<Scalar>(members.size());
        double sum = 0;
        for (std::size_t b = 0; b < members.size(); ++b) {
            const auto member = static_cast<std::size_t>(members[b]);
            const auto z = std::span<const Scalar>(logits.span()).subspan(b * rows, rows);
            const auto y = std::span<const Scalar>(wanted.values).subspan(member * rows, rows);
            const Scalar weight =
                share * (wanted.weights.empty() ? Scalar(1) : wanted.weights[member]);
            const std::span<const Scalar> one_weight(&weight, 1);
            const auto slope = slopes.span().subspan(b * rows, rows);
            sum += wanted.outputs == 1
                       ? binary_cross_entropy{}(z, y, one_weight, slope)
                       : categorical_cross_entropy{wanted.outputs}(z, y, one_weight, slope);
        }
        return sum;
    }
};

} // namespace tocsin::detail
