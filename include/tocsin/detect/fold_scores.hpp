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

/// The statistics of each of several folds. A unit is scored by the statistics of all folds but its
/// own, brought to what its scores would be with as many samples as all of them (law()).
///
/// Folds are stretches of time: errors that follow each other resemble each other, so that leaving out
/// the vector alone would leave its neighbours in.
template <class Learned>
class fold_statistics {
  public:
    using views_type = typename Learned::views_type;

    /// Allocates.
    fold_statistics(const Learned& learned, const windows<typename Learned::scalar_type>& seen,
                    int folds)
        : fresh_{fresh_views(learned)}, own_(static_cast<std::size_t>(folds), fresh_) {
        const index_t units = count_units<Learned>(seen);
        view_collector<Learned> collector(own_.front());
        for_each_unit(learned, seen, learned.warm_up,
                      [&](index_t unit, std::span<const double> step_errors,
                          std::span<const double> feature_errors) {
                          collector.switch_to(own_[fold_of(unit, units)]);
                          collector.add(step_errors, feature_errors);
                      });
        collector.flush();
    }
    /// Whether other statistics have seen the samples of all folds, no more and no others.
    bool same_samples(const views_type& all) const {
        views_type merged = own_.front();
        for (std::size_t k = 1; k < own_.size(); ++k) {
            if (!merge(merged, own_[k]).ok()) {
                return false;
            }
        }
        bool same = all.per_step().same_samples(merged.per_step());
        if constexpr (Learned::views == 2) {
            same = same && all.per_feature().same_samples(merged.per_feature());
        }
        return same;
    }
    /// Fits the statistics of all folds but one, for each. @param all a fit to all samples
    status fit(const views_type& all) {
        for (std::size_t fold = 0; fold < own_.size(); ++fold) {
            views_type others = fresh_;
            status outcome;
            for (std::size_t k = 0; outcome.ok() && k < own_.size(); ++k) {
                outcome = k == fold ? status{} : merge(others, own_[k]);
            }
            outcome = outcome.ok() ? fit_views<Learned>(others) : outcome;
            if (!outcome.ok()) {
                return outcome;
            }
            step_factors_.push_back(factor_between(all.per_step(), others.per_step()));
            if constexpr (Learned::views == 2) {
                feature_factors_.push_back(factor_between(all.per_feature(), others.per_feature()));
            }
            others_.push_back(std::move(others));
        }
        return {};
    }
    /// Scores of all units, after fit(). Allocates.
    detector_scores scores(const Learned& learned,
                           const windows<typename Learned::scalar_type>& seen) const {
        const index_t units = count_units<Learned>(seen);
        detector_scores found;
        for_each_unit(learned, seen, learned.warm_up,
                      [&](index_t unit, std::span<const double> step_errors,
                          std::span<const double> feature_errors) {
                          const std::size_t fold = fold_of(unit, units);
                          found.per_step.push_back(
                              step_factors_[fold] *
                              largest_score(others_[fold].per_step(), step_errors).score);
                          if constexpr (Learned::views == 2) {
                              found.per_feature.push_back(
                                  feature_factors_[fold] *
                                  largest_score(others_[fold].per_feature(), feature_errors).score);
                          }
                      });
        return found;
    }

  private:
    std::size_t fold_of(index_t unit, index_t units) const noexcept {
        return static_cast<std::size_t>(unit * static_cast<index_t>(own_.size()) / units);
    }
    static status merge(views_type& into, const views_type& from) {
        if constexpr (has_folds<Learned>) {
            status outcome = into.per_step().merge(from.per_step());
            if constexpr (Learned::views == 2) {
                outcome = outcome.ok() ? into.per_feature().merge(from.per_feature()) : outcome;
            }
            return outcome;
        } else {
            return status::error(error_code::invalid_argument,
                                 "the error statistic cannot be merged");
        }
    }

    views_type fresh_;
    std::vector<views_type> own_;
    std::vector<views_type> others_;
    std::vector<double> step_factors_;
    std::vector<double> feature_factors_;
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
