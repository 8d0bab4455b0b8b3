/// @file classifier_state.hpp
/// @brief Everything that changes while a classifier is trained, and what callbacks see of it.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/training/classification_history.hpp"
#include "tocsin/training/update_rule.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace tocsin {

/// Everything that changes while a classifier is trained.
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

    /// Epochs so far.
    int finished_epochs() const noexcept { return static_cast<int>(history.size()); }

    /// A fresh start: draws the network's parameters from the seed.
    template <class Network, update_rule<Scalar> Optimiser>
    static classifier_state fresh(const Network& network, const Optimiser& optimiser,
                                  std::uint64_t seed) {
        classifier_state state;
        state.random = random_generator{seed};
        state.parameters.resize(static_cast<std::size_t>(network.parameter_count()));
        network.initialise(state.parameters, state.random);
        state.best_parameters = state.parameters;
        state.rule_state.assign(
            static_cast<std::size_t>(optimiser.state_size(network.trained_count())), Scalar(0));
        return state;
    }
};

/// What a callback receives after each epoch of a classifier.
template <class Scalar>
struct classification_event {
    const classification_record& record;   ///< the epoch that has just ended
    const classifier_state<Scalar>& state; ///< weights and history after it
    int planned_epochs = 0;                ///< epochs at most
};

} // namespace tocsin
