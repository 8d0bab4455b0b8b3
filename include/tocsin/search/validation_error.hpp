/// @file validation_error.hpp
/// @brief Objective of a search: how well a trained model does on windows that it has not seen.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/running_trial.hpp"
#include "tocsin/training/classifier_state.hpp"
#include "tocsin/training/epoch_event.hpp"
#include "tocsin/training/training_state.hpp"

#include <utility>

namespace tocsin {

/// What a trial trains, made of its values.
template <class Model, class Trainer>
struct trial_model {
    Model model;     ///< a sequence_model, or a network for a classifier_trainer
    Trainer trainer; ///< trainer or classifier_trainer
};

/// The lowest validation error of a run so far: the RMSE in scaled units, or what a classifier_trainer
/// chooses the best epoch by, where higher is better negated.
template <class Scalar>
double best_error(const training_state<Scalar>& state) noexcept {
    return state.best_rmse;
}
/// The same of a classifier.
template <class Scalar>
double best_error(const classifier_state<Scalar>& state) noexcept {
    return state.best_cost;
}

/// Callback of a trainer that reports the best error so far after each epoch, and ends the training
/// where the trial is hopeless.
class report_epochs {
  public:
    /// @param trial must outlive the callback
    explicit report_epochs(running_trial& trial) noexcept : trial_{&trial} {}

    /// Reports an epoch; false ends the training. Allocates.
    template <class Event>
    bool operator()(const Event& event) const {
        return trial_->report(event.state.finished_epochs(), best_error(event.state));
    }

  private:
    running_trial* trial_;
};

/// A search_objective: trains a model from its seed, and returns the lowest validation error of any
/// epoch. It reports each epoch, so that successive_halving can count in epochs. A failure of the
/// training, such as a divergence, is one of the trial.
/// @tparam Windows windows, in scaled units, or labelled_windows
/// @tparam Make    `make(const running_trial&)` gives a trial_model; called from several threads
template <class Windows, class Make>
struct validation_error {
    Windows training;   ///< to learn from; what they view must outlive the objective
    Windows validation; ///< to judge by
    Make make;          ///< what a trial trains

    /// Trains and judges. Allocates.
    result<double> operator()(running_trial& trial) const {
        if (validation.empty()) {
            return status::error(error_code::invalid_data,
                                 "validation_error: there are no validation windows");
        }
        auto made = make(std::as_const(trial));
        if (const status usable = made.model.check(); !usable.ok()) {
            return usable;
        }
        if (const status usable = made.trainer.check(); !usable.ok()) {
            return usable;
        }
        auto state = fresh_state(made.model, made.trainer);
        const status trained =
            made.trainer.fit(made.model, training, validation, state, report_epochs(trial));
        return trained.ok() ? result<double>(best_error(state)) : trained;
    }

  private:
    template <class Model, class Trainer>
    static auto fresh_state(const Model& model, const Trainer& trainer) {
        using scalar = typename Model::scalar_type;
        if constexpr (requires { trainer.best_by; }) {
            return classifier_state<scalar>::fresh(model, trainer.optimiser, trainer.seed);
        } else {
            return training_state<scalar>::fresh(model, trainer.optimiser, trainer.seed);
        }
    }
};

/// Deduces the types from what is given.
template <class Windows, class Make>
validation_error(Windows, Windows, Make) -> validation_error<Windows, Make>;
/// Deduces the types from what is given.
template <class Model, class Trainer>
trial_model(Model, Trainer) -> trial_model<Model, Trainer>;

} // namespace tocsin
