/// @file held_out_fit.hpp
/// @brief Trains a detector, and fits statistics and thresholds to data that the model does not know.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector_archive.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/detect/fold_scores.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/held_out_models.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tocsin::detail {

/// Fits warm-up, statistics and thresholds to what models have not learned from.
/// @param fitted with the units in which the errors of `parts` are measured
template <class Learned>
status fit_to_held_out(Learned& fitted, const held_out_models<Learned>& parts,
                       std::span<const std::uint8_t> labels) {
    fitted.warm_up = fitted.source.shortest_warm_up();
    if constexpr (Learned::views == 1) {
        fitted.warm_up = std::max(fitted.warm_up, fitted.settings.warm_up);
        if (fitted.settings.warm_up == detector_settings::automatic) {
            fitted.warm_up = fitted.source.complete_after();
            // How long a cold start shows is a matter of the model, not of what it has learned from.
            Learned first = parts.models.front();
            if (fit_error_views(first, normal_windows(parts.judged.front(), labels)).ok()) {
                fitted.warm_up = first.warm_up;
            }
        }
    }
    fold_statistics<Learned> folds = parts.folds();
    parts.add_errors(folds, fitted.warm_up, labels);
    auto errors = folds.merged();
    if (const status done = errors ? fit_views<Learned>(*errors) : errors.error(); !done.ok()) {
        return done;
    }
    fitted.errors = *std::move(errors);
    fitted.phase = detector_phase::errors_fitted;
    fitted.thresholds.forget_tuned();
    const bool by_folds = folds.folds() > 1 && folds.fit(fitted.errors).ok();
    const labelled_scores found = parts.scores(fitted, by_folds ? &folds : nullptr, labels);
    return fit_thresholds(fitted, found.scores, found.labels);
}

/// The final model is one more, of all data. It comes first: it brings the units in which all errors
/// are measured. A process that does not train it only fits the scaler.
template <class Learned, class Trainer, class Plan>
status fit_one_more(Learned& fitted, const windows<typename Learned::scalar_type>& training,
                    const windows<typename Learned::scalar_type>& judged,
                    std::span<const std::uint8_t> labels, const Trainer& trainer, const Plan& plan,
                    int steps, const training_observer<typename Learned::scalar_type>& observer) {
    using scalar = typename Learned::scalar_type;
    const auto team = team_of(plan);
    constexpr std::size_t final_job = 0;
    constexpr std::size_t first_block = 1;
    training_state<scalar> state;
    status done;
    held_out_models<Learned> parts;
    const status ended = team.run([&] {
        state = training_state<scalar>::fresh(fitted.model, trainer.optimiser, trainer.seed);
        if (team.trains(final_job)) {
            done = train_parts(fitted, state, training, {}, trainer, steps, observer);
        } else if (done = fitted.scaler.fit(training); done.ok()) {
            fitted.mean = mean_of(fitted.scaler, training);
        }
        if (done.ok()) {
            parts.train(fitted, training, judged, trainer, plan, 0, observer, team, first_block);
        }
    });
    if (!ended.ok()) {
        return ended;
    }
    done = team.share(final_job, done);
    if (!done.ok()) {
        return done;
    }
    team.share(final_job, std::span<scalar>(state.best_parameters));
    fitted.weights.own(fitted.model, state.best_parameters);
    done = parts.share(fitted, team, first_block);
    return done.ok() ? fit_to_held_out(fitted, parts, labels) : done;
}

