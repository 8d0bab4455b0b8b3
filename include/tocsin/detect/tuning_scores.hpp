/// @file tuning_scores.hpp
/// @brief Scores that a threshold is fitted to: as if the error statistics had not seen the windows.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_archive.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/detect/fold_scores.hpp"
#include "tocsin/errors/error_statistic.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace tocsin::detail {

/// A statistic that scores each vector as if its fit had been without it.
template <leave_out_statistic Statistic>
struct left_out_scorer {
    const Statistic* statistic;
    double samples; ///< different vectors of the fit

    int dimension() const noexcept { return statistic->dimension(); }
    double score(std::span<const double> error) const noexcept {
        return statistic->score_left_out(error, samples);
    }
};

/// How many windows a row is in, on average.
template <class Scalar>
double repeats_of(const windows<Scalar>& given) {
    index_t covered = 0;
    given.for_each_covered_run([&](index_t, index_t columns) { covered += columns; });
    const auto rows = static_cast<double>(given.count()) * given.length();
    return std::max(rows / static_cast<double>(std::max<index_t>(covered, 1)), 1.0);
}

/// Whether both statistics of a detector can correct for the vectors that they were fitted to.
template <class Learned>
inline constexpr bool leaves_out =
    leave_out_statistic<typename Learned::views_type::step_statistic> &&
    leave_out_statistic<typename Learned::views_type::feature_statistic>;

/// Scores as if the statistics had not seen the windows, which they have. Statistics that cannot
/// correct for it have the scores of scores_of(). Allocates.
/// @param repeats windows that a row is in, on average
template <class Learned>
detector_scores scores_without_fit(const Learned& learned,
                                   const windows<typename Learned::scalar_type>& seen,
                                   double repeats) {
    if constexpr (!leaves_out<Learned>) {
        return scores_of(learned, seen);
    } else {
        using views_type = typename Learned::views_type;
        constexpr double all_samples = std::numeric_limits<double>::max();
        detector_scores found;
        if constexpr (Learned::views == 2) {
            // Vectors that repeat each other, as a row does in all its windows, count as one. Those
            // of the newest step do not, nor do error profiles over windows shifted in time.
            const bool all = learned.settings.scored == scored_steps::all;
            const auto& by_step = learned.errors.per_step();
            const left_out_scorer<typename views_type::step_statistic> step{
                &by_step, all ? by_step.law().samples() / repeats : all_samples};
            const left_out_scorer<typename views_type::feature_statistic> feature{
                &learned.errors.per_feature(), all_samples};
            for_each_window(learned, seen,
                            [&](index_t, std::span<const double> step_errors,
                                std::span<const double> feature_errors) {
                                found.per_step.push_back(largest_score(step, step_errors).score);
                                found.per_feature.push_back(
                                    largest_score(feature, feature_errors).score);
                            });
        } else {
            const auto& statistic = learned.errors.per_step();
            for_each_forecast(
                learned, seen, learned.warm_up, [&](index_t, int, std::span<const double> errors) {
                    found.per_step.push_back(
                        errors.empty() ? std::numeric_limits<double>::quiet_NaN()
                                       : statistic.score_left_out(
                                             errors, statistic.law().samples() / repeats));
                });
        }
        return found;
    }
}

/// Whether the statistics were fitted to these very windows.
template <class Learned>
bool fitted_to(const Learned& learned, const windows<typename Learned::scalar_type>& given) {
    if constexpr (!leaves_out<Learned>) {
        return false;
    } else {
        using views_type = typename Learned::views_type;
        if constexpr (Learned::views == 2) {
            views_type seen(learned.features(), learned.settings.window);
            error_collector<typename views_type::step_statistic> steps(seen.per_step(),
                                                                       learned.features());
            error_collector<typename views_type::feature_statistic> features(
                seen.per_feature(), learned.settings.window);
            for_each_window(learned, given,
                            [&](index_t, std::span<const double> step_errors,
                                std::span<const double> feature_errors) {
                                steps.add(step_errors);
                                features.add(feature_errors);
                            });
            steps.flush();
            features.flush();
            return learned.errors.per_step().same_samples(seen.per_step()) &&
                   learned.errors.per_feature().same_samples(seen.per_feature());
        } else {
            views_type seen(learned.source.vector_size(), 0);
            error_collector<typename views_type::step_statistic> collector(
                seen.per_step(), learned.source.vector_size());
            for_each_forecast(
                learned, given, learned.warm_up,
                [&](index_t, int, std::span<const double> errors) { collector.add(errors); });
            collector.flush();
            return learned.errors.per_step().same_samples(seen.per_step());
        }
    }
}

/// See detector::tune(). A failure leaves the thresholds as they were.
template <class Learned>
status tune_parts(Learned& learned, const windows<typename Learned::scalar_type>& tuning,
                  std::span<const std::uint8_t> labels) {
    const auto scores = [&] {
        if (!fitted_to(learned, tuning)) {
            return scores_of(learned, tuning);
        }
        if constexpr (has_folds<Learned>) {
            if (auto by_folds = scores_by_folds(learned, tuning); by_folds) {
                return *std::move(by_folds);
            }
        }
        return scores_without_fit(learned, tuning, repeats_of(tuning));
    };
    const status fitted = fit_thresholds(learned, scores(), labels);
    if (fitted.ok()) {
        settle(learned);
    }
    return fitted;
}

} // namespace tocsin::detail
