/// @file fitting.hpp
/// @brief The error statistics and the scores of recorded data, for both kinds of models.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/warm_up.hpp"
#include "tocsin/series/windows.hpp"

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

/// Hands error vectors to a statistic in blocks. Where elements were not observed, they take the
/// value that was last observed in their place (hot deck), so that a vector counts with what is
/// there: their own spread is kept, their correlation with others is not.
template <class Statistic>
class error_collector {
  public:
    /// @param size of a vector
    error_collector(Statistic& statistic, int size)
        : statistic_{&statistic},
          last_(static_cast<std::size_t>(size), std::numeric_limits<double>::quiet_NaN()) {}
    void add(std::span<const double> errors) {
        for (std::size_t first = 0; first + last_.size() <= errors.size(); first += last_.size()) {
            const auto vector = errors.subspan(first, last_.size());
            const auto is_missing = [](double error) { return std::isnan(error); };
            if (std::all_of(vector.begin(), vector.end(), is_missing)) {
                continue;
            }
            for (std::size_t k = 0; k < last_.size(); ++k) {
                last_[k] = is_missing(vector[k]) ? last_[k] : vector[k];
            }
            block_.insert(block_.end(), last_.begin(), last_.end());
        }
        if (block_.size() >= block_size) {
            flush();
        }
    }
    void flush() {
        if (!block_.empty()) {
            statistic_->accumulate(std::span<const double>(block_));
            block_.clear();
        }
    }

  private:
    static constexpr std::size_t block_size = 8192;
    Statistic* statistic_;
    std::vector<double> block_;
    std::vector<double> last_; // observed errors, element by element
};

/// A statistic of the forecast errors after a warm-up.
template <class Statistic, class Learned>
status fit_to_forecasts(Statistic& statistic, const Learned& learned,
                        const windows<typename Learned::scalar_type>& normal, int warm_up) {
    error_collector<Statistic> collector(statistic, learned.source.vector_size());
    for_each_forecast(learned, normal, warm_up,
                      [&](index_t, int, std::span<const double> errors) { collector.add(errors); });
    collector.flush();
    return statistic.fit();
}

/// Fits the statistics of all views, and finds the warm-up where it is not given. Allocates.
/// @param learned changed only on success
template <class Learned>
status fit_error_views(Learned& learned, const windows<typename Learned::scalar_type>& normal) {
    using views_type = typename Learned::views_type;
    const auto& source = learned.source;
    if constexpr (Learned::views == 2) {
        views_type fitted(learned.features(), learned.settings.window);
        error_collector<typename views_type::step_statistic> by_step(fitted.per_step(),
                                                                     learned.features());
        error_collector<typename views_type::feature_statistic> by_feature(fitted.per_feature(),
                                                                           learned.settings.window);
        window_pass<Learned>(learned).run(normal, [&](index_t, std::span<const double> step_errors,
                                                      std::span<const double> feature_errors) {
            by_step.add(step_errors);
            by_feature.add(feature_errors);
        });
        by_step.flush();
        by_feature.flush();
        if (const status outcome = fitted.per_step().fit(); !outcome.ok()) {
            return outcome;
        }
        if (const status outcome = fitted.per_feature().fit(); !outcome.ok()) {
            return outcome;
        }
        learned.errors = std::move(fitted);
        learned.warm_up = source.shortest_warm_up();
    } else {
        const auto fresh = [&] { return views_type(source.vector_size(), 0); };
        int warm_up = learned.settings.warm_up;
        if (warm_up == detector_settings::automatic) {
            const int longest = longest_warm_up(normal.length(), source.shortest_warm_up());
            Learned settled = learned;
            settled.errors = fresh();
            warm_up = fit_to_forecasts(settled.errors.per_step(), settled, normal, longest).ok()
                          ? measured_warm_up(settled, normal, longest)
                          : source.shortest_warm_up();
        }
        views_type fitted = fresh();
        if (const status outcome = fit_to_forecasts(fitted.per_step(), learned, normal, warm_up);
            !outcome.ok()) {
            return outcome;
        }
        learned.errors = std::move(fitted);
        learned.warm_up = std::max(warm_up, source.shortest_warm_up());
    }
    return {};
}

/// Scores of all windows, or of all their samples. Allocates.
template <class Learned>
detector_scores scores_of(const Learned& learned,
                          const windows<typename Learned::scalar_type>& source) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    detector_scores scores;
    if constexpr (Learned::views == 2) {
        const auto& errors = learned.errors;
        window_pass<Learned>(learned).run(source, [&](index_t, std::span<const double> step_errors,
                                                      std::span<const double> feature_errors) {
            scores.per_step.push_back(largest_score(errors.per_step(), step_errors).score);
            scores.per_feature.push_back(largest_score(errors.per_feature(), feature_errors).score);
        });
    } else {
        for_each_forecast(learned, source, learned.warm_up,
                          [&](index_t, int, std::span<const double> errors) {
                              scores.per_step.push_back(
                                  errors.empty() ? none : learned.errors.per_step().score(errors));
                          });
    }
    return scores;
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