/// The final model is the mean of those of the blocks. A row is judged by the one of them that has
/// not learned from it, whose errors are at least as large on average as those of the mean.
template <class Learned, class Trainer, class Plan>
status fit_mean(Learned& fitted, const windows<typename Learned::scalar_type>& training,
                const windows<typename Learned::scalar_type>& judged,
                std::span<const std::uint8_t> labels, const Trainer& trainer, const Plan& plan,
                const training_observer<typename Learned::scalar_type>& observer) {
    using scalar = typename Learned::scalar_type;
    using member_type =
        typename Learned::template with_model<typename Learned::model_type::member_type>;
    const auto blocks = plan.blocks(judged.count()).size();
    if (blocks != static_cast<std::size_t>(fitted.model.members())) {
        return status::error(error_code::invalid_argument, "fit: a mean of ",
                             fitted.model.members(), " models needs as many blocks, the plan has ",
                             blocks, " for ", judged.count(), " windows");
    }
    member_type member{.model = fitted.model.member(),
                       .settings = fitted.settings,
                       .scaler = fitted.scaler,
                       .thresholds = fitted.thresholds,
                       .alarm = fitted.alarm};
    member.prepare();
    if (const status scaled = member.scaler.fit(training); !scaled.ok()) {
        return scaled;
    }
    member.mean = mean_of(member.scaler, training);
    const auto team = team_of(plan);
    held_out_models<member_type> parts;
    status done = team.run(
        [&] { parts.train(member, training, judged, trainer, plan, 1, observer, team, 0); });
    done = done.ok() ? parts.share(member, team, 0) : done;
    done = done.ok() ? fit_to_held_out(member, parts, labels) : done;
    if (!done.ok()) {
        return done;
    }
    aligned_vector<scalar> parameters(static_cast<std::size_t>(fitted.model.parameter_count()));
    for (std::size_t k = 0; k < blocks; ++k) {
        const auto trained = parts.models[k].weights.parameters();
        std::copy(trained.begin(), trained.end(),
                  fitted.model.parameters_of(std::span(parameters), static_cast<int>(k)).begin());
    }
    fitted.weights.own(fitted.model, parameters);
    fitted.scaler = std::move(member.scaler);
    fitted.mean = std::move(member.mean);
    fitted.errors = std::move(member.errors);
    fitted.thresholds = std::move(member.thresholds);
    fitted.warm_up = member.warm_up;
    fitted.phase = member.phase;
    return {};
}

/// See detector::fit(). A failure leaves the parts as they were.
template <class Learned, class Trainer, class Plan>
status fit_held_out(Learned& learned, const held_out_data<typename Learned::scalar_type>& data,
                    const Trainer& trainer, const Plan& plan, int steps,
                    const training_observer<typename Learned::scalar_type>& observer) {
    using scalar = typename Learned::scalar_type;
    status usable = check_plan(plan, trainer);
    usable = usable.ok() ? check_windows("fit", data.training, learned.features(), steps) : usable;
    usable = usable.ok() ? check_windows("fit", data.judged, learned.features(), steps) : usable;
    usable = usable.ok() ? data.check() : usable;
    if (!usable.ok()) {
        return usable;
    }
    const windows<scalar> training = sorted_by_time(normal_windows(data.training, data.labels));
    if (training.empty()) {
        return status::error(error_code::invalid_data, "fit: all ", data.training.count(),
                             " windows to learn from are labelled anomalous");
    }
    const windows<scalar> judged = sorted_by_time(data.judged);
    Learned fitted = learned;
    status done;
    if constexpr (is_mean_of_models<typename Learned::model_type>) {
        done = fit_mean(fitted, training, judged, data.labels, trainer, plan, observer);
    } else {
        done = fit_one_more(fitted, training, judged, data.labels, trainer, plan, steps, observer);
    }
    if (!done.ok()) {
        return done;
    }
    learned = std::move(fitted);
    settle(learned);
    return {};
}

/// The same with any callbacks.
template <class Learned, class Trainer, class Plan, class... Callbacks>
status fit_observed(Learned& learned, const held_out_data<typename Learned::scalar_type>& data,
                    const Trainer& trainer, const Plan& plan, int steps, Callbacks&... callbacks) {
    return observed_by<typename Learned::scalar_type>(
        [&](const auto& observer) {
            return fit_held_out(learned, data, trainer, plan, steps, observer);
        },
        callbacks...);
}

} // namespace tocsin::detail
