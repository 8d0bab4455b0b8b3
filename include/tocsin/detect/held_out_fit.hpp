/// @file held_out_fit.hpp
/// @brief Trains a detector, and fits statistics and thresholds to data that the model does not know.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_archive.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/detect/tuning_scores.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// A scaler that has been fitted: fit() keeps it. Errors of several models are comparable only in
/// the same units.
template <class Scaler>
struct kept_scaler {
    Scaler* scaler;

    template <class Scalar>
    status fit(const windows<Scalar>& /*training*/) const noexcept {
        return {};
    }
    template <class Values>
    void transform(Values&& values) const noexcept {
        scaler->transform(std::forward<Values>(values));
    }
};

/// The windows in order of time, split for one block.
template <class Scalar>
struct split_windows {
    windows<Scalar> learned;
    windows<Scalar> judged;

    /// @param all   sorted by time
    /// @param guard rows between the two
    split_windows(const windows<Scalar>& all, const held_out_block& block, index_t guard)
        : learned{all.slice(0, 0)}, judged{all.slice(block.begin, block.end - block.begin)} {
        const index_t first = all.first_column(block.begin) - guard;
        const index_t last = all.first_column(block.end - 1) + all.length() + guard;
        std::vector<index_t> kept;
        for (const index_t begin : all.first_columns()) {
            if (begin + all.length() <= first || (!block.only_before && begin >= last)) {
                kept.push_back(begin);
            }
        }
        learned = {all.values(), std::move(kept), all.length()};
    }
};

template <class Scalar>
windows<Scalar> sorted_by_time(const windows<Scalar>& given) {
    std::vector<index_t> first(given.first_columns().begin(), given.first_columns().end());
    std::sort(first.begin(), first.end());
    return {given.values(), std::move(first), given.length()};
}

/// Calls `visit(run)` with what a model is judged on: the windows themselves, or, for a forecaster,
/// each run of rows that they cover as one long window, so that it warms up once.
template <class Learned, class Visit>
void for_each_judged(const windows<typename Learned::scalar_type>& judged, Visit&& visit) {
    if constexpr (Learned::views == 2) {
        visit(judged);
    } else {
        judged.for_each_covered_run([&](index_t first, index_t columns) {
            visit(windows<typename Learned::scalar_type>(judged.values(), {first},
                                                         static_cast<int>(columns)));
        });
    }
}

/// The models of all blocks, each with the windows that judge it. Allocates.
template <class Learned>
struct held_out_models {
    std::vector<Learned> models;
    std::vector<windows<typename Learned::scalar_type>> judged;

    template <class Trainer, class Plan>
    status train(const Learned& untrained, const windows<typename Learned::scalar_type>& normal,
                 const Trainer& trainer, const Plan& plan) {
        using scalar = typename Learned::scalar_type;
        const index_t guard = plan.guard < 0 ? index_t{normal.length()} : index_t{plan.guard};
        for (const held_out_block& block : plan.blocks(normal.count())) {
            const split_windows<scalar> split(normal, block, guard);
            if (split.learned.empty()) {
                return status::error(error_code::invalid_data,
                                     "fit: nothing is left to learn from "
                                     "for the windows ",
                                     block.begin, " to ", block.end, " of ", normal.count(),
                                     ", with a guard of ", guard, " rows");
            }
            Learned model = untrained;
            kept_scaler<std::remove_cvref_t<decltype(model.scaler)>> units{&model.scaler};
            auto state =
                training_state<scalar>::fresh(model.model, trainer.optimiser, trainer.seed);
            const status done = observed_by<scalar>([&](const auto& nobody) {
                return fit_scaled(model.model, units, split.learned, {}, trainer, state, nobody);
            });
            if (!done.ok()) {
                return done;
            }
            model.weights.own(model.model, state.best_parameters);
            model.phase = detector_phase::trained;
            models.push_back(std::move(model));
            judged.push_back(split.judged);
        }
        return models.empty() ? status::error(error_code::invalid_data, "fit: ", normal.count(),
                                              " windows are too few to hold any out")
                              : status{};
    }

