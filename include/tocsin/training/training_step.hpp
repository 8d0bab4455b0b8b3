/// @file training_step.hpp
/// @brief One update of a model's parameters: loss, clipping, check, optimiser.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/training/clipping.hpp"
#include "tocsin/training/update_rule.hpp"

#include <cmath>
#include <concepts>
#include <cstdint>
#include <span>

namespace tocsin {

/// What an update changes; the caller owns all of it.
template <class Scalar>
struct step_target {
    std::span<Scalar> parameters;      ///< what is updated
    std::span<Scalar> optimiser_state; ///< `optimiser.state_size(parameters.size())` scalars
    std::int64_t& step;                ///< updates so far
};

/// What an update was made from.
struct step_outcome {
    double loss = 0;          ///< before the update
    double gradient_norm = 0; ///< global, before clipping

    /// Whether the parameters were updated: loss and norm are finite.
    bool ok() const noexcept { return std::isfinite(loss) && std::isfinite(gradient_norm); }
};

/// Evaluates the loss and its gradient, clips the gradient and lets the optimiser update the
/// parameters. A loss or norm that is not finite leaves parameters, state and step as they were.
/// Never allocates, unless `evaluate` does.
/// @param evaluate    returns the loss and leaves its gradient in `gradients`; noexcept
/// @param gradients   as long as the parameters; clipped afterwards
/// @param clip_norm   largest global norm of the gradient; 0 turns clipping off
/// @param rate_factor multiple of the optimiser's learning rate
template <class Scalar, update_rule<Scalar> Optimiser, std::invocable Evaluate>
step_outcome training_step(const Optimiser& optimiser, Evaluate&& evaluate,
                           std::span<Scalar> gradients, double clip_norm, double rate_factor,
                           step_target<Scalar> target) noexcept {
    step_outcome outcome;
    outcome.loss = evaluate();
    outcome.gradient_norm = clip_by_global_norm(gradients, clip_norm);
    if (outcome.ok()) {
        count_up(target.step);
        optimiser.update(target.parameters, std::span<const Scalar>(gradients),
                         target.optimiser_state, target.step, rate_factor);
    }
    return outcome;
}

} // namespace tocsin
