/// @file observed_loss.hpp
/// @brief A loss of what was observed, without the values that were filled in.
#pragma once

#include "tocsin/series/filling.hpp"
#include "tocsin/training/losses.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace tocsin {

/// A loss that is a mean over values, as the mean over those that were not filled in (see
/// filled_samples()): others have no part in it, and their gradient is 0. Never allocates.
template <class Loss>
struct observed_loss {
    const Loss& loss; ///< must outlive this

    /// How many of the targets were observed.
    template <class Scalar>
    std::size_t counted(std::span<const Scalar> targets) const noexcept {
        return static_cast<std::size_t>(
            std::count_if(targets.begin(), targets.end(),
                          [](Scalar value) { return !detail::is_filled(value); }));
    }
    /// The loss of the values that were observed, and its gradient.
    template <class Scalar>
    double operator()(std::span<const Scalar> predictions, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        const std::size_t size = targets.size();
        const std::size_t filled = size - counted(targets);
        if (filled == 0) {
            return loss(predictions, targets, gradient);
        }
        if (filled == size) {
            std::fill(gradient.begin(), gradient.end(), Scalar(0));
            return 0;
        }
        double sum = 0;
        for (std::size_t first = 0; first < size;) {
            if (detail::is_filled(targets[first])) {
                gradient[first++] = 0;
                continue;
            }
            std::size_t end = first + 1;
            while (end < size && !detail::is_filled(targets[end])) {
                ++end;
            }
            const std::size_t count = end - first;
            const double share = static_cast<double>(count) / static_cast<double>(size - filled);
            const auto part = gradient.subspan(first, count);
            sum += share *
                   loss(predictions.subspan(first, count), targets.subspan(first, count), part);
            for (Scalar& slope : part) {
                slope *= static_cast<Scalar>(share);
            }
            first = end;
        }
        return sum;
    }
};

} // namespace tocsin
