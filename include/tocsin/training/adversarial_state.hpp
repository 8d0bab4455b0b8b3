/// @file adversarial_state.hpp
/// @brief Everything that changes while two players are trained, what callbacks see of it, and when
/// a run has diverged.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/training/epoch_callback.hpp"
#include "tocsin/training/state_archive.hpp"
#include "tocsin/training/update_rule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// One epoch of training two players; norms are means over the batches, before clipping.
struct adversarial_record {
    int epoch = 0;                          ///< counted from 0
    double generator_loss = 0;              ///< mean over the batches, reconstruction included
    double discriminator_loss = 0;          ///< mean over the batches; log 2 is undecided
    double validation_mae = 0;              ///< of reconstructions, after the epoch
    double learning_rate = 0;               ///< of the generator's side in the epoch
    double generator_gradient_norm = 0;     ///< of the generator's side
    double discriminator_gradient_norm = 0; ///< of the discriminator
};

/// Everything that changes while an adversarial_model is trained. Training that resumes from a saved
/// and loaded state (io/checkpoint.hpp) gives the same bits as uninterrupted training.
template <class Scalar>
struct adversarial_state {
    aligned_vector<Scalar> parameters;               ///< after the last epoch
    aligned_vector<Scalar> best_parameters;          ///< of the best epoch
    aligned_vector<Scalar> generator_rule_state;     ///< of the generator's optimiser
    aligned_vector<Scalar> discriminator_rule_state; ///< of the discriminator's optimiser
    std::int64_t generator_step = 0;                 ///< updates of the generator's side so far
    std::int64_t discriminator_step = 0;             ///< updates of the discriminator so far
    random_generator random{};                       ///< order of batches, latent variables
    int best_epoch = -1;                             ///< counted from 0; -1 before the first
    /// Mean absolute error of reconstructions in the best epoch.
    double best_mae = std::numeric_limits<double>::infinity();
    std::vector<adversarial_record> history; ///< one per finished epoch

    /// Epochs so far.
    int finished_epochs() const noexcept { return static_cast<int>(history.size()); }

    /// A fresh start: draws the model's parameters from the seed.
    template <class Model, update_rule<Scalar> Optimiser>
    static adversarial_state fresh(const Model& model, const Optimiser& generator,
                                   const Optimiser& discriminator, std::uint64_t seed) {
        auto state = detail::begun_state<adversarial_state>(model, seed);
        const index_t count = model.parameter_count();
        const index_t first = model.generator_count();
        state.generator_rule_state.assign(static_cast<std::size_t>(generator.state_size(first)),
                                          Scalar(0));
        state.discriminator_rule_state.assign(
            static_cast<std::size_t>(discriminator.state_size(count - first)), Scalar(0));
        return state;
    }

    static constexpr const char* content = "adversarial checkpoint"; ///< of its file
    static constexpr int version = 1;
    /// Describes the state to an archive. Loading needs a state made by fresh() for the same model
    /// and optimisers: sizes that differ are refused.
    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_buffer(archive, "parameters", parameters);
        detail::exchange_buffer(archive, "best_parameters", best_parameters);
        detail::exchange_buffer(archive, "generator_rule_state", generator_rule_state);
        detail::exchange_buffer(archive, "discriminator_rule_state", discriminator_rule_state);
        archive.integer("generator_step", generator_step, std::int64_t{0}, largest_count);
        archive.integer("discriminator_step", discriminator_step, std::int64_t{0}, largest_count);
        archive.integer("best_epoch", best_epoch, -1);
        detail::exchange_random(archive, random);
        detail::exchange_history(
            archive, history, best_epoch,
            [](const adversarial_record& record) {
                return std::array{
                    record.generator_loss,          record.discriminator_loss,
                    record.validation_mae,          record.learning_rate,
                    record.generator_gradient_norm, record.discriminator_gradient_norm};
            },
            [](int epoch, const std::array<double, 6>& row) {
                return adversarial_record{epoch, row[0], row[1], row[2], row[3], row[4], row[5]};
            });
        if constexpr (Archive::loading) {
            best_mae = std::numeric_limits<double>::infinity();
            for (const adversarial_record& record : history) {
                best_mae = std::min(best_mae, record.validation_mae);
            }
        }
    }
};

/// What a callback receives after each epoch of two players.
template <class Scalar>
struct adversarial_event {
    const adversarial_record& record;       ///< the epoch that has just ended
    const adversarial_state<Scalar>& state; ///< weights and history after it
    int planned_epochs = 0;                 ///< epochs at most
};

/// A callback of adversarial_trainer; see epoch_callback. An epoch that its `after_batch` breaks off
/// does not count.
template <class Callback, class Scalar = float>
concept adversarial_callback = epoch_callback<Callback, adversarial_event<Scalar>>;

/// When a discriminator has won: its loss has been below `lowest_loss` for `patience` epochs, so that
/// it tells all pairs apart and the slopes say nothing of the way back.
struct won_discriminator {
    double lowest_loss = 0.02; ///< of the discriminator, not negative; 0 turns the rule off
    int patience = 10;         ///< epochs in a row, at least 1

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (!(lowest_loss >= 0) || patience < 1) {
            return status::error(error_code::invalid_argument, "won_discriminator: lowest loss ",
                                 lowest_loss, " and patience ", patience,
                                 " must be at least 0 and 1");
        }
        return {};
    }
    /// Fails after the last epoch of a history in which the discriminator has won; says how clearly.
    status operator()(std::span<const adversarial_record> history) const noexcept {
        const auto needed = static_cast<std::size_t>(patience);
        if (history.size() < needed ||
            !std::all_of(history.end() - patience, history.end(), [&](const auto& record) {
                return record.discriminator_loss < lowest_loss;
            })) {
            return {};
        }
        const adversarial_record& last = history.back();
        return status::error(
            error_code::invalid_data,
            "fit: training diverged: the discriminator has won, its loss was below ", lowest_loss,
            " for ", patience, " epochs, to epoch ", last.epoch, " (", last.discriminator_loss,
            ", the generator's is ", last.generator_loss, "); lower its learning rate");
    }
};

} // namespace tocsin
