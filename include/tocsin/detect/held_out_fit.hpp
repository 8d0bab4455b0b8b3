/// @file held_out_fit.hpp
/// @brief Trains a detector, and fits statistics and thresholds to data that the model does not know.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_archive.hpp"
#include "tocsin/detect/error_collector.hpp"
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

    /// @param training, all sorted by time; the block is one of `all`
    /// @param guard         rows between the two
    split_windows(const windows<Scalar>& training, const windows<Scalar>& all,
                  const held_out_block& block, index_t guard)
        : judged{all.slice(block.begin, block.end - block.begin)} {
        const index_t first = all.first_column(block.begin) - guard;
        const index_t last = all.first_column(block.end - 1) + all.length() + guard;
        learned = training.select([&](index_t k) {
            const index_t begin = training.first_column(k);
            return begin + training.length() <= first || (!block.only_before && begin >= last);
        });
    }
};

template <class Scalar>
windows<Scalar> sorted_by_time(const windows<Scalar>& given) {
    std::vector<index_t> first(given.first_columns().begin(), given.first_columns().end());
    std::sort(first.begin(), first.end());
    return {given.values(), std::move(first), given.length()};
}

/// Whether a window has an anomalous sample, by the labels of all samples.
template <class Scalar>
bool is_anomalous(const windows<Scalar>& given, index_t k, std::span<const std::uint8_t> labels) {
    if (labels.empty()) {
        return false;
    }
    const auto samples = labels.subspan(static_cast<std::size_t>(given.first_column(k)),
                                        static_cast<std::size_t>(given.length()));
    return std::any_of(samples.begin(), samples.end(), [](auto label) { return label != 0; });
}

