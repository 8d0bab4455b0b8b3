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

/// Scores of a unit that the statistics have not seen. Never allocates.
template <class Learned>
unit_scores plain_scores(const Learned& learned, std::span<const double> step_errors,
                         std::span<const double> feature_errors) noexcept {
    unit_scores found;
    found.per_step = largest_score(learned.errors.per_step(), step_errors).score;
    if constexpr (Learned::views == 2) {
        found.per_feature = largest_score(learned.errors.per_feature(), feature_errors).score;
    }
    return found;
}

/// Scores of a unit as if the statistics had not seen it, which they have; those of statistics that
/// cannot correct for it are as they are. Never allocates.
/// @param repeats windows that a row is in, on average
template <class Learned>
unit_scores left_out_scores(const Learned& learned, std::span<const double> step_errors,
                            std::span<const double> feature_errors, double repeats) noexcept {
    if constexpr (!leaves_out<Learned>) {
        return plain_scores(learned, step_errors, feature_errors);
    } else {
        using views_type = typename Learned::views_type;
        const auto& by_step = learned.errors.per_step();
        unit_scores found;
        constexpr double all_samples = std::numeric_limits<double>::max();
        // Vectors that repeat each other, as a row does in all its windows, count as one. Those of the
        // newest step do not, nor do error profiles over windows shifted in time.
        const bool newest = Learned::views == 2 && learned.settings.scored == scored_steps::newest;
        found.per_step =
            largest_score(
                left_out_scorer<typename views_type::step_statistic>{
                    &by_step, newest ? all_samples : by_step.law().samples() / repeats},
                step_errors)
                .score;
        if constexpr (Learned::views == 2) {
            found.per_feature = largest_score(
                                    left_out_scorer<typename views_type::feature_statistic>{
                                        &learned.errors.per_feature(), all_samples},
                                    feature_errors)
                                    .score;
        }
        return found;
    }
}

/// Whether statistics have seen the samples of others, no more and no others.
template <class Learned>
    requires leaves_out<Learned>
bool same_samples(const typename Learned::views_type& one,
                  const typename Learned::views_type& other) noexcept {
    bool same = one.per_step().same_samples(other.per_step());
    if constexpr (Learned::views == 2) {
        same = same && one.per_feature().same_samples(other.per_feature());
    }
    return same;
}

/// Scores as if the statistics had not seen the windows, whether they have or not. Allocates.
template <class Learned>
detector_scores tuning_scores(const Learned& learned,
                              const windows<typename Learned::scalar_type>& tuning) {
    if constexpr (leaves_out<Learned>) {
        const int most = has_folds<Learned> ? std::max(folds_of(learned, tuning), 1) : 1;
        fold_statistics<Learned> parts(fresh_views(learned), static_cast<std::size_t>(most));
        const auto fold_of = [&, units = count_units<Learned>(tuning)](index_t unit) {
            return static_cast<std::size_t>(unit * most / units);
        };
        for_each_unit(learned, tuning, learned.warm_up,
                      [&](index_t unit, std::span<const double> step_errors,
                          std::span<const double> feature_errors) {
                          parts.add(fold_of(unit), step_errors, feature_errors);
                      });
        const auto seen = parts.merged();
        if (seen && same_samples<Learned>(learned.errors, *seen)) {
            const bool by_folds = most > 1 && parts.fit(learned.errors).ok();
            const double repeats = repeats_of(tuning);
            detector_scores found;
            for_each_unit(
                learned, tuning, learned.warm_up,
                [&](index_t unit, std::span<const double> step_errors,
                    std::span<const double> feature_errors) {
                    append_scores<Learned>(
                        found,
                        by_folds ? parts.score(fold_of(unit), step_errors, feature_errors)
                                 : left_out_scores(learned, step_errors, feature_errors, repeats));
                });
            return found;
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
