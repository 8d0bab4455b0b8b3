/// @file training_state.hpp
/// @brief Everything that changes during a training run: the content of a checkpoint.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/training/history.hpp"
#include "tocsin/training/state_archive.hpp"
#include "tocsin/training/update_rule.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace tocsin {

template <class Scalar>
struct training_state;

namespace detail {
template <class Scalar, class Model, class Optimiser>
training_state<Scalar> fresh_state(const Model& model, const Optimiser& optimiser,
                                   std::uint64_t seed);
} // namespace detail

/// State of a run at the end of an epoch. Training that resumes from a saved and loaded state gives
/// the same bits as uninterrupted training; another number of shards would give other ones, and is
/// refused. Where a callback's `after_batch` broke an epoch off, its updates are in the parameters, but
/// the epoch is not in the history, unless it is the first.
template <class Scalar>
struct training_state {
    aligned_vector<Scalar> parameters;      ///< after the last epoch
    aligned_vector<Scalar> best_parameters; ///< of the epoch with the lowest validation RMSE
    aligned_vector<Scalar> rule_state;      ///< of the optimiser
    std::int64_t step = 0;                  ///< updates so far
    random_generator random{};              ///< order of batches, dropout
    double best_rmse = std::numeric_limits<double>::infinity(); ///< of the best epoch so far
    int best_epoch = -1;               ///< counted from 0; -1 before the first
    std::vector<epoch_record> history; ///< one per finished epoch
    /// Of the execution that has trained it, from 1; 0: not trained yet, or any number may go on.
    int shards = 0;

    /// Epochs so far.
    int finished_epochs() const noexcept { return static_cast<int>(history.size()); }

    /// A fresh start: draws the model's parameters from the seed, zeroes the optimiser's state.
    template <class Model, update_rule<Scalar> Optimiser>
    static training_state fresh(const Model& model, const Optimiser& optimiser,
                                std::uint64_t seed) {
        return detail::fresh_state<Scalar>(model, optimiser, seed);
    }

    static constexpr const char* content = "checkpoint"; ///< of its file
    static constexpr int version = 2;
    /// Describes the state to an archive. Loading needs a state made by fresh() for the same model
    /// and optimiser: sizes that differ are refused.
    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_buffer(archive, "parameters", parameters);
        detail::exchange_buffer(archive, "best_parameters", best_parameters);
        detail::exchange_buffer(archive, "rule_state", rule_state);
        archive.integer("step", step, std::int64_t{0}, largest_count);
        archive.integer("best_epoch", best_epoch, -1);
        if (archive.version() >= 2) {
            archive.integer("shards", shards, 0);
        }
        detail::exchange_random(archive, random);
        detail::exchange_history(
            archive, history, best_epoch,
            [](const epoch_record& record) {
                return std::array{record.training_loss, record.validation_rmse,
                                  record.validation_mae, record.learning_rate,
                                  record.gradient_norm};
            },
            [](int epoch, const std::array<double, 5>& row) {
                return epoch_record{epoch, row[0], row[1], row[2], row[3], row[4]};
            });
        if constexpr (Archive::loading) {
            best_rmse = std::numeric_limits<double>::infinity();
            for (const epoch_record& record : history) {
                best_rmse = std::min(best_rmse, record.validation_rmse);
            }
        }
    }
};

namespace detail {

// Not in the class, so that compiled.hpp can name it.
template <class Scalar, class Model, class Optimiser>
training_state<Scalar> fresh_state(const Model& model, const Optimiser& optimiser,
                                   std::uint64_t seed) {
    auto state = begun_state<training_state<Scalar>>(model, seed);
    state.rule_state.assign(static_cast<std::size_t>(optimiser.state_size(model.parameter_count())),
                            Scalar(0));
    return state;
}

} // namespace detail
} // namespace tocsin
