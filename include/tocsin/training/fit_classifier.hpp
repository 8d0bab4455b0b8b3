/// @file fit_classifier.hpp
/// @brief The training loop of classifiers: windows with labels.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/metrics/classification.hpp"
#include "tocsin/models/logits.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/batch_gradient.hpp"
#include "tocsin/training/classification_history.hpp"
#include "tocsin/training/classification_targets.hpp"
#include "tocsin/training/classifier_state.hpp"
#include "tocsin/training/epoch_event.hpp"
#include "tocsin/training/execution.hpp"
#include "tocsin/training/fit_checks.hpp"
#include "tocsin/training/schedules.hpp"
#include "tocsin/training/training_step.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// Hyper-parameters and policies of training a classifier: a network whose output is one step of
/// logits, one logit for two classes (binary cross entropy) or one per class (categorical). What
/// changes during a run is in classifier_state. It takes the policies of `trainer`; a schedule may
/// take the history instead of the epoch (plateau_decay).
///
/// With data_parallel, a batch normalisation sees the moments of its shard. Where one reads a single
/// step of each window, a shard needs at least two windows: smaller batches are refused, and windows
/// that are too few for a last batch of their own join the one before.
template <update_rule Optimiser = adam, classifier_schedule Schedule = constant_rate,
          classifier_stopping_rule Stopping = stop_on_metric,
          execution_policy Execution = serial_execution>
