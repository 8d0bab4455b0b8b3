/// @file drift_spot_threshold.hpp
/// @brief Peaks over threshold around a moving level (DSPOT).
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
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
/// until fit() is called with scores of the new regime. A score further below the level than the
/// first threshold was above it counts for the level as one just so far: it moves the level by no
/// more than one that was barely no alarm, and is forgotten after 2 * depth() others.
class drift_spot_threshold {
  public:
    static constexpr const char* kind = "drift_spot_threshold";
    static constexpr int version = 1;

    /// @param depth scores that the level is the mean of, 1 to 2^24 (checked by fit())
    explicit drift_spot_threshold(const spot_settings& settings = {}, int depth = 100)
        : spot_{settings}, depth_{depth} {}

    const spot_settings& settings() const noexcept { return spot_.settings(); }
    /// Scores that the moving mean is taken of.
    int depth() const noexcept { return depth_; }

    /// As spot_threshold::fit(), but the first `depth` normal scores only give the level.
    /// @param scores in order of time
    /// @param labels one per score, 0 = normal, or none: all normal
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
                differences.push_back(bounded(scores[i]) - level_.mean());
            }
            level_.push(scores[i]);
        }
        if (status outcome = spot_.fit_normal(differences); !outcome) {
            return outcome;
        }
        reach_ = std::abs(spot_.threshold());
        return valid();
    }

    /// Judges a score and learns from it, see spot_threshold::push(). Never allocates.
    push_outcome push(double score) noexcept {
        if (!fitted()) {
            return push_outcome::rejected;
        }
        const double level = level_.mean();
        const push_outcome outcome = spot_.push(score - level);
        if (outcome == push_outcome::normal || outcome == push_outcome::excess) {
            level_.push(std::max(score, level - reach_));
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

    /// Whether fit() and push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        if (level_.rows() != depth_ || !level_.full()) {
            return status::error(error_code::format_error, "drift_spot_threshold: ", level_.count(),
                                 " of ", level_.rows(), " rows of the level, expected ", depth_);
        }
        if (!(reach_ >= 0 && reach_ <= largest_input)) {
            return status::error(error_code::format_error, "drift_spot_threshold: reach ", reach_,
                                 " is impossible");
        }
        if (status usable = level_.valid(); !usable) {
            return usable;
        }
        return spot_.valid();
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("depth", depth_);
        archive.number("reach", reach_);
        {
            const auto inner = archive.scope("level");
            level_.exchange(archive);
        }
        const auto inner = archive.scope("differences");
        spot_.exchange(archive);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && spot_.fitted()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                spot_.clear();
            }
        }
    }

  private:
    spot_threshold spot_;
    int depth_;
    moving_window level_;
    double reach_ = 0; // how far below the level a score may pull it
};

} // namespace tocsin
