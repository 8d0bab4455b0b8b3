/// @file epsilon_threshold.hpp
/// @brief The threshold that separates unlabelled scores best, as a threshold rule.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/metrics/row_ranges.hpp"
#include "tocsin/threshold/normal_scores.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// The choice for the smoothed errors of one window: see choose_epsilon().
struct epsilon_choice {
    /// The threshold; infinity where none separates.
    double epsilon = std::numeric_limits<double>::infinity();
    double z = 12; ///< standard deviations above the mean
};

namespace detail {

inline constexpr double largest_epsilon_z = 12;

/// Mean and standard deviation (divided by n) of at least one value.
struct level_and_spread {
    double mean = 0;
    double deviation = 0;

    static level_and_spread of(std::span<const double> values) noexcept {
        const auto count = static_cast<double>(values.size());
        level_and_spread result;
        for (const double value : values) {
            result.mean += value;
        }
        result.mean /= count;
        double scatter = 0;
        for (const double value : values) {
            scatter += (value - result.mean) * (value - result.mean);
        }
        result.deviation = std::sqrt(scatter / count);
        return result;
    }
};

/// The threshold mean + z * deviation, z = 2.5, 3, ..., 11.5, that separates best: the largest
///
///     (fall of the mean + fall of the standard deviation) / (anomalous runs^2 + anomalous rows),
///
/// where the falls are relative and come from leaving out errors of at least epsilon (section 3.2
/// of the paper). Runs and rows include `reach` rows on both sides of each such error. Thresholds
/// with more than 5 runs or at least half of the rows are not allowed; the largest z of equals
/// wins. If none is left, z = 12.
/// @param errors   errors, or errors mirrored at their mean; not empty
/// @param level    of the unmirrored errors
/// @param scratch  cleared; with capacity for all rows, nothing is allocated
inline epsilon_choice choose_epsilon(std::span<const double> errors, const level_and_spread& level,
                                     index_t reach, std::vector<index_t>& scratch) noexcept {
    const auto rows = static_cast<index_t>(errors.size());
    const auto count = static_cast<double>(rows);
    scratch.clear();
    double sum = 0; // of deviations from the mean: 0 except for rounding and mirroring
    double square_sum = 0;
    for (index_t i = 0; i < rows; ++i) {
        const double error = errors[static_cast<std::size_t>(i)];
        sum += error - level.mean;
        square_sum += (error - level.mean) * (error - level.mean);
        if (error >= level.mean + level.deviation * 2.5) {
            scratch.push_back(i);
        }
    }
    epsilon_choice best{level.mean + largest_epsilon_z * level.deviation, largest_epsilon_z};
    double best_score = -1e7;
    for (int step = 5; step < 24; ++step) {
        const double z = 0.5 * step;
        const double epsilon = level.mean + level.deviation * z;
        index_t anomalous = 0; // rows, including those around
        index_t runs = 0;
        row_range run{-1, -1};
        const auto close_run = [&] {
            anomalous += run.size();
            runs += run.size() > 1 ? 1 : 0;
        };
        double left_out = 0;
        double left_out_sum = 0;
        double left_out_squares = 0;
        for (const index_t i : scratch) {
            const double error = errors[static_cast<std::size_t>(i)];
            if (!(error >= epsilon)) {
                continue;
            }
            left_out += 1;
            left_out_sum += error - level.mean;
            left_out_squares += (error - level.mean) * (error - level.mean);
            const row_range around{std::max<index_t>(i - reach, 0),
                                   std::min<index_t>(i + reach + 1, rows)};
            if (run.begin >= 0 && around.begin <= run.end) {
                run.end = around.end;
            } else {
                close_run();
                run = around;
            }
        }
        if (left_out == 0) {
            break;
        }
        close_run();
        const double kept = count - left_out;
        const double shift = (sum - left_out_sum) / kept;
        const double variance = (square_sum - left_out_squares) / kept - shift * shift;
        const double deviation = std::sqrt(std::max(variance, 0.0));
        const double score =
            (-shift / level.mean + (level.deviation - deviation) / level.deviation) /
            static_cast<double>(runs * runs + anomalous);
        if (score >= best_score && runs <= 5 && 2 * anomalous < rows) { // false for NaN
            best_score = score;
            best = {epsilon, z};
        }
    }
    return best;
}

} // namespace detail

/// Threshold rule (see threshold_rule): the epsilon of the nonparametric dynamic threshold, chosen
/// once for all scores (see choose_epsilon()). As it looks for the threshold that separates best,
/// the scores may hold unlabelled anomalies; those labelled anomalous are left out. Scores count as
/// at most largest_input in size.
class epsilon_threshold {
  public:
    static constexpr const char* kind = "epsilon_threshold";
    static constexpr int version = 1;

    /// @param buffer rows around an anomalous score that count as anomalous with it, at least 0
    ///               (checked by fit())
    explicit epsilon_threshold(int buffer = 0) noexcept : buffer_{buffer} {}

    /// Rows around an anomalous one that count as anomalous.
    int buffer() const noexcept { return buffer_; }
    /// The threshold in standard deviations above the mean: 2.5 to 11.5, or 12 when none separates.
    double z() const noexcept { return z_; }

    /// `invalid_data` when no score is normal. O(n), allocates.
    /// @param scores in order of time
    /// @param labels one per score, 0 = normal, or none: all normal
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        threshold_.reset();
        if (buffer_ < 0) {
            return status::error(error_code::invalid_argument, "epsilon_threshold: buffer ",
                                 buffer_, " must be at least 0");
        }
        if (status usable = detail::check_scores("epsilon_threshold", scores, labels); !usable) {
            return usable;
        }
        std::vector<double> normal = detail::normal_scores(scores, labels);
        for (double& score : normal) {
            score = bounded(score);
        }
        if (normal.empty()) {
            return status::error(error_code::invalid_data, "epsilon_threshold: none of the ",
                                 scores.size(), " scores is normal");
        }
        std::vector<index_t> scratch;
        scratch.reserve(normal.size());
        const auto chosen =
            detail::choose_epsilon(normal, detail::level_and_spread::of(normal), buffer_, scratch);
        z_ = chosen.z;
        if (status usable = threshold_.set("epsilon_threshold", chosen.epsilon); !usable) {
            return usable;
        }
        return valid(error_code::invalid_data);
    }

    /// Whether fit() can have led here; a failure of this code with what is impossible.
    status valid(error_code code = error_code::format_error) const noexcept {
        const bool possible_z = z_ >= 2.5 && z_ <= detail::largest_epsilon_z;
        if (buffer_ < 0 || !possible_z ||
            (fitted() && !is_bounded(threshold_.value(), 1e3 * largest_input))) {
            return status::error(code, "epsilon_threshold: threshold ", threshold_.value(),
                                 " by buffer ", buffer_, " and z ", z_, " is impossible");
        }
        return {};
    }

    bool fitted() const noexcept { return threshold_.fitted(); }
    double threshold() const noexcept { return threshold_.value(); }
    bool exceeds(double score) const noexcept { return threshold_.exceeded_by(score); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("buffer", buffer_);
        archive.number("z", z_);
        threshold_.exchange(archive);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                threshold_.reset();
            }
        }
    }

  private:
    int buffer_;
    double z_ = detail::largest_epsilon_z;
    detail::optional_threshold threshold_;
};

} // namespace tocsin