struct classifier_trainer {
    int epochs = 100;       ///< maximum in total, including those of a resumed state; at least 1
    int batch_size = 32;    ///< windows per update, at least 1
    double clip_norm = 0;   ///< largest global norm of the gradient; 0 turns clipping off
    std::uint64_t seed = 0; ///< of a new run: initial weights, order of batches, dropout
    /// Factor on the training loss of each class; empty: all 1.
    std::vector<double> class_weights = {};
    /// Whether classes have the same total weight in the training windows before class_weights; see
    /// balanced_class_weights(). Weights of windows come on top.
    bool balanced = false;
    /// Which epoch's weights are the best.
    classification_metric best_by = classification_metric::validation_loss;
    Optimiser optimiser = {}; ///< how gradients change parameters
    Schedule schedule = {};   ///< how the learning rate changes
    Stopping stopping = {};   ///< when training ends early
    Execution execution = {}; ///< on which threads

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (epochs < 1 || batch_size < 1 || !(clip_norm >= 0)) {
            return status::error(error_code::invalid_argument, "classifier_trainer: epochs ",
                                 epochs, ", batch size ", batch_size, " and clip norm ", clip_norm,
                                 " must be at least 1, 1 and 0");
        }
        for (const double weight : class_weights) {
            if (!(weight >= 0) || !std::isfinite(weight)) {
                return status::error(error_code::invalid_argument,
                                     "classifier_trainer: class weight ", weight,
                                     " must be finite and not negative");
            }
        }
        for (const status& policy : {optimiser.check(), detail::check_policy(schedule),
                                     detail::check_policy(stopping), execution.check()}) {
            if (!policy.ok()) {
                return policy;
            }
        }
        return {};
    }

    /// Trains until the stopping rule or a callback ends it, or all epochs are done. Allocates. The best
    /// weights are `state.best_parameters`. Fails without a change to `state` on bad settings, data or
    /// shards; a loss that is not finite ends it with `invalid_data`, the best weights so far are kept.
    /// @param validation decides by `best_by`; may be empty when that is the training loss, as
    ///                   nothing is then measured but the training loss
    /// @param callbacks  called as `callback(classification_event)` after each epoch; one that
    ///                   returns bool ends training by returning false. One with `after_batch` is
    ///                   told of batches as well, see training_callback
    template <class Network, classifier_callback<typename Network::scalar_type>... Callbacks>
        requires update_rule<Optimiser, typename Network::scalar_type>
    status
    fit(const Network& network, const labelled_windows<typename Network::scalar_type>& training,
        const labelled_windows<typename Network::scalar_type>& validation,
        classifier_state<typename Network::scalar_type>& state, Callbacks&&... callbacks) const {
        using scalar = typename Network::scalar_type;
        if (const status ready = check_run(network, training, validation, state); !ready.ok()) {
            return ready;
        }
        const auto widest = static_cast<int>(std::min<index_t>(batch_size, training.count()));
        const index_t fewest = fewest_windows(network, training.inputs.length());
        const index_t rest = training.count() % widest;
        batch_gradient<Network> gradient(network, execution.shards(),
                                         widest + static_cast<int>(rest < fewest ? rest : 0),
                                         training.inputs.length());
        const detail::class_targets<scalar> wanted(
            network.output_size(), training, weights_of(training.classes, network.output_size()));
        if (wanted.all_without_weight()) {
            return status::error(error_code::invalid_data, "fit: by the class weights, all ",
                                 training.count(), " training windows have the weight 0");
        }
        std::vector<index_t> order(static_cast<std::size_t>(training.count()));
        if (state.best_epoch >= 0 && state.best_epoch < state.finished_epochs()) {
            // The state may have been trained by another metric, which its best epoch may not have.
            const double cost =
                cost_of(state.history[static_cast<std::size_t>(state.best_epoch)], best_by);
            state.best_cost = std::isnan(cost) ? std::numeric_limits<double>::infinity() : cost;
        }
        auto team = execution.start();
        bool going = true;
        while (going && state.finished_epochs() < epochs && !stopping(state.history)) {
            state.shards = execution.shards();
            classification_record record;
            record.epoch = state.finished_epochs();
            const double factor = rate_factor(state.history);
            record.learning_rate = optimiser.learning_rate * factor;
            const auto after_batch = [&]([[maybe_unused]] const batch_event& event) {
                ((going = detail::notify_batch(callbacks, event) && going), ...);
                return going = detail::all_go_on(team, going);
            };
            if (const status trained =
                    train_epoch(network, training, widest, factor, team, gradient, wanted, order,
                                state, record, after_batch);
                !trained.ok()) {
                return trained;
            }
            if (!going && state.best_epoch >= 0) {
                return {}; // an epoch that was broken off does not count
            }
            if (!validation.empty()) {
                judge(network, std::span<const scalar>(state.parameters), validation, widest,
                      record);
            }
            const double cost = cost_of(record, best_by);
            if (cost < state.best_cost) {
                state.best_cost = cost;
                state.best_epoch = record.epoch;
                state.best_parameters = state.parameters;
            }
            state.history.push_back(record);
            [[maybe_unused]] const classification_event<scalar> event{record, state, epochs};
            ((going = detail::notify(callbacks, event) && going), ...);
            going = detail::all_go_on(team, going);
        }
        if (state.best_epoch < 0 && state.finished_epochs() > 0) {
            return status::error(error_code::invalid_data,
                                 "fit: best_by is not defined in any epoch, as an AUC is not "
                                 "without windows of both classes");
        }
        return {};
    }

  private:
    static int class_count(int outputs) noexcept { return std::max(outputs, 2); }

    /// Windows that a batch must have, so that each shard gives a normalisation enough of them. Where
    /// one window is enough, shards may also be empty.
    template <class Network>
    index_t fewest_windows(const Network& network, int length) const noexcept {
        const int in_shard = network.least_batch(length);
        return in_shard > 1 ? index_t{in_shard} * execution.shards() : 1;
    }

    /// The factor on the loss of each class; empty: all 1.
    std::vector<double> weights_of(std::span<const int> classes, int outputs) const {
        if (!balanced) {
            return class_weights;
        }
        std::vector<double> weights = balanced_class_weights(classes, class_count(outputs));
        for (std::size_t k = 0; k < class_weights.size(); ++k) {
            weights[k] *= class_weights[k];
        }
        return weights;
    }

    double rate_factor(std::span<const classification_record> history) const noexcept {
        if constexpr (requires { schedule(history); }) {
            return schedule(history);
        } else {
            return schedule(static_cast<int>(history.size()));
        }
    }

    template <class Network>
    status check_run(const Network& network,
                     const labelled_windows<typename Network::scalar_type>& training,
                     const labelled_windows<typename Network::scalar_type>& validation,
                     const classifier_state<typename Network::scalar_type>& state) const {
        for (const status& part :
             {check(), network.check(), detail::check_shards(state, execution.shards())}) {
            if (!part.ok()) {
                return part;
            }
        }
        if (const status some = detail::check_not_empty(training); !some.ok()) {
            return some;
        }
        const int classes = class_count(network.output_size());
        if (!class_weights.empty() && static_cast<int>(class_weights.size()) != classes) {
            return status::error(error_code::invalid_argument, "fit: ", class_weights.size(),
                                 " class weights for ", classes, " classes");
        }
        if (validation.empty() && best_by != classification_metric::training_loss) {
            return status::error(error_code::invalid_argument,
                                 "fit: without validation windows, only the training loss can say "
                                 "which epoch is the best: best_by = "
                                 "classification_metric::training_loss");
        }
        if (best_by == classification_metric::auc && classes != 2) {
            return status::error(error_code::invalid_argument, "fit: best_by is the AUC, which ",
                                 classes, " classes do not have");
        }
        const index_t count = optimiser.state_size(network.trained_count());
        if (static_cast<index_t>(state.parameters.size()) != network.parameter_count() ||
            static_cast<index_t>(state.rule_state.size()) != count) {
            return status::error(error_code::invalid_argument, "fit: the state has ",
                                 state.parameters.size(), " parameters and ",
                                 state.rule_state.size(),
                                 " values of the optimiser, this network has ",
                                 network.parameter_count(), " and ", count);
        }
        if (const status usable = detail::check_optimiser_state(optimiser, state.rule_state);
            !usable.ok()) {
            return usable;
        }
        for (const auto* part : {&training, &validation}) {
            if (part->empty()) {
                continue;
            }
            if (const int steps = network.output_time(part->inputs.length()); steps != 1) {
                return status::error(error_code::invalid_argument, "fit: for windows of ",
                                     part->inputs.length(), " samples the network has ", steps,
                                     " steps of logits, a classifier has 1");
            }
            if (const status labels = part->check(classes); !labels.ok()) {
                return labels;
            }
            if (const status usable = detail::check_windows(part->inputs, network.features(),
                                                            detail::missing_values::refused);
                !usable.ok()) {
                return usable;
            }
        }
        const index_t widest = std::min<index_t>(batch_size, training.count());
        if (const index_t fewest = fewest_windows(network, training.inputs.length());
            widest < fewest) {
            return status::error(error_code::invalid_argument, "fit: batches of ", widest,
                                 " windows in ", execution.shards(),
                                 " shards (threads): a normalisation that reads a single step of "
                                 "each window needs at least ",
                                 network.least_batch(training.inputs.length()),
                                 " windows in a shard, as one value has no variance");
        }
        return {};
    }

    /// @param after_batch takes a batch_event; false ends the epoch
    template <class Network, class Scalar, class Team, class AfterBatch>
    status train_epoch(const Network& network, const labelled_windows<Scalar>& training, int widest,
                       double factor, Team& team, batch_gradient<Network>& gradient,
                       const detail::class_targets<Scalar>& wanted, std::vector<index_t>& order,
                       classifier_state<Scalar>& state, classification_record& record,
                       AfterBatch&& after_batch) const {
        std::iota(order.begin(), order.end(), index_t{0});
        shuffle(std::span<index_t>(order), state.random);
        const auto trained = static_cast<std::size_t>(network.trained_count());
        const std::span<Scalar> parameters(state.parameters);
        double updates = 0;
        double windows = 0;
        const index_t fewest = fewest_windows(network, training.inputs.length());
        index_t batch = 0;
        for (index_t first = 0; first < training.count(); first += batch) {
            batch = std::min<index_t>(widest, training.count() - first);
            const index_t left = training.count() - first - batch;
            batch += left < fewest ? left : 0; // too few for a batch of their own
            const auto members = slice(std::span<const index_t>(order), first, batch);
            const auto evaluate = [&]() noexcept {
                return gradient.compute_by_members(
                    team, network, std::span<const Scalar>(parameters), training.inputs, members,
                    {0, training.inputs.length()},
                    [&](std::span<const index_t> part, detail::loss_coverage&) noexcept {
                        return detail::loss_of_members<Scalar>{wanted, part};
                    },
                    state.random);
            };
            const step_outcome made = training_step<Scalar>(
                optimiser, evaluate, gradient.gradients().first(trained), clip_norm, factor,
                {parameters.first(trained), state.rule_state, state.step});
            if (!made.ok()) {
                return detail::not_finite(record.epoch, made);
            }
            network.update_statistics(parameters, gradient.gradients());
            record.training_loss += made.loss * static_cast<double>(batch);
            record.gradient_norm += made.gradient_norm;
            updates += 1;
            windows += static_cast<double>(batch);
            if (!after_batch({record.epoch, first + batch, training.count(), epochs,
                              record.training_loss / windows})) {
                break;
            }
        }
        record.training_loss /= windows;
        record.gradient_norm /= updates;
        return {};
    }

    template <class Network, class Scalar>
    void judge(const Network& network, std::span<const Scalar> parameters,
               const labelled_windows<Scalar>& validation, int batch,
               classification_record& record) const {
        const int classes = class_count(network.output_size());
        std::vector<int> decided;
        std::vector<double> score;
        std::vector<double> probabilities(static_cast<std::size_t>(classes));
        double loss = 0;
        // As of training windows, by which the loss is a mean over windows, too.
        const auto weight_of = [&](std::size_t k) {
            return validation.weights.empty() ? 1.0 : validation.weights[k];
        };
        predict_logits(
            network, parameters, validation.inputs, batch,
            [&](index_t k, std::span<const Scalar> logits) {
                class_probabilities(logits, std::span<double>(probabilities));
                const auto at = static_cast<std::size_t>(k);
                const auto of = static_cast<std::size_t>(validation.classes[at]);
                // Not below the smallest double, whose logarithm is finite.
                loss -= weight_of(at) *
                        std::log(std::max(probabilities[of], std::numeric_limits<double>::min()));
                decided.push_back(
                    static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) -
                                     probabilities.begin()));
                score.push_back(probabilities[1]);
            });
        record.validation_loss = loss / static_cast<double>(validation.count());
        record.validation = score_classes(decided, validation.classes, score, classes);
    }
};

} // namespace tocsin
