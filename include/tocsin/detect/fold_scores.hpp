/// @file fold_scores.hpp
/// @brief Scores of the data of a fit, each by statistics of the other parts of these data.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// A statistic of each of several folds. A vector is scored by the statistic of all folds but its own,
/// brought to what it would be with as many samples as all of them (law()).
///
/// Folds are stretches of time: errors that follow each other resemble each other, so that leaving out
/// the vector alone would leave its neighbours in.
template <mergeable_error_statistic Statistic>
class fold_statistics {
  public:
    /// @param fresh without samples. Allocates.
    fold_statistics(const Statistic& fresh, int folds) : fresh_{fresh} {
        const auto count = static_cast<std::size_t>(folds);
        own_.assign(count, fresh);
        collectors_.reserve(count);
        for (Statistic& part : own_) {
            collectors_.emplace_back(part, part.dimension());
        }
    }

    void add(int fold, std::span<const double> errors) {
        collectors_[static_cast<std::size_t>(fold)].add(errors);
    }
    /// Fits all statistics. @param all a fit to all samples
    status fit(const Statistic& all) {
        for (auto& collector : collectors_) {
            collector.flush();
        }
        for (std::size_t fold = 0; fold < own_.size(); ++fold) {
            Statistic others = fresh_;
            for (std::size_t k = 0; k < own_.size(); ++k) {
                if (const status merged = k == fold ? status{} : others.merge(own_[k]);
                    !merged.ok()) {
                    return merged;
                }
            }
            if (const status fitted = others.fit(); !fitted.ok()) {
                return fitted;
            }
            factors_.push_back(factor_between(all, others));
            others_.push_back(std::move(others));
        }
        return {};
    }
    /// The largest score of vectors of a fold. Never allocates.
    double score(int fold, std::span<const double> errors) const noexcept {
        const auto at = static_cast<std::size_t>(fold);
        return factors_[at] * largest_score(others_[at], errors).score;
    }

  private:
    /// What scores by `others` are multiplied by: fewer samples make them larger.
    static double factor_between(const Statistic& all, const Statistic& others) {
        if constexpr (requires { all.law().squared_distance(0.01); }) {
            constexpr double usual = 0.01; // near the probabilities of thresholds
            const double factor =
                all.law().squared_distance(usual) / others.law().squared_distance(usual);
            return std::isfinite(factor) && factor > 0 ? factor : 1;
        } else {
            return 1;
        }
    }

    Statistic fresh_;
    std::vector<Statistic> own_;
    std::vector<error_collector<Statistic>> collectors_;
    std::vector<Statistic> others_;
    std::vector<double> factors_;
};

/// Whether the statistics of all views can be merged.
template <class Learned>
inline constexpr bool has_folds =
    mergeable_error_statistic<typename Learned::views_type::step_statistic> &&
    mergeable_error_statistic<typename Learned::views_type::feature_statistic>;

/// How many folds data allow: 10, or fewer so that vectors of a fold share few rows with another one;
/// 0 where even those are too small.
template <class Learned>
int folds_of(const Learned& learned, const windows<typename Learned::scalar_type>& given) {
    constexpr index_t most = 10;
    constexpr index_t fewest = 4;
    index_t rows = 0;
    given.for_each_covered_run([&](index_t, index_t columns) { rows += columns; });
    // A row that is in several windows has an error in each, unless the newest step alone is judged.
    const bool newest = Learned::views == 2 && learned.settings.scored == scored_steps::newest;
    const bool repeats = !newest && given.count() * given.length() > rows;
    const index_t folds = std::min(most, rows / (repeats ? 2 * index_t{given.length()} : 2));
    return folds < fewest ? 0 : static_cast<int>(folds);
}

/// Scores of the windows that the statistics were fitted to, as if they had not seen them. Allocates.
/// @return nothing where the folds are too small to fit statistics to
template <class Learned>
    requires has_folds<Learned>
std::optional<detector_scores> scores_by_folds(const Learned& learned,
                                               const windows<typename Learned::scalar_type>& seen) {
    using views_type = typename Learned::views_type;
    const int folds = folds_of(learned, seen);
    if (folds == 0) {
        return std::nullopt;
    }
    detector_scores found;
    if constexpr (Learned::views == 2) {
        const views_type fresh(learned.features(), learned.settings.window);
        fold_statistics<typename views_type::step_statistic> steps(fresh.per_step(), folds);
        fold_statistics<typename views_type::feature_statistic> features(fresh.per_feature(),
                                                                         folds);
        const auto fold_of = [&](index_t k) { return static_cast<int>(k * folds / seen.count()); };
        const auto for_each = [&](auto&& visit) { for_each_window(learned, seen, visit); };
        for_each([&](index_t k, std::span<const double> step_errors,
                     std::span<const double> feature_errors) {
            steps.add(fold_of(k), step_errors);
            features.add(fold_of(k), feature_errors);
        });
        if (!steps.fit(learned.errors.per_step()).ok() ||
            !features.fit(learned.errors.per_feature()).ok()) {
            return std::nullopt;
        }
        for_each([&](index_t k, std::span<const double> step_errors,
                     std::span<const double> feature_errors) {
            found.per_step.push_back(steps.score(fold_of(k), step_errors));
            found.per_feature.push_back(features.score(fold_of(k), feature_errors));
        });
    } else {
        fold_statistics<typename views_type::step_statistic> steps(
            views_type(learned.source.vector_size(), 0).per_step(), folds);
        const index_t samples = seen.count() * seen.length();
        const auto fold_of = [&](index_t k, int t) {
            return static_cast<int>((k * seen.length() + t) * folds / samples);
        };
        const auto for_each = [&](auto&& visit) {
            for_each_forecast(learned, seen, learned.warm_up, visit);
        };
        for_each([&](index_t k, int t, std::span<const double> errors) {
            steps.add(fold_of(k, t), errors);
        });
        if (!steps.fit(learned.errors.per_step()).ok()) {
            return std::nullopt;
        }
        for_each([&](index_t k, int t, std::span<const double> errors) {
            found.per_step.push_back(steps.score(fold_of(k, t), errors));
        });
    }
    return found;
}

} // namespace tocsin::detail
