/// @file drift_spot_threshold.hpp
/// @brief Peaks over threshold around a moving level (DSPOT).
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Threshold rule (see threshold_rule), also for streams whose level drifts: spot_threshold applied
/// to the difference between a score and the mean of the last `depth` scores that raised no alarm
/// (DSPOT: Siffer et al., KDD 2017, section 4.4). The threshold moves with that mean.
///
/// The level follows a drift, not a jump: after a jump beyond the threshold all scores are alarms,
/// until fit() is called with scores of the new regime.
class drift_spot_threshold {
  public:
    /// @param depth number of scores in the mean, 1 to 2^24 (checked by fit())
    explicit drift_spot_threshold(const spot_settings& settings = {}, int depth = 100)
        : spot_{settings}, depth_{depth} {}

    const spot_settings& settings() const noexcept { return spot_.settings(); }
    int depth() const noexcept { return depth_; }

    /// @param labels one per score, 0 = normal, or none: all normal. Scores are in time order; the
    ///               first `depth` normal ones only give the level. Otherwise as
    ///               spot_threshold::fit().
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        spot_.clear();
        if (status usable = settings().check("drift_spot_threshold"); !usable) {
            return usable;
        }
        if (depth_ < 1 || depth_ > detail::largest_ring) {
            return status::error(error_code::invalid_argument, "drift_spot_threshold: depth ",
                                 depth_, " must lie in [1, ", detail::largest_ring, "]");
        }
        if (status usable = detail::check_scores("drift_spot_threshold", scores, labels); !usable) {
            return usable;
        }
        level_ = moving_window(depth_);
        std::vector<double> differences;
        differences.reserve(scores.size());
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (!labels.empty() && labels[i] != 0) {
                continue;
            }
            if (level_.full()) {
                differences.push_back(scores[i] - level_.mean());
            }
            level_.push(scores[i]);
        }
        return spot_.fit_normal(differences);
    }

    /// Judges a score and learns from it, see spot_threshold::push(). Never allocates.
    push_outcome push(double score) noexcept {
        if (!fitted()) {
            return push_outcome::rejected;
        }
        const push_outcome outcome = spot_.push(score - level_.mean());
        if (outcome == push_outcome::normal || outcome == push_outcome::excess) {
            level_.push(score);
        }
        return outcome;
    }

    bool fitted() const noexcept { return spot_.fitted(); }
    /// For the next score; infinity before a fit.
    double threshold() const noexcept {
        return fitted() ? level_.mean() + spot_.threshold()
                        : std::numeric_limits<double>::infinity();
    }
    /// Whether push() would call the score an alarm.
    bool exceeds(double score) const noexcept {
        return fitted() && score - level_.mean() > spot_.threshold();
    }
    /// The mean with which scores are compared; NaN before a fit.
    double level() const noexcept { return level_.mean(); }
    /// The rule for differences from the level.
    const spot_threshold& differences() const noexcept { return spot_; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("depth", depth_);
        {
            const auto inner = archive.scope("level");
            level_.exchange(archive);
        }
        const auto inner = archive.scope("differences");
        spot_.exchange(archive);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && spot_.fitted() &&
                (level_.rows() != depth_ || !level_.full())) {
                archive.fail(status::error(error_code::format_error,
                                           "drift_spot_threshold: ", level_.count(), " of ",
                                           level_.rows(), " rows of the level, expected ", depth_));
                spot_.clear();
            }
        }
    }

  private:
    spot_threshold spot_;
    int depth_;
    moving_window level_;
};

} // namespace tocsin
