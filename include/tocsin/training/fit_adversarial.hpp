/// @file fit_adversarial.hpp
/// @brief The training loop of two players: generator with encoder, against a discriminator.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/models/adversarial_model.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/adversarial_state.hpp"
#include "tocsin/training/epoch_event.hpp"
#include "tocsin/training/fit_checks.hpp"
#include "tocsin/training/losses.hpp"
#include "tocsin/training/schedules.hpp"
#include "tocsin/training/training_step.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// Hyper-parameters and policies of training an adversarial_model; what changes during a run is in
/// adversarial_state. For each batch, the discriminator makes one step of its optimiser, then the
/// generator's side one of its own, with other latent variables. The same seed gives the same bits.
template <loss_function Loss = mean_absolute_error, update_rule Optimiser = adam,
          learning_rate_schedule Schedule = constant_rate>
struct adversarial_trainer {
    int epochs = 100;       ///< maximum in total, including those of a resumed state; at least 1
    int batch_size = 32;    ///< windows per update, at least 1
    double clip_norm = 1;   ///< largest norm of the gradient of a player; 0 turns clipping off
    std::uint64_t seed = 0; ///< of a new run: initial weights, order of batches, latent variables
    /// Times `loss` of the reconstructions, added to the loss of the generator's side: the
    /// consistency of Li et al. (ALICE, NeurIPS 2017). 0: as BiGAN was published.
    double reconstruction_weight = 0;
    Loss loss = {};                         ///< of reconstructions
    Optimiser optimiser = {};               ///< of encoder and generator
    Optimiser discriminator_optimiser = {}; ///< of the discriminator
    Schedule schedule = {};                 ///< how both learning rates change
    won_discriminator divergence = {};      ///< when a run is given up

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (epochs < 1 || batch_size < 1 || !(clip_norm >= 0) || !(reconstruction_weight >= 0) ||
            !std::isfinite(reconstruction_weight)) {
            return status::error(error_code::invalid_argument, "adversarial_trainer: epochs ",
                                 epochs, ", batch size ", batch_size, ", clip norm ", clip_norm,
                                 " and reconstruction weight ", reconstruction_weight,
                                 " must be at least 1, 1, 0 and 0");
        }
        for (const status& policy : {optimiser.check(), discriminator_optimiser.check(),
                                     detail::check_policy(schedule), divergence.check()}) {
            if (!policy.ok()) {
                return policy;
            }
        }
        return {};
    }

    /// Trains until a callback ends it, all epochs are done or the run diverges. The weights of the
    /// epoch with the lowest mean absolute error of reconstructions are `state.best_parameters`.
    /// Fails without a change to `state` on bad settings or data. A loss that is not finite, or a
    /// discriminator that has won, ends training with `invalid_data`; the best weights so far are
    /// kept. Allocates.
    /// @param training   windows of normal data, without missing values
    /// @param validation windows that decide which epoch is best; empty: the training windows do
    /// @param state      made by adversarial_state::fresh for this model and both optimisers
    /// @param callbacks  called as `callback(adversarial_event)` after each epoch; one that returns
    ///                   bool ends training by returning false. One with `after_batch(batch_event)`
    ///                   receives each batch; false ends the run, and that epoch does not count.
    template <adversarial_model Model,
              adversarial_callback<typename Model::scalar_type>... Callbacks>
        requires loss_function<Loss, typename Model::scalar_type> &&
                 update_rule<Optimiser, typename Model::scalar_type>
    status fit(const Model& model, const windows<typename Model::scalar_type>& training,
               const windows<typename Model::scalar_type>& validation,
               adversarial_state<typename Model::scalar_type>& state,
               Callbacks&&... callbacks) const {
        using scalar = typename Model::scalar_type;
        if (const status ready = check_run(model, training, validation, state); !ready.ok()) {
            return ready;
        }
        const auto& judged = validation.empty() ? training : validation;
        const auto widest = static_cast<int>(std::min<index_t>(batch_size, training.count()));
        buffers<scalar> memory(model, widest, training.length());
        std::vector<index_t> order(static_cast<std::size_t>(training.count()));
        bool going = true;
        while (going && state.finished_epochs() < epochs) {
            adversarial_record record;
            record.epoch = state.finished_epochs();
            const double factor = schedule(record.epoch);
            record.learning_rate = optimiser.learning_rate * factor;
            const auto after_batch = [&](const batch_event& event) {
                ((going = detail::notify_batch(callbacks, event) && going), ...);
                return going;
            };
            if (const status trained = train_epoch(model, training, widest, factor, memory, order,
                                                   state, record, after_batch);
                !trained.ok()) {
                return trained;
            }
            if (!going) {
                return {}; // an epoch that was broken off does not count
            }
            regression_errors errors;
            predict_windows(model, std::span<const scalar>(state.parameters), judged, widest,
                            [&](index_t, const auto& window, const auto& prediction) {
                                errors.add(window, prediction);
                            });
            record.validation_mae = errors.mae();
            if (errors.rejected() > 0 || !std::isfinite(record.validation_mae)) {
                return detail::diverged(record.epoch, "validation error",
                                        std::numeric_limits<double>::quiet_NaN());
            }
            if (record.validation_mae < state.best_mae) {
                state.best_mae = record.validation_mae;
                state.best_epoch = record.epoch;
                state.best_parameters = state.parameters;
            }
            state.history.push_back(record);
            [[maybe_unused]] const adversarial_event<scalar> event{record, state, epochs};
            ((going = detail::notify(callbacks, event) && going), ...);
            if (const status lost = divergence(state.history); !lost.ok()) {
                return lost;
            }
        }
        return {};
    }

  private:
    /// Memory of a run.
    template <class Scalar>
    struct buffers {
        template <class Model>
        buffers(const Model& model, int batch, int time)
            : rows(size(index_t{model.features()} * batch * time)),
              latents(size(index_t{model.latent()} * batch * time)),
              gradients(size(model.parameter_count())),
              work(size(std::max(model.adversarial_work_size(batch, time),
                                 model.training_work_size(batch, time)))) {}
        static std::size_t size(index_t count) noexcept { return static_cast<std::size_t>(count); }

        aligned_vector<Scalar> rows;
        aligned_vector<Scalar> latents;
        aligned_vector<Scalar> gradients;
        aligned_vector<Scalar> work;
    };

    template <class Model>
    status check_run(const Model& model, const windows<typename Model::scalar_type>& training,
                     const windows<typename Model::scalar_type>& validation,
                     const adversarial_state<typename Model::scalar_type>& state) const {
        for (const status& part : {check(), model.check()}) {
            if (!part.ok()) {
                return part;
            }
        }
        if (const status some = detail::check_not_empty(training); !some.ok()) {
            return some;
        }
        const index_t count = model.parameter_count();
        const index_t first = model.generator_count();
        const auto differs = [](const auto& held, index_t wanted) {
            return static_cast<index_t>(held.size()) != wanted;
        };
        if (differs(state.parameters, count) ||
            differs(state.generator_rule_state, optimiser.state_size(first)) ||
            differs(state.discriminator_rule_state,
                    discriminator_optimiser.state_size(count - first))) {
            return status::error(
                error_code::invalid_argument, "fit: the state has ", state.parameters.size(),
                " parameters and ", state.generator_rule_state.size(), " and ",
                state.discriminator_rule_state.size(), " values of the optimisers, this model has ",
                count, ", ", optimiser.state_size(first), " and ",
                discriminator_optimiser.state_size(count - first));
        }
        for (const status& usable :
             {detail::check_optimiser_state(optimiser, state.generator_rule_state),
              detail::check_optimiser_state(discriminator_optimiser,
                                            state.discriminator_rule_state)}) {
            if (!usable.ok()) {
                return usable;
            }
        }
        for (const auto* part : {&training, &validation}) {
            if (const status usable =
                    detail::check_windows(*part, model.features(), detail::missing_values::refused);
                !usable.ok()) {
                return usable;
            }
        }
        return {};
    }

    template <class Model, class Scalar, class AfterBatch>
    status train_epoch(const Model& model, const windows<Scalar>& training, int widest,
                       double factor, buffers<Scalar>& memory, std::vector<index_t>& order,
                       adversarial_state<Scalar>& state, adversarial_record& record,
                       AfterBatch&& after_batch) const {
        std::iota(order.begin(), order.end(), index_t{0});
        shuffle(std::span<index_t>(order), state.random);
        const std::span<Scalar> all(state.parameters);
        const std::span<const Scalar> weights(all);
        const std::span<Scalar> gradients(memory.gradients);
        const auto border = static_cast<std::size_t>(model.generator_count());
        const int time = training.length();
        double updates = 0;
        double seen = 0;
        for (index_t first = 0; first < training.count(); first += widest) {
            const auto batch =
                static_cast<int>(std::min<index_t>(widest, training.count() - first));
            const sequence_view<Scalar> rows(memory.rows.data(), model.features(), batch, time);
            const sequence_view<Scalar> latents(memory.latents.data(), model.latent(), batch, time);
            gather_batch<Scalar>(training, slice(std::span<const index_t>(order), first, batch),
                                 rows);
            const auto prepare = [&]() noexcept {
                for (Scalar& value : latents.span()) {
                    value = static_cast<Scalar>(state.random.normal());
                }
                zero(gradients);
            };
            const step_outcome judged = training_step<Scalar>(
                discriminator_optimiser,
                [&]() noexcept {
                    prepare();
                    return model.discriminator_loss_and_gradient(weights, rows, latents, gradients,
                                                                 state.random,
                                                                 std::span<Scalar>(memory.work));
                },
                gradients.subspan(border), clip_norm, factor,
                {all.subspan(border), state.discriminator_rule_state, state.discriminator_step});
            if (!judged.ok()) {
                return detail::not_finite(record.epoch, judged, "the discriminator's loss",
                                          "the discriminator's gradient norm");
            }
            const step_outcome made = training_step<Scalar>(
                optimiser,
                [&]() noexcept {
                    prepare();
                    return generator_loss<Model, Scalar>(model, weights, rows, latents, memory,
                                                         state.random);
                },
                gradients.first(border), clip_norm, factor,
                {all.first(border), state.generator_rule_state, state.generator_step});
            if (!made.ok()) {
                return detail::not_finite(record.epoch, made, "the generator's loss",
                                          "the generator's gradient norm");
            }
            record.discriminator_loss += judged.loss * batch;
            record.generator_loss += made.loss * batch;
            seen += batch;
            record.discriminator_gradient_norm += judged.gradient_norm;
            record.generator_gradient_norm += made.gradient_norm;
            updates += 1;
            if (!after_batch({record.epoch, first + batch, training.count(), epochs,
                              record.generator_loss / seen})) {
                break;
            }
        }
        record.discriminator_loss /= seen;
        record.generator_loss /= seen;
        record.discriminator_gradient_norm /= updates;
        record.generator_gradient_norm /= updates;
        return {};
    }

    /// What the generator's side makes small; its gradient is added.
    template <class Model, class Scalar>
    double generator_loss(const Model& model, std::span<const Scalar> weights,
                          sequence_view<const Scalar> rows, sequence_view<const Scalar> latents,
                          buffers<Scalar>& memory, random_generator& random) const noexcept {
        const std::span<Scalar> work(memory.work);
        double value = 0;
        if (reconstruction_weight > 0) {
            value = model.loss_and_gradient(
                weights, rows,
                [&](std::span<const Scalar> made, std::span<const Scalar> wanted,
                    std::span<Scalar> slopes) noexcept {
                    const double alone = loss(made, wanted, slopes);
                    for (Scalar& slope : slopes) {
                        slope *= static_cast<Scalar>(reconstruction_weight);
                    }
                    return reconstruction_weight * alone;
                },
                std::span<Scalar>(memory.gradients), random, work);
        }
        return value + model.generator_loss_and_gradient(weights, rows, latents,
                                                         std::span<Scalar>(memory.gradients),
                                                         random, work);
    }
};

} // namespace tocsin
