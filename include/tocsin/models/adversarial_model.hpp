/// @file adversarial_model.hpp
/// @brief The concept of a model of two players: a generator with its encoder, and a discriminator.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <concepts>
#include <span>

namespace tocsin {

/// A sequence_model whose parameters belong to two players that are trained against each other
/// (Goodfellow et al., NeurIPS 2014).
///
/// - The first `generator_count()` parameters belong to the generator's side, all others to
///   the discriminator. The loss of the sequence_model compares reconstructions; it has no
///   influence on the discriminator.
/// - `latent()` is the number of latent variables of a sample, which are standard normal.
/// - `generator_loss_and_gradient(parameters, windows, latents, gradients, random, work)` returns
///   the loss that the generator's side makes small, `discriminator_loss_and_gradient` the loss of the
///   discriminator. Both *add* the gradient to the part of `gradients` of their player; what they
///   add to the other part, which is only scratch to them, is not specified. `latents` are
///   `[latent x (batch * time)]`, `work` has `adversarial_work_size(batch, time)` scalars.
template <class Model>
concept adversarial_model =
    sequence_model<Model> &&
    requires(const Model model, std::span<const typename Model::scalar_type> parameters,
             std::span<typename Model::scalar_type> area,
             sequence_view<const typename Model::scalar_type> windows, random_generator& random,
             int size) {
        { model.generator_count() } -> std::convertible_to<index_t>;
        { model.latent() } -> std::convertible_to<int>;
        { model.adversarial_work_size(size, size) } -> std::convertible_to<index_t>;
        {
            model.generator_loss_and_gradient(parameters, windows, windows, area, random, area)
        } noexcept -> std::convertible_to<double>;
        {
            model.discriminator_loss_and_gradient(parameters, windows, windows, area, random, area)
        } noexcept -> std::convertible_to<double>;
    };

} // namespace tocsin
