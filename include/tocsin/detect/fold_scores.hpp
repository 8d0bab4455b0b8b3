/// @file fold_scores.hpp
/// @brief Scores of the data of a fit, each by statistics of the other parts of these data.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/error_collector.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Whether the statistics of all views can be merged.
template <class Learned>
inline constexpr bool has_folds =
    mergeable_error_statistic<typename Learned::views_type::step_statistic> &&
    mergeable_error_statistic<typename Learned::views_type::feature_statistic>;

/// Whether both statistics of a detector can correct for the vectors that they were fitted to.
template <class Learned>
inline constexpr bool leaves_out =
    leave_out_statistic<typename Learned::views_type::step_statistic> &&
    leave_out_statistic<typename Learned::views_type::feature_statistic>;

/// What scores by `others` are multiplied by to be scores by `all`: fewer samples make them larger.
template <class Statistic>
double factor_between(const Statistic& all, const Statistic& others) {
    if constexpr (requires { all.law().squared_distance(0.01); }) {
        constexpr double usual = 0.01; // near the probabilities of thresholds
        const double factor =
            all.law().squared_distance(usual) / others.law().squared_distance(usual);
        return std::isfinite(factor) && factor > 0 ? factor : 1;
    } else {
        return 1;
    }
}

/// Scores of a unit (for_each_unit()) by both views; NaN where there is none.
struct unit_scores {
    double per_step = std::numeric_limits<double>::quiet_NaN();
    double per_feature = std::numeric_limits<double>::quiet_NaN();
};

/// Appends the scores of a unit. Allocates.
template <class Learned>
void append_scores(detector_scores& scores, const unit_scores& unit) {
    scores.per_step.push_back(unit.per_step);
    if constexpr (Learned::views == 2) {
        scores.per_feature.push_back(unit.per_feature);
    }
}

/// The statistics of each of several folds. A unit is scored by the statistics of all folds but its
/// own, brought to what its scores would be with as many samples as all of them (law()).
///
/// Folds are stretches of time: errors that follow each other resemble each other, so that leaving out
/// the vector alone would leave its neighbours in.
template <class Learned>
class fold_statistics {
  public:
    using views_type = typename Learned::views_type;

    /// @param fresh statistics without samples. Allocates.
    fold_statistics(const views_type& fresh, std::size_t folds)
        : fresh_{fresh}, own_(folds, fresh), collector_(own_.front()) {}
    fold_statistics(const fold_statistics&) = delete; // the collector points into own_
    fold_statistics& operator=(const fold_statistics&) = delete;

    std::size_t folds() const noexcept { return own_.size(); }
    /// Errors of a unit; units of a fold follow each other. Allocates.
    void add(std::size_t fold, std::span<const double> step_errors,
             std::span<const double> feature_errors) {
        collector_.switch_to(own_[fold]);
        collector_.add(step_errors, feature_errors);
    }
    /// Statistics of all folds, not fitted. Allocates.
    result<views_type> merged() {
        collector_.flush();
        return merged_without(own_.size());
    }
    /// Fits the statistics of all folds but one, for each. @param all a fit to all samples
    status fit(const views_type& all) {
        collector_.flush();
        for (std::size_t fold = 0; fold < own_.size(); ++fold) {
            auto others = merged_without(fold);
            const status fitted = others ? fit_views<Learned>(*others) : others.error();
            if (!fitted.ok()) {
                return fitted;
            }
            factors_.push_back({factor_between(all.per_step(), others->per_step()),
                                Learned::views == 2
                                    ? factor_between(all.per_feature(), others->per_feature())
                                    : 1});
            others_.push_back(*std::move(others));
        }
        return {};
    }
    /// Scores of a unit, after fit(). Never allocates.
    unit_scores score(std::size_t fold, std::span<const double> step_errors,
                      std::span<const double> feature_errors) const noexcept {
        const auto& [step_factor, feature_factor] = factors_[fold];
        const auto& others = others_[fold];
        unit_scores found{step_factor * largest_score(others.per_step(), step_errors).score, 0};
        if constexpr (Learned::views == 2) {
            found.per_feature =
                feature_factor * largest_score(others.per_feature(), feature_errors).score;
        }
        return found;
    }

  private:
    result<views_type> merged_without(std::size_t fold) const {
        if constexpr (has_folds<Learned>) {
            views_type all = fresh_;
            for (std::size_t k = 0; k < own_.size(); ++k) {
                if (k == fold) {
                    continue;
                }
                status outcome = all.per_step().merge(own_[k].per_step());
                if constexpr (Learned::views == 2) {
                    outcome =
                        outcome.ok() ? all.per_feature().merge(own_[k].per_feature()) : outcome;
                }
                if (!outcome.ok()) {
                    return outcome;
                }
            }
            return all;
        } else { // the only fold
            return fold == 0 ? fresh_ : own_.front();
        }
    }

    views_type fresh_;
    std::vector<views_type> own_;
    view_collector<Learned> collector_;
    std::vector<views_type> others_;
    std::vector<std::pair<double, double>> factors_; // by step, by feature
};

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

} // namespace tocsin::detail
