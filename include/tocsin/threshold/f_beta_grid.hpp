/// @file f_beta_grid.hpp
/// @brief Confusion counts at evenly spaced thresholds, added batch after batch.
#pragma once

#include "tocsin/threshold/f_beta_sweep.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Counts hits and false alarms at `count` thresholds from `minimum` to `maximum` in one pass over
/// scores that need not fit in memory; grids over parts of the data merge exactly. At its
/// thresholds the counts equal an exact sweep's; between them it cannot look.
///
/// It keeps, for each class, how many scores lie between two neighbouring thresholds: O(1) per
/// score, from which the counts at all thresholds are one cumulative sum.
class f_beta_grid {
  public:
    /// @param minimum first threshold
    /// @param maximum last threshold, above `minimum`; both and their difference finite
    /// @param count   thresholds, at least 2. Anything else gives `invalid_argument`. Allocates.
    static result<f_beta_grid> make(double minimum, double maximum, int count) {
        if (!(minimum < maximum) || !std::isfinite(maximum - minimum)) {
            return status::error(error_code::invalid_argument, "f_beta_grid: minimum ", minimum,
                                 " must be below maximum ", maximum,
                                 ", both finite like their difference");
        }
        if (count < 2) {
            return status::error(error_code::invalid_argument, "f_beta_grid: count ", count,
                                 " must be at least 2");
        }
        f_beta_grid grid;
        const auto size = static_cast<std::size_t>(count);
        grid.thresholds_.reserve(size);
        const double step = (maximum - minimum) / (count - 1);
        grid.step_ = step;
        for (int k = 0; k < count - 1; ++k) {
            grid.thresholds_.push_back(std::min(minimum + k * step, maximum));
        }
        grid.thresholds_.push_back(maximum);
        grid.normal_.assign(size + 1, 0);
        grid.anomalous_.assign(size + 1, 0);
        return grid;
    }

    /// From lowest to highest.
    std::span<const double> thresholds() const noexcept { return thresholds_; }

    /// Adds a batch; an empty one is fine. Never allocates.
    /// @param scores one that is not finite gives `invalid_data`; then nothing of the batch is
    ///               added
    /// @param labels one per score, nonzero = anomalous, or none: all normal; any other number
    ///               gives `invalid_argument`
    status add(std::span<const double> scores, std::span<const std::uint8_t> labels) noexcept {
        if (scores.empty() && labels.empty()) {
            return {};
        }
        if (status usable = detail::check_scores("f_beta_grid", scores, labels); !usable) {
            return usable;
        }
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const std::size_t below = thresholds_below(scores[i]);
            ++(!labels.empty() && labels[i] != 0 ? anomalous_ : normal_)[below];
        }
        return {};
    }

    /// Adds what another grid has counted.
    /// @return `invalid_argument` when its thresholds differ; this one is then unchanged
    status merge(const f_beta_grid& other) noexcept {
        if (thresholds_ != other.thresholds_) {
            return status::error(error_code::invalid_argument, "f_beta_grid: ", thresholds_.size(),
                                 " thresholds from ", thresholds_.front(), " to ",
                                 thresholds_.back(), " cannot be merged with ",
                                 other.thresholds_.size(), " from ", other.thresholds_.front(),
                                 " to ", other.thresholds_.back());
        }
        for (std::size_t k = 0; k < normal_.size(); ++k) {
            normal_[k] += other.normal_[k];
            anomalous_[k] += other.anomalous_[k];
        }
        return {};
    }

    /// The counts at each threshold, from highest to lowest, as f_beta_sweep has them. Allocates.
    std::vector<threshold_point> points() const {
        confusion_counts counts;
        for (std::size_t k = 0; k < normal_.size(); ++k) {
            counts.false_negatives += anomalous_[k];
            counts.true_negatives += normal_[k];
        }
        std::vector<threshold_point> all;
        all.reserve(thresholds_.size());
        for (std::size_t k = thresholds_.size(); k > 0; --k) {
            counts += {anomalous_[k], normal_[k], -anomalous_[k], -normal_[k]};
            all.push_back({thresholds_[k - 1], counts});
        }
        return all;
    }

    /// The point with the largest F-beta, among equals the one with the highest threshold.
    /// Allocates.
    threshold_point best(double beta) const { return best_by_f_beta(points(), beta); }

  private:
    f_beta_grid() = default;

    /// How many thresholds lie below a finite score: those flag it. The place that even spacing
    /// gives is right but for rounding; comparing with the neighbours makes it exact.
    std::size_t thresholds_below(double score) const noexcept {
        const double place = (score - thresholds_.front()) / step_;
        const auto last = static_cast<double>(thresholds_.size());
        auto below = place >= last ? thresholds_.size()
                     : place > 0   ? static_cast<std::size_t>(place)
                                   : std::size_t{0}; // NaN, too: 0 / 0 for the narrowest grids
        while (below > 0 && thresholds_[below - 1] >= score) {
            --below;
        }
        while (below < thresholds_.size() && thresholds_[below] < score) {
            ++below;
        }
        return below;
    }

    double step_ = 0;
    std::vector<double> thresholds_; // rising
    // Scores with exactly k thresholds below them, k from 0 to the number of thresholds.
    std::vector<std::int64_t> normal_;
    std::vector<std::int64_t> anomalous_;
};

} // namespace tocsin