/// The windows without an anomalous sample.
template <class Scalar>
windows<Scalar> normal_windows(const windows<Scalar>& given, std::span<const std::uint8_t> labels) {
    return given.select([&](index_t k) { return !is_anomalous(given, k, labels); });
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

/// Scores with a label each; no labels where all data is normal.
struct labelled_scores {
    detector_scores scores;
    std::vector<std::uint8_t> labels;
};

/// The models of all blocks, each with the windows that judge it. Allocates.
template <class Learned>
struct held_out_models {
    using window_list = windows<typename Learned::scalar_type>;

    std::vector<Learned> models;
    std::vector<window_list> judged;

    template <class Trainer, class Plan>
    status train(const Learned& untrained, const window_list& training, const window_list& all,
                 const Trainer& trainer, const Plan& plan,
                 const training_observer<typename Learned::scalar_type>& observer) {
        using scalar = typename Learned::scalar_type;
        const index_t guard = plan.guard < 0 ? index_t{all.length()} : index_t{plan.guard};
        for (const held_out_block& block : plan.blocks(all.count())) {
            const split_windows<scalar> split(training, all, block, guard);
            if (split.learned.empty()) {
                return status::error(error_code::invalid_data,
                                     "fit: nothing is left to learn from "
                                     "for the windows ",
                                     block.begin, " to ", block.end, " of ", all.count(),
                                     ", with a guard of ", guard, " rows");
            }
            Learned model = untrained;
            kept_scaler<std::remove_cvref_t<decltype(model.scaler)>> units{&model.scaler};
            auto state =
                training_state<scalar>::fresh(model.model, trainer.optimiser, trainer.seed);
            if (const status done =
                    fit_scaled(model.model, units, split.learned, {}, trainer, state, observer);
                !done.ok()) {
                return done;
            }
            model.weights.own(model.model, state.best_parameters);
            model.phase = detector_phase::trained;
            models.push_back(std::move(model));
            judged.push_back(split.judged);
        }
        return models.empty() ? status::error(error_code::invalid_data, "fit: ", all.count(),
                                              " windows are too few to hold any out")
                              : status{};
    }

    /// Fits the statistics to the errors of all blocks. Allocates.
    status fit_errors(typename Learned::views_type& fitted, int warm_up,
                      std::span<const std::uint8_t> labels) const {
        view_collector<Learned> collector(fitted);
        for (std::size_t k = 0; k < models.size(); ++k) {
            for_each_judged<Learned>(normal_windows(judged[k], labels), [&](const auto& run) {
                for_each_unit(models[k], run, warm_up,
                              [&](index_t, std::span<const double> step_errors,
                                  std::span<const double> feature_errors) {
                                  collector.add(step_errors, feature_errors);
                              });
            });
        }
        collector.flush();
        return fit_views<Learned>(fitted);
    }

    /// Scores of all blocks in order of time. Those of normal windows are by statistics that have seen
    /// them, and corrected for it. Allocates.
    labelled_scores scores(const Learned& fitted, std::span<const std::uint8_t> labels) const {
        labelled_scores all;
        for (std::size_t k = 0; k < models.size(); ++k) {
            Learned model = models[k];
            model.errors = fitted.errors;
            model.warm_up = fitted.warm_up;
            for_each_judged<Learned>(judged[k], [&](const window_list& run) {
                detector_scores part = scores_without_fit(model, run, repeats_of(run));
                if (!labels.empty()) {
                    label_scores(model, run, labels, part, all.labels);
                }
                auto& [per_step, per_feature] = all.scores;
                per_step.insert(per_step.end(), part.per_step.begin(), part.per_step.end());
                per_feature.insert(per_feature.end(), part.per_feature.begin(),
                                   part.per_feature.end());
            });
        }
        return all;
    }

  private:
    /// Appends the labels of scores, and takes away the correction where a score was not in the fit.
    static void label_scores(const Learned& model, const window_list& run,
                             std::span<const std::uint8_t> labels, detector_scores& part,
                             std::vector<std::uint8_t>& of_scores) {
        const detector_scores plain = scores_of(model, run);
        for (std::size_t at = 0; at < part.per_step.size(); ++at) {
            const auto k = static_cast<index_t>(at);
            bool unseen = false;
            std::uint8_t label = 0;
            if constexpr (Learned::views == 2) {
                unseen = is_anomalous(run, k, labels);
                const auto newest =
                    static_cast<std::size_t>(run.first_column(k) + run.length() - 1);
                label = model.settings.scored == scored_steps::all ? unseen : labels[newest] != 0;
                part.per_feature[at] = unseen ? plain.per_feature[at] : part.per_feature[at];
            } else {
                label = labels[static_cast<std::size_t>(run.first_column(k / run.length()) +
                                                        k % run.length())] != 0;
                unseen = label != 0;
            }
            part.per_step[at] = unseen ? plain.per_step[at] : part.per_step[at];
            of_scores.push_back(label);
        }
    }
};

/// See detector::fit(). A failure leaves the parts as they were.
template <class Learned, class Trainer, class Plan>
status fit_held_out(Learned& learned, const held_out_data<typename Learned::scalar_type>& data,
                    const Trainer& trainer, const Plan& plan, int steps,
                    const training_observer<typename Learned::scalar_type>& observer) {
    using scalar = typename Learned::scalar_type;
    status usable = plan.check();
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
    // The final model first: it brings the units in which all errors are measured.
    Learned fitted = learned;
    auto state = training_state<scalar>::fresh(fitted.model, trainer.optimiser, trainer.seed);
    if (const status done = train_parts(fitted, state, training, {}, trainer, steps, observer);
        !done.ok()) {
        return done;
    }
    held_out_models<Learned> parts;
    if (const status done =
            parts.train(fitted, training, sorted_by_time(data.judged), trainer, plan, observer);
        !done.ok()) {
        return done;
    }
    fitted.warm_up = fitted.source.shortest_warm_up();
    if constexpr (Learned::views == 1) {
        fitted.warm_up = std::max(fitted.warm_up, learned.settings.warm_up);
        if (learned.settings.warm_up == detector_settings::automatic) {
            // How long a cold start shows is a matter of the model, not of what it has learned from.
            Learned first = parts.models.front();
            if (fit_error_views(first, normal_windows(parts.judged.front(), data.labels)).ok()) {
                fitted.warm_up = first.warm_up;
            }
        }
    }
    fitted.errors = fresh_views(fitted);
    if (const status done = parts.fit_errors(fitted.errors, fitted.warm_up, data.labels);
        !done.ok()) {
        return done;
    }
    fitted.phase = detector_phase::errors_fitted;
    fitted.thresholds.forget_tuned();
    const labelled_scores found = parts.scores(fitted, data.labels);
    if (const status done = fit_thresholds(fitted, found.scores, found.labels); !done.ok()) {
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
