/// @file fit.hpp
/// @brief The training loop.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/filling.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/batch_gradient.hpp"
#include "tocsin/training/epoch_event.hpp"
#include "tocsin/training/execution.hpp"
#include "tocsin/training/fit_checks.hpp"
#include "tocsin/training/losses.hpp"
#include "tocsin/training/observed_loss.hpp"
#include "tocsin/training/schedules.hpp"
#include "tocsin/training/stopping.hpp"
#include "tocsin/training/training_state.hpp"
#include "tocsin/training/training_step.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace tocsin {

/// Hyper-parameters and policies of training; what changes during a run is in training_state.
template <loss_function Loss = mean_squared_error, update_rule Optimiser = adam,
          learning_rate_schedule Schedule = constant_rate, stopping_rule Stopping = early_stopping,
          execution_policy Execution = serial_execution>
struct trainer {
    int epochs = 100;    ///< maximum in total, including those of a resumed state; at least 1
    int batch_size = 32; ///< windows per update, at least 1
    /// Steps of truncated backpropagation through time. Windows, which may be whole recordings, are
    /// read in pieces of this length, with one update per piece; the state carries over (stateful
    /// training). 0: whole windows. For models that keep a state (forecaster); it must be more than
    /// the model's warm-up, which is left out of the loss.
    int truncation = 0;
    double clip_norm = 1;     ///< largest global norm of the gradient; 0 turns clipping off
    std::uint64_t seed = 0;   ///< of a new run: initial weights, order of batches, dropout
    Loss loss = {};           ///< what training makes small
    Optimiser optimiser = {}; ///< how gradients change parameters
    Schedule schedule = {};   ///< how the learning rate changes
    Stopping stopping = {};   ///< when training ends early
    Execution execution = {}; ///< data_parallel: see training/data_parallel.hpp
    hole_filling filling = hole_filling::linear; ///< what the model reads where values are missing

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (epochs < 1 || batch_size < 1 || truncation < 0 || !(clip_norm >= 0)) {
            return status::error(error_code::invalid_argument, "trainer: epochs ", epochs,
                                 ", batch size ", batch_size, ", truncation ", truncation,
                                 " and clip norm ", clip_norm, " must be at least 1, 1, 0 and 0");
        }
        for (const status& policy : {optimiser.check(), detail::check_policy(schedule),
                                     detail::check_policy(stopping), execution.check()}) {
            if (!policy.ok()) {
                return policy;
            }
        }
        return {};
    }

    /// Trains until the stopping rule or a callback ends it, or all epochs are done. The best
    /// weights are `state.best_parameters`; `state` itself can be saved and trained further. Fails
    /// without a change to `state` on bad settings or data; a loss that is not finite ends training
    /// with `invalid_data`, the best weights so far are kept. So does an epoch in which nothing that
    /// is predicted was observed. Allocates.
    /// @param training   windows of normal data; where a value is missing (NaN) the model reads what
    ///                   `filling` says, and the loss, a mean over values, leaves it out
    /// @param validation windows that decide which epoch is best; empty: the training windows do
    /// @param state      made by training_state::fresh for this model and optimiser, or loaded; one
    ///                   trained in another number of shards is refused
    /// @param callbacks  called as `callback(epoch_event)` after each epoch; one that returns bool
    ///                   ends training by returning false
    template <sequence_model Model, training_callback<typename Model::scalar_type>... Callbacks>
        requires loss_function<Loss, typename Model::scalar_type> &&
                 update_rule<Optimiser, typename Model::scalar_type>
    status fit(const Model& model, const windows<typename Model::scalar_type>& training,
               const windows<typename Model::scalar_type>& validation,
               training_state<typename Model::scalar_type>& state, Callbacks&&... callbacks) const {
        using values = matrix<typename Model::scalar_type>;
        using judge = detail::loss_ref<typename Model::scalar_type>;
        if (const status ready = check_run(model, training, validation, state); !ready.ok()) {
            return ready;
        }
        if (!has_missing(training) && !has_missing(validation)) {
            return run(model, training, validation, judge(loss), false, state, callbacks...);
        }
        for (const auto* part : {&training, &validation}) {
            if (!part->empty() && !has_observed(*part)) {
                return status::error(error_code::invalid_data, "fit: all values of the ",
                                     part->count(), part == &training ? " training" : " validation",
                                     " windows are missing");
            }
        }
        const observed_loss<Loss> observed{loss};
        const values training_values = filled_samples(training, filling);
        const values validation_values = filled_samples(validation, filling);
        const auto view = [](const values& owned) {
            return Eigen::Map<const values>(owned.data(), owned.rows(), owned.cols());
        };
        return run(model, training.over(view(training_values)),
                   validation.over(view(validation_values)), judge(observed), true, state,
                   callbacks...);
    }

  private:
    /// fit() on windows in which nothing is missing, or filled in and marked, as the loss knows.
    template <class Model, class... Callbacks>
    status run(const Model& model, const windows<typename Model::scalar_type>& training,
               const windows<typename Model::scalar_type>& validation,
               const detail::loss_ref<typename Model::scalar_type>& judge, bool filled,
               training_state<typename Model::scalar_type>& state, Callbacks&&... callbacks) const {
        using scalar = typename Model::scalar_type;
        const auto& judged = validation.empty() ? training : validation;
        const auto widest = static_cast<int>(std::min<index_t>(batch_size, training.count()));
        const int length = training.length();
        batch_gradient<Model> gradient(model, execution.shards(), widest,
                                       std::min(advance_in(length) + reach_of(model), length),
                                       truncation > 0);
        std::vector<index_t> order(static_cast<std::size_t>(training.count()));
        auto team = execution.start();
        bool going = true;
        while (going && state.finished_epochs() < epochs && !stopping(state.history)) {
            state.shards = execution.shards();
            epoch_record record;
            record.epoch = state.finished_epochs();
            const double factor = schedule(record.epoch);
            record.learning_rate = optimiser.learning_rate * factor;
            const auto after_batch = [&](const batch_event& event) {
                ((going = detail::notify_batch(callbacks, event) && going), ...);
                return going = detail::all_go_on(team, going);
            };
            if (const status trained = train_epoch(model, training, widest, factor, team, gradient,
                                                   judge, order, state, record, after_batch);
                !trained.ok()) {
                return trained;
            }
            // An epoch that was broken off does not count, unless it is the first: what it has learned
            // is better than nothing.
            if (!going && state.best_epoch >= 0) {
                return {};
            }
            regression_errors errors;
            predict_windows(model, std::span<const scalar>(state.parameters), judged, widest,
                            [&](index_t, const auto& window, const auto& prediction) {
                                add_errors(window, prediction, filled, errors);
                            });
            if (errors.count() == 0 && errors.rejected() == 0) {
                return status::error(error_code::invalid_data,
                                     "fit: no value that is predicted is present in the ",
                                     judged.count(), " windows that judge an epoch");
            }
            record.validation_rmse =
                errors.rejected() > 0 ? std::numeric_limits<double>::quiet_NaN() : errors.rmse();
            record.validation_mae = errors.mae();
            if (!std::isfinite(record.validation_rmse)) {
                return detail::diverged(record.epoch, "validation error", record.validation_rmse);
            }
            if (record.validation_rmse < state.best_rmse) {
                state.best_rmse = record.validation_rmse;
                state.best_epoch = record.epoch;
                state.best_parameters = state.parameters;
            }
            state.history.push_back(record);
            [[maybe_unused]] const epoch_event<scalar> event{record, state, epochs};
            ((going = detail::notify(callbacks, event) && going), ...);
            going = detail::all_go_on(team, going);
        }
        return {};
    }
    /// Errors of what was observed.
    template <class Window, class Prediction>
    static void add_errors(const Window& window, const Prediction& prediction, bool filled,
                           regression_errors& errors) noexcept {
        if (!filled) {
            errors.add(window, prediction);
        } else {
            for (index_t t = 0; t < window.cols(); ++t) {
                for (index_t f = 0; f < window.rows(); ++f) {
                    if (!detail::is_filled(window(f, t))) {
                        errors.add(static_cast<double>(window(f, t)),
                                   static_cast<double>(prediction(f, t)));
                    }
                }
            }
        }
    }

    /// Samples after a piece that its forecasts need; the next piece begins with them.
    template <class Model>
    int reach_of(const Model& model) const noexcept {
        if constexpr (stateful_model<Model>) {
            return truncation > 0 ? model.look_ahead() : 0;
        } else {
            return 0;
        }
    }
    /// Steps of a piece that do not count, as the state has not settled.
    template <class Model>
    int warm_up_of(const Model& model, int begin) const noexcept {
        if constexpr (stateful_model<Model> && requires { model.warm_up(); }) {
            return truncation > 0 ? std::max(0, model.warm_up() - begin) : 0;
        } else {
            return 0;
        }
    }
    /// Samples from the start of one update to the next.
    int advance_in(int length) const noexcept {
        return truncation > 0 ? std::min(truncation, length) : length;
    }

    template <class Model>
    status check_run(const Model& model, const windows<typename Model::scalar_type>& training,
                     const windows<typename Model::scalar_type>& validation,
                     const training_state<typename Model::scalar_type>& state) const {
        if (status settings = check(); !settings.ok()) {
            return settings;
        }
        if (status shape = model.check(); !shape.ok()) {
            return shape;
        }
        if (const status some = detail::check_not_empty(training); !some.ok()) {
            return some;
        }
        if (truncation > 0 && !stateful_model<Model>) {
            return status::error(error_code::invalid_argument, "fit: truncation ", truncation,
                                 " needs a model that keeps its state from window to window");
        }
        if constexpr (requires { model.warm_up(); }) {
            if (truncation > 0 && truncation <= model.warm_up()) {
                return status::error(error_code::invalid_argument, "fit: truncation ", truncation,
                                     " must be more than the ", model.warm_up(),
                                     " steps of warm-up, which do not count");
            }
        }
        if constexpr (requires { model.shortest_window(); }) {
            for (const auto* part : {&training, &validation}) {
                if (!part->empty() && part->length() < model.shortest_window()) {
                    return status::error(error_code::invalid_data, "fit: windows of ",
                                         part->length(), " samples are shorter than the ",
                                         model.shortest_window(), " that the model needs");
                }
            }
        }
        const index_t count = model.parameter_count();
        if (static_cast<index_t>(state.parameters.size()) != count ||
            static_cast<index_t>(state.rule_state.size()) != optimiser.state_size(count)) {
            return status::error(error_code::invalid_argument, "fit: the training state has ",
                                 state.parameters.size(), " parameters and ",
                                 state.rule_state.size(),
                                 " values of the optimiser, this model has ", count, " and ",
                                 optimiser.state_size(count));
        }
        for (const status& usable : {detail::check_optimiser_state(optimiser, state.rule_state),
                                     detail::check_shards(state, execution.shards())}) {
            if (!usable.ok()) {
                return usable;
            }
        }
        for (const auto* part : {&training, &validation}) {
            if (const status usable =
                    detail::check_windows(*part, model.features(), detail::missing_values::allowed);
                !usable.ok()) {
                return usable;
            }
        }
        return {};
    }

    /// @param after_batch takes a batch_event; false ends the epoch
    template <class Model, class Scalar, class Team, class AfterBatch>
    status train_epoch(const Model& model, const windows<Scalar>& training, int widest,
                       double rate_factor, Team& team, batch_gradient<Model>& gradient,
                       const detail::loss_ref<Scalar>& judge, std::vector<index_t>& order,
                       training_state<Scalar>& state, epoch_record& record,
                       AfterBatch&& after_batch) const {
        std::iota(order.begin(), order.end(), index_t{0});
        shuffle(std::span<index_t>(order), state.random);
        const int length = training.length();
        const int reach = reach_of(model);
        const int advance = advance_in(length);
        double updates = 0;
        double weights = 0;
        for (index_t first = 0; first < training.count(); first += widest) {
            const index_t batch = std::min<index_t>(widest, training.count() - first);
            const auto members = slice(std::span<const index_t>(order), first, batch);
            gradient.restart();
            for (int begin = 0; begin + reach < length; begin += advance) {
                const int count = std::min(advance + reach, length - begin);
                const auto evaluate = [&]() noexcept {
                    return gradient.compute(team, model, std::span<const Scalar>(state.parameters),
                                            training, members, {begin, count}, judge, state.random);
                };
                const step_outcome made = training_step<Scalar>(
                    optimiser, evaluate, gradient.gradients(), clip_norm, rate_factor,
                    {state.parameters, state.rule_state, state.step});
                if (!made.ok()) {
                    return detail::not_finite(record.epoch, made);
                }
                const double weight =
                    gradient.observed_windows() * (count - reach - warm_up_of(model, begin));
                record.training_loss += made.loss * weight;
                weights += weight;
                record.gradient_norm += made.gradient_norm;
                updates += 1;
            }
            if (!after_batch({record.epoch, first + batch, training.count(), epochs,
                              weights > 0 ? record.training_loss / weights : 0.0})) {
                break;
            }
        }
        if (!(weights > 0)) {
            return status::error(error_code::invalid_data,
                                 "fit: no value that is predicted is present in the ",
                                 training.count(), " training windows");
        }
        record.training_loss /= weights;
        record.gradient_norm /= updates;
        return {};
    }
};

} // namespace tocsin
