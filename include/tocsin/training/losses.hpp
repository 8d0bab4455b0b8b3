/// @file losses.hpp
/// @brief Training losses with their gradients.
#pragma once

#include "tocsin/core/extents.hpp"

#include <cmath>
#include <concepts>
#include <span>
#include <type_traits>

namespace tocsin {

namespace detail {
template <class Loss, class Scalar>
concept loss_over =
    requires(const Loss loss, std::span<const Scalar> values, std::span<Scalar> gradient) {
        { loss(values, values, gradient) } noexcept -> std::convertible_to<double>;
    };
} // namespace detail

/// `loss(predictions, targets, gradient)` returns the loss over all scalars of a batch and
/// overwrites `gradient` with dL/d(prediction). All three spans have one length; it is noexcept and
/// sums in double. The fit loop reports a loss that is not finite.
/// @tparam Scalar of the model; when it is left out, double or float, whichever the loss takes
template <class Loss,
          class Scalar = std::conditional_t<detail::loss_over<Loss, double>, double, float>>
concept loss_function = detail::loss_over<Loss, Scalar>;

namespace detail {

/// How many of the targets that a loss was given it was a mean over.
struct loss_coverage {
    double counted = 0; ///< targets that were not left out
    double given = 0;   ///< all targets

    /// Their ratio; 1 if there were no targets.
    double share() const noexcept { return given > 0 ? counted / given : 1.0; }
};

/// Refers to a loss of any type, so that a model's backward pass is compiled once for all that a
/// training loop uses: a call per batch is nothing. The loss must outlive it.
template <class Scalar>
class loss_ref {
  public:
    template <loss_function<Scalar> Loss>
        requires(!std::is_same_v<Loss, loss_ref>)
    explicit loss_ref(const Loss& loss) noexcept
        : loss_{&loss}, evaluate_{&evaluate<Loss>}, count_{&count<Loss>} {}
    double operator()(std::span<const Scalar> predictions, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        if (coverage_ != nullptr) {
            coverage_->counted += count_(loss_, targets);
            coverage_->given += static_cast<double>(targets.size());
        }
        return evaluate_(loss_, predictions, targets, gradient);
    }
    /// The same loss, which also adds to `coverage`.
    loss_ref covering(loss_coverage& coverage) const noexcept {
        loss_ref covered(*this);
        covered.coverage_ = &coverage;
        return covered;
    }

  private:
    // Not a lambda: its parameters would shadow globals of the same name in the user's program.
    template <class Loss>
    static double evaluate(const void* loss, std::span<const Scalar> predictions,
                           std::span<const Scalar> targets, std::span<Scalar> gradient) noexcept {
        return (*static_cast<const Loss*>(loss))(predictions, targets, gradient);
    }
    template <class Loss>
    static double count([[maybe_unused]] const void* loss,
                        std::span<const Scalar> targets) noexcept {
        if constexpr (requires(const Loss& any) { any.counted(targets); }) {
            return static_cast<double>(static_cast<const Loss*>(loss)->counted(targets));
        } else {
            return static_cast<double>(targets.size());
        }
    }

    const void* loss_;
    double (*evaluate_)(const void*, std::span<const Scalar>, std::span<const Scalar>,
                        std::span<Scalar>) noexcept;
    double (*count_)(const void*, std::span<const Scalar>) noexcept;
    loss_coverage* coverage_ = nullptr;
};

} // namespace detail

/// Mean of (prediction - target)^2.
struct mean_squared_error {
    static constexpr const char* kind = "mse";
    /// The loss of a batch, and its gradient. See concept loss_function.
    template <class Scalar>
    double operator()(std::span<const Scalar> predictions, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        const double weight = 1 / static_cast<double>(predictions.size());
        const auto slope = static_cast<Scalar>(2 * weight);
        double sum = 0;
        for (std::size_t k = 0; k < predictions.size(); ++k) {
            const Scalar difference = predictions[k] - targets[k];
            sum += static_cast<double>(difference) * static_cast<double>(difference);
            gradient[k] = slope * difference;
        }
        return sum * weight;
    }
};

/// Mean of |prediction - target| (L1); its slope at 0 is 0.
struct mean_absolute_error {
    static constexpr const char* kind = "l1";
    /// The loss of a batch, and its gradient. See concept loss_function.
    template <class Scalar>
    double operator()(std::span<const Scalar> predictions, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        const double weight = 1 / static_cast<double>(predictions.size());
        const auto slope = static_cast<Scalar>(weight);
        double sum = 0;
        for (std::size_t k = 0; k < predictions.size(); ++k) {
            const Scalar difference = predictions[k] - targets[k];
            sum += static_cast<double>(std::abs(difference));
            gradient[k] = difference > 0 ? slope : difference < 0 ? -slope : Scalar(0);
        }
        return sum * weight;
    }
};

} // namespace tocsin
