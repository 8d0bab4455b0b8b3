/// @file fitting.hpp
/// @brief The error statistics and the scores of recorded data, for both kinds of models.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/error_collector.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/warm_up.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/execution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Scores of recorded data, NaN where there is none.
struct detector_scores {
    /// One per window by its time steps; for a forecaster one per sample, window by window.
    std::vector<double> per_step;
    /// One per window by its features; none for a forecaster.
    std::vector<double> per_feature;
};

namespace detail {

/// Fits statistics of all views to errors.
/// @param warm_up of a forecaster's windows
template <class Learned>
status fit_to_errors(typename Learned::views_type& views, const Learned& learned,
                     const windows<typename Learned::scalar_type>& normal, int warm_up) {
    view_collector<Learned> collector(views);
    for_each_unit(
        learned, normal, warm_up,
        [&](index_t, std::span<const double> step_errors, std::span<const double> feature_errors) {
            collector.add(step_errors, feature_errors);
        });
    collector.flush();
    return fit_views<Learned>(views);
}

/// Fits the statistics of all views, and finds the warm-up where it is not given. Allocates.
/// @param learned changed only on success
template <class Learned>
status fit_error_views(Learned& learned, const windows<typename Learned::scalar_type>& normal) {
    const int least = learned.source.shortest_warm_up();
    int warm_up = least;
    if constexpr (Learned::views == 1) {
        warm_up = std::max(least, learned.settings.warm_up);
        if (learned.settings.warm_up == detector_settings::automatic) {
            warm_up = learned.source.complete_after();
            const int longest = longest_warm_up(normal.length(), warm_up);
            Learned settled = learned;
            settled.errors = fresh_views(learned);
            if (fit_to_errors(settled.errors, settled, normal, longest).ok()) {
                warm_up = measured_warm_up(settled, normal, longest);
            }
        }
    }
    auto fitted = fresh_views(learned);
    if (const status outcome = fit_to_errors(fitted, learned, normal, warm_up); !outcome.ok()) {
        return outcome;
    }
    learned.errors = std::move(fitted);
    learned.warm_up = warm_up;
    return {};
}

/// Scores of all windows, or of all their samples. Each shard takes whole batches that follow each
/// other, so that the bits do not depend on their number. Allocates before the shards run.
template <class Learned, execution_policy Execution = serial_execution>
detector_scores scores_of(const Learned& learned,
                          const windows<typename Learned::scalar_type>& source,
                          const Execution& execution = {}) {
    using scalar = typename Learned::scalar_type;
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const int shards = execution.shards();
    const auto count = static_cast<std::size_t>(source.count());
    detector_scores scores;
    // [first, end) of a shard, in whole batches.
    const auto range = [&](int shard, index_t batch) {
        const index_t batches = (source.count() + batch - 1) / batch;
        const auto begin = [&](int k) {
            return std::min(batches * k / shards * batch, source.count());
        };
        return std::pair{begin(shard), begin(shard + 1)};
    };
    auto&& team = execution.start();
    if constexpr (Learned::views == 2) {
        scores.per_step.resize(count);
        scores.per_feature.resize(count);
        const matrix<scalar> scaled = scaled_samples(learned, source.values());
        const windows<scalar> scaled_windows = source.over(view_of(scaled));
        std::vector<window_pass<Learned>> passes(static_cast<std::size_t>(shards),
                                                 window_pass<Learned>(learned, source));
        team.run([&](int shard) noexcept {
            auto& pass = passes[static_cast<std::size_t>(shard)];
            const auto [first, end] = range(shard, std::max<index_t>(pass.batch_size(), 1));
            pass.run(scaled_windows, first, end - first,
                     [&](index_t k, std::span<const double> step_errors,
                         std::span<const double> feature_errors) {
                         const auto at = static_cast<std::size_t>(k);
                         scores.per_step[at] =
                             largest_score(learned.errors.per_step(), step_errors).score;
                         scores.per_feature[at] =
                             largest_score(learned.errors.per_feature(), feature_errors).score;
                     });
        });
    } else {
        scores.per_step.resize(count * static_cast<std::size_t>(source.length()));
        std::vector<forecast_pass<Learned>> passes(static_cast<std::size_t>(shards),
                                                   forecast_pass<Learned>(learned));
        team.run([&](int shard) noexcept {
            const auto [first, end] = range(shard, 1);
            passes[static_cast<std::size_t>(shard)].run(
                source, first, end - first, learned.warm_up,
                [&](index_t k, int t, std::span<const double> errors) {
                    scores.per_step[static_cast<std::size_t>(k * source.length() + t)] =
                        errors.empty() ? none : learned.errors.per_step().score(errors);
                });
        });
    }
    return scores;
}

/// The same, or what is wrong with the execution policy.
template <class Learned, execution_policy Execution>
result<detector_scores> checked_scores(const Learned& learned,
                                       const windows<typename Learned::scalar_type>& source,
                                       const Execution& execution) {
    if (status usable = execution.check(); !usable.ok()) {
        return usable;
    }
    return scores_of(learned, source, execution);
}

/// The scores that are there, with their labels.
class usable_scores {
  public:
    /// @param labels one per score, or none
    usable_scores(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        for (std::size_t k = 0; k < scores.size(); ++k) {
            if (std::isfinite(scores[k])) {
                scores_.push_back(scores[k]);
                if (!labels.empty()) {
                    labels_.push_back(labels[k]);
                }
            }
        }
    }
    std::span<const double> scores() const noexcept { return scores_; }
    std::span<const std::uint8_t> labels() const noexcept { return labels_; }

  private:
    std::vector<double> scores_;
    std::vector<std::uint8_t> labels_;
};

/// Fits the rules to the scores that are there; a failure leaves the thresholds as they were.
template <class Learned>
status fit_thresholds(Learned& learned, const detector_scores& scores,
                      std::span<const std::uint8_t> labels) {
    if (!labels.empty() && labels.size() != scores.per_step.size()) {
        return status::error(error_code::invalid_argument, "tune: ", scores.per_step.size(),
                             Learned::views == 2 ? " windows but " : " samples but ", labels.size(),
                             " labels");
    }
    const usable_scores by_step(scores.per_step, labels);
    if constexpr (Learned::views == 1) {
        return learned.thresholds.fit({by_step.scores()}, by_step.labels());
    } else {
        // A window has a score by its features wherever it has one by its steps, and the other way
        // round only where the newest step is missing as a whole.
        std::vector<double> per_feature = scores.per_feature;
        for (std::size_t k = 0; k < per_feature.size(); ++k) {
            if (!std::isfinite(scores.per_step[k])) {
                per_feature[k] = std::numeric_limits<double>::quiet_NaN();
            }
        }
        const usable_scores by_feature(per_feature, labels);
        return learned.thresholds.fit({by_step.scores(), by_feature.scores()}, by_step.labels());
    }
}

} // namespace detail
} // namespace tocsin