    /// Fits the statistics to the errors of all blocks. Allocates.
    status fit_errors(typename Learned::views_type& fitted, int warm_up) const {
        using views_type = typename Learned::views_type;
        error_collector<typename views_type::step_statistic> steps(fitted.per_step(),
                                                                   fitted.per_step().dimension());
        for (std::size_t k = 0; k < models.size(); ++k) {
            for_each_judged<Learned>(judged[k], [&](const auto& run) {
                if constexpr (Learned::views == 2) {
                    error_collector<typename views_type::feature_statistic> features(
                        fitted.per_feature(), fitted.per_feature().dimension());
                    for_each_window(models[k], run,
                                    [&](index_t, std::span<const double> step_errors,
                                        std::span<const double> feature_errors) {
                                        steps.add(step_errors);
                                        features.add(feature_errors);
                                    });
                    features.flush();
                } else {
                    for_each_forecast(
                        models[k], run, warm_up,
                        [&](index_t, int, std::span<const double> errors) { steps.add(errors); });
                }
            });
        }
        steps.flush();
        status outcome = fitted.per_step().fit();
        if constexpr (Learned::views == 2) {
            outcome = outcome.ok() ? fitted.per_feature().fit() : outcome;
        }
        return outcome;
    }

    /// Scores of all blocks in order of time, by statistics that have seen them. Allocates.
    detector_scores scores(const Learned& fitted) const {
        detector_scores all;
        for (std::size_t k = 0; k < models.size(); ++k) {
            Learned model = models[k];
            model.errors = fitted.errors;
            model.warm_up = fitted.warm_up;
            for_each_judged<Learned>(judged[k], [&](const auto& run) {
                detector_scores part = scores_without_fit(model, run, repeats_of(run));
                all.per_step.insert(all.per_step.end(), part.per_step.begin(), part.per_step.end());
                all.per_feature.insert(all.per_feature.end(), part.per_feature.begin(),
                                       part.per_feature.end());
            });
        }
        return all;
    }
};

/// See detector::fit(). A failure leaves the parts as they were.
template <class Learned, class Trainer, class Plan>
status fit_held_out(Learned& learned, const windows<typename Learned::scalar_type>& given,
                    const Trainer& trainer, const Plan& plan, int steps) {
    using scalar = typename Learned::scalar_type;
    if (const status usable = plan.check(); !usable.ok()) {
        return usable;
    }
    if (const status usable = check_windows("fit", given, learned.features(), steps);
        !usable.ok()) {
        return usable;
    }
    const windows<scalar> normal = sorted_by_time(given);
    // The final model first: it brings the units in which all errors are measured.
    Learned fitted = learned;
    auto state = training_state<scalar>::fresh(fitted.model, trainer.optimiser, trainer.seed);
    if (const status done = train_observed(fitted, state, normal, {}, trainer, steps); !done.ok()) {
        return done;
    }
    held_out_models<Learned> parts;
    if (const status done = parts.train(fitted, normal, trainer, plan); !done.ok()) {
        return done;
    }
    fitted.warm_up = fitted.source.shortest_warm_up();
    if constexpr (Learned::views == 1) {
        fitted.warm_up = std::max(fitted.warm_up, learned.settings.warm_up);
        if (learned.settings.warm_up == detector_settings::automatic) {
            // How long a cold start shows is a matter of the model, not of what it has learned from.
            Learned first = parts.models.front();
            if (fit_error_views(first, parts.judged.front()).ok()) {
                fitted.warm_up = first.warm_up;
            }
        }
        fitted.errors = typename Learned::views_type(fitted.source.vector_size(), 0);
    } else {
        fitted.errors = typename Learned::views_type(fitted.features(), fitted.settings.window);
    }
    if (const status done = parts.fit_errors(fitted.errors, fitted.warm_up); !done.ok()) {
        return done;
    }
    fitted.phase = detector_phase::errors_fitted;
    fitted.thresholds.forget_tuned();
    if (const status done = fit_thresholds(fitted, parts.scores(fitted), {}); !done.ok()) {
        return done;
    }
    learned = std::move(fitted);
    settle(learned);
    return {};
}

} // namespace tocsin::detail
