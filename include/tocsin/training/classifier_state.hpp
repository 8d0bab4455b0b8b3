/// @file classifier_state.hpp
/// @brief Everything that changes while a classifier is trained, and what callbacks see of it.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/metrics/classification.hpp"
#include "tocsin/training/classification_history.hpp"
#include "tocsin/training/epoch_callback.hpp"
#include "tocsin/training/state_archive.hpp"
#include "tocsin/training/update_rule.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace tocsin {

namespace detail {

/// The numbers of a record in a checkpoint, which holds finite ones: -1 where one was not measured,
/// as none of them is negative.
inline std::array<double, 9> numbers_of(const classification_record& record) noexcept {
    const classification_scores& judged = record.validation;
    std::array numbers{record.training_loss, record.validation_loss, judged.accuracy,
                       judged.precision,     judged.recall,          judged.f1,
                       judged.auc,           record.learning_rate,   record.gradient_norm};
    for (double& number : numbers) {
        number = std::isnan(number) ? -1 : number;
    }
    return numbers;
}
inline classification_record record_of(int epoch, std::array<double, 9> numbers) noexcept {
    for (double& number : numbers) {
        number = number < 0 ? std::numeric_limits<double>::quiet_NaN() : number;
    }
    const auto [training, validation, accuracy, precision, recall, f1, auc, rate, norm] = numbers;
    return {epoch, training, validation, {accuracy, precision, recall, f1, auc}, rate, norm};
}

} // namespace detail

/// State of a run at the end of an epoch, see training_state. Training that resumes from a saved and
/// loaded state (io/checkpoint.hpp) gives the same bits as uninterrupted training; another number of
/// shards is refused.
template <class Scalar>
struct classifier_state {
    aligned_vector<Scalar> parameters;      ///< after the last epoch, with the kept statistics
    aligned_vector<Scalar> best_parameters; ///< of the best epoch
    aligned_vector<Scalar> rule_state;      ///< of the optimiser
    std::int64_t step = 0;                  ///< updates so far
    random_generator random{};              ///< order of batches, dropout
    int best_epoch = -1;                    ///< counted from 0; -1 before the first
    double best_cost = std::numeric_limits<double>::infinity(); ///< cost_of() the best epoch
    std::vector<classification_record> history;                 ///< one per finished epoch
    int shards = 0; ///< of the execution that has trained it, see training_state

    /// Epochs so far.
    int finished_epochs() const noexcept { return static_cast<int>(history.size()); }

    /// A fresh start: draws the network's parameters from the seed.
    template <class Network, update_rule<Scalar> Optimiser>
    static classifier_state fresh(const Network& network, const Optimiser& optimiser,
                                  std::uint64_t seed) {
        auto state = detail::begun_state<classifier_state>(network, seed);
        state.rule_state.assign(
            static_cast<std::size_t>(optimiser.state_size(network.trained_count())), Scalar(0));
        return state;
    }

    static constexpr const char* content = "classifier checkpoint"; ///< of its file
    static constexpr int version = 2;
    /// Describes the state to an archive. Loading needs a state made by fresh() for the same network
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
        double cost = std::isfinite(best_cost) ? best_cost : 0; // a file holds finite numbers
        archive.number("best_cost", cost);
        best_cost = best_epoch >= 0 ? cost : std::numeric_limits<double>::infinity();
        detail::exchange_random(archive, random);
        detail::exchange_history(archive, history, best_epoch, detail::numbers_of,
                                 detail::record_of);
    }
};

/// What a callback receives after each epoch of a classifier.
template <class Scalar>
struct classification_event {
    const classification_record& record;   ///< the epoch that has just ended
    const classifier_state<Scalar>& state; ///< weights and history after it
    int planned_epochs = 0;                ///< epochs at most
};

/// A callback of classifier_trainer; see epoch_callback. An epoch that its `after_batch` breaks off
/// does not count, once there are best weights.
template <class Callback, class Scalar = float>
concept classifier_callback = epoch_callback<Callback, classification_event<Scalar>>;

} // namespace tocsin
