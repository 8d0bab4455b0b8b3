/// @file held_out_models.hpp
/// @brief Models of parts of the data, each with the windows that it has not learned from.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/error_collector.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/detect/fold_scores.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/detect/tuning_scores.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
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

/// What to say of a block whose model has nothing to learn from.
/// @param count windows of all blocks
inline status nothing_left(std::string_view owner, const held_out_block& block, index_t count,
                           index_t guard) noexcept {
    return status::error(error_code::invalid_data, owner,
                         ": nothing is left to learn from for the windows ", block.begin, " to ",
                         block.end, " of ", count, ", with a guard of ", guard, " rows");
}
/// A failure of a block's model with the windows that it has not learned from: what it lacks, all data
/// may have.
inline status of_block(const status& outcome, const held_out_block& block, index_t count) noexcept {
    return block.only_before
               ? status::error(outcome.code(), outcome.message(),
                               " (learning from what comes before the window ", block.begin, " of ",
                               count, ")")
               : status::error(outcome.code(), outcome.message(), " (learning without the windows ",
                               block.begin, " to ", block.end, " of ", count, ")");
}

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
/// each run of rows that they link as one long window, so that it warms up once.
template <class Learned, class Visit>
void for_each_judged(const windows<typename Learned::scalar_type>& judged, Visit&& visit) {
    if constexpr (Learned::views == 2) {
        visit(judged);
    } else {
        judged.for_each_linked_run([&](index_t first, index_t columns) {
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
    using scalar = typename Learned::scalar_type;
    using window_list = windows<scalar>;

    std::vector<Learned> models;
    std::vector<window_list> judged;
    std::vector<aligned_vector<scalar>> weights; ///< of the models, as far as they are here
    std::vector<status> outcomes;                ///< of their training, where it was here
    index_t judged_windows = 0;

    /// Trains the models of blocks that this process is to train, as long as none fails.
    /// @param untrained with a scaler that has been fitted
    /// @param starts    added to the trainer's seed for each block: 0 lets all start from the same
    ///                  weights, 1 each from its own
    /// @param team      see team_of()
    /// @param first_job of the team: the first block's
    template <class Trainer, class Plan, class Team>
    void train(const Learned& untrained, const window_list& training, const window_list& all,
               const Trainer& trainer, const Plan& plan, std::uint64_t starts,
               const training_observer<scalar>& observer, const Team& team, std::size_t first_job) {
        const index_t guard = plan.guard < 0 ? index_t{all.length()} : index_t{plan.guard};
        const std::vector<held_out_block> blocks = plan.blocks(all.count());
        judged_windows = all.count();
        weights.resize(blocks.size());
        outcomes.resize(blocks.size());
        bool going_on = true;
        for (std::size_t k = 0; k < blocks.size(); ++k) {
            const split_windows<scalar> split(training, all, blocks[k], guard);
            judged.push_back(split.judged);
            if (!going_on || !team.trains(first_job + k)) {
                continue;
            }
            status& outcome = outcomes[k];
            if (split.learned.empty()) {
                outcome = nothing_left("fit", blocks[k], all.count(), guard);
                going_on = false;
                continue;
            }
            Learned model = untrained;
            kept_scaler<std::remove_cvref_t<decltype(model.scaler)>> units{&model.scaler};
            auto state = training_state<scalar>::fresh(model.model, trainer.optimiser,
                                                       trainer.seed + starts * k);
            outcome = fit_scaled(model.model, units, split.learned, {}, trainer, state, observer);
            outcome = outcome.ok() ? outcome : of_block(outcome, blocks[k], all.count());
            going_on = outcome.ok();
            weights[k] = std::move(state.best_parameters);
        }
    }
    /// Gives every process the models of all, after train(). Allocates.
    /// @return the failure of the first block whose model failed
    template <class Team>
    status share(const Learned& untrained, const Team& team, std::size_t first_job) {
        for (std::size_t k = 0; k < weights.size(); ++k) {
            if (const status trained = team.share(first_job + k, outcomes[k]); !trained.ok()) {
                return trained;
            }
            Learned model = untrained;
            weights[k].resize(static_cast<std::size_t>(model.model.parameter_count()));
            team.share(first_job + k, std::span<scalar>(weights[k]));
            model.weights.own(model.model, weights[k]);
            weights[k] = {};
            model.phase = detector_phase::trained;
            models.push_back(std::move(model));
        }
        return models.empty() ? status::error(error_code::invalid_data, "fit: ", judged_windows,
                                              " windows are too few to hold any out")
                              : status{};
    }

    /// Folds for the errors of all blocks, a fold each where statistics can be merged.
    fold_statistics<Learned> folds() const {
        return {fresh_views(models.front()), has_folds<Learned> ? models.size() : 1};
    }
    /// Adds the errors of all blocks. Allocates.
    void add_errors(fold_statistics<Learned>& folds, int warm_up,
                    std::span<const std::uint8_t> labels) const {
        for (std::size_t k = 0; k < models.size(); ++k) {
            for_each_judged<Learned>(normal_windows(judged[k], labels), [&](const auto& run) {
                for_each_unit(models[k], run, warm_up,
                              [&](index_t, std::span<const double> step_errors,
                                  std::span<const double> feature_errors) {
                                  folds.add(std::min(k, folds.folds() - 1), step_errors,
                                            feature_errors);
                              });
            });
        }
    }
    /// Scores of all blocks in order of time, as if the statistics had not seen the block. Allocates.
    /// @param folds fitted, or nothing: then each unit is scored as if the statistics had not seen it
    labelled_scores scores(const Learned& fitted, const fold_statistics<Learned>* folds,
                           std::span<const std::uint8_t> labels) const {
        labelled_scores all;
        for (std::size_t k = 0; k < models.size(); ++k) {
            for_each_judged<Learned>(judged[k], [&](const window_list& run) {
                const double repeats = repeats_of(run);
                for_each_unit(
                    models[k], run, fitted.warm_up,
                    [&](index_t unit, std::span<const double> step_errors,
                        std::span<const double> feature_errors) {
                        append_scores<Learned>(
                            all.scores,
                            folds != nullptr ? folds->score(k, step_errors, feature_errors)
                            : is_fitted(run, unit, labels)
                                ? left_out_scores(fitted, step_errors, feature_errors, repeats)
                                : plain_scores(fitted, step_errors, feature_errors));
                        if (!labels.empty()) {
                            all.labels.push_back(label_of(fitted, run, unit, labels));
                        }
                    });
            });
        }
        return all;
    }

  private:
    /// The label of the newest sample of a window, or of a forecaster's sample.
    static std::uint8_t sample_label(const window_list& run, index_t unit,
                                     std::span<const std::uint8_t> labels) {
        const index_t length = run.length();
        const index_t sample = Learned::views == 2
                                   ? run.first_column(unit) + length - 1
                                   : run.first_column(unit / length) + unit % length;
        return labels[static_cast<std::size_t>(sample)];
    }
    /// Whether a unit is in the statistics: one that is anomalous is not.
    static bool is_fitted(const window_list& run, index_t unit,
                          std::span<const std::uint8_t> labels) {
        if constexpr (Learned::views == 2) {
            return !is_anomalous(run, unit, labels);
        } else {
            return labels.empty() || sample_label(run, unit, labels) == 0;
        }
    }
    static std::uint8_t label_of(const Learned& fitted, const window_list& run, index_t unit,
                                 std::span<const std::uint8_t> labels) {
        if (Learned::views == 2 && fitted.settings.scored == scored_steps::all) {
            return is_anomalous(run, unit, labels) ? 1 : 0;
        }
        return sample_label(run, unit, labels);
    }
};

} // namespace tocsin::detail
