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
        // Vectors that repeat each other, as a row does in all its windows, count as one. Those of the
        // newest step do not, nor do error profiles over windows shifted in time.
        const bool newest = Learned::views == 2 && learned.settings.scored == scored_steps::newest;
        const auto& by_step = learned.errors.per_step();
        const left_out_scorer<typename views_type::step_statistic> step{
            &by_step, newest ? all_samples : by_step.law().samples() / repeats};
        const left_out_scorer<typename views_type::feature_statistic> feature{
            &learned.errors.per_feature(), all_samples};
        detector_scores found;
        for_each_unit(learned, seen, learned.warm_up,
                      [&](index_t, std::span<const double> step_errors,
                          std::span<const double> feature_errors) {
                          found.per_step.push_back(largest_score(step, step_errors).score);
                          if constexpr (Learned::views == 2) {
                              found.per_feature.push_back(
                                  largest_score(feature, feature_errors).score);
                          }
                      });
        return found;
    }
}

/// Scores as if the statistics had not seen the windows, whether they have or not. Allocates.
template <class Learned>
detector_scores tuning_scores(const Learned& learned,
                              const windows<typename Learned::scalar_type>& tuning) {
    if constexpr (leaves_out<Learned>) {
        const int folds = has_folds<Learned> ? folds_of(learned, tuning) : 0;
        fold_statistics<Learned> parts(learned, tuning, std::max(folds, 1));
        if (parts.same_samples(learned.errors)) {
            return folds > 0 && parts.fit(learned.errors).ok()
                       ? parts.scores(learned, tuning)
                       : scores_without_fit(learned, tuning, repeats_of(tuning));
        }
    }
    return scores_of(learned, tuning);
}

/// See detector::tune(). A failure leaves the thresholds as they were.
template <class Learned>
status tune_parts(Learned& learned, const windows<typename Learned::scalar_type>& tuning,
                  std::span<const std::uint8_t> labels) {
    const status fitted = fit_thresholds(learned, tuning_scores(learned, tuning), labels);
    if (fitted.ok()) {
        settle(learned);
    }
    return fitted;
}

} // namespace tocsin::detail
