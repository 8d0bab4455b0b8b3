/// @file alarm_rate.hpp
/// @brief Threshold rule for a promised rate of false alarms, and the scale on which it judges.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/tail/alarm_rate_settings.hpp"
#include "tocsin/tail/declustering.hpp"
#include "tocsin/tail/generalised_pareto.hpp"
#include "tocsin/tail/pareto_fit.hpp"
#include "tocsin/threshold/expectation.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Threshold rule (see threshold_rule) that keeps a promise: so many false alarms per rows or time,
/// where a run of high scores is one alarm: a cluster by find_clusters() above level() whose peak
/// exceeds the threshold, as run_declustering counts them on a stream. It puts every score on one
/// scale, the expected number of clusters of false alarms as high in 10 000 rows: scores of unlike
/// detectors become comparable.
///
/// - Above the `level` quantile u of normal scores, peaks of clusters (find_clusters()) have
///   generalised Pareto excesses. Their shape comes from probability-weighted moments (Hosking and
///   Wallis 1987) drawn towards 0.1 by k / (k + 30) with k clusters: a tail cannot be told from a
///   few peaks, and too light a tail promises what it cannot keep. The scale follows from the mean.
/// - Up to u, where no cluster lies: the share of scores that are as high or equal, as if each of
///   these rows were an alarm. The expectation therefore rises in one step at u.
///
/// No more clusters than largest_promise() can come. For a larger promise the threshold is u: fewer
/// alarms than promised, from all rows above u. Only for more than 10 000 (1 - level) promised alarms
/// it is lower, where as many rows exceed it as alarms are promised.
///
/// The promise holds as long as the stream is like the scores of the fit, which must be of rows that
/// neither the model nor the error statistic has learned from (tune() corrects for the latter, see
/// cross_fit() for the former). Beyond about one alarm in the number of scores fitted, it is an
/// extrapolation.
class alarm_rate {
  public:
    static constexpr const char* kind = "alarm_rate";
    static constexpr int version = 1;

    alarm_rate() = default;
    /// Settings that cannot work are reported by fit().
    explicit alarm_rate(const alarm_rate_settings& settings) : settings_{settings} {}

    const alarm_rate_settings& settings() const noexcept { return settings_; }

    /// @param scores normal ones in order of time, at least as many as fewest_scores() of the settings;
    ///               labelled ones are left out
    /// @return `invalid_argument` for unusable settings, `invalid_data` for too few scores.
    ///         Allocates.
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        threshold_.reset();
        if (status usable = settings_.check(); !usable.ok()) {
            return usable;
        }
        if (status usable = detail::check_scores("alarm_rate", scores, labels); !usable.ok()) {
            return usable;
        }
        std::vector<double> normal;
        std::vector<double> sorted;
        for (std::size_t k = 0; k < scores.size(); ++k) {
            const bool left_out = !labels.empty() && labels[k] != 0; // but time passes
            normal.push_back(left_out ? std::numeric_limits<double>::quiet_NaN()
                                      : bounded(scores[k]));
            if (!left_out) {
                sorted.push_back(normal.back());
            }
        }
        if (sorted.size() < settings_.fewest_scores()) {
            return status::error(error_code::invalid_data, "alarm_rate: ", sorted.size(),
                                 " normal scores; at level ", settings_.level, " at least ",
                                 settings_.fewest_scores(), " are needed");
        }
        std::sort(sorted.begin(), sorted.end());
        keep_body(sorted);
        const score_clusters clusters = find_clusters(normal, body_[knots], settings_.gap);
        keep_tail(clusters, static_cast<double>(sorted.size()));
        return threshold_.set("alarm_rate", score_at(settings_.promised()));
    }

    bool fitted() const noexcept { return threshold_.fitted(); }
    double threshold() const noexcept { return threshold_.value(); }
    bool exceeds(double score) const noexcept { return threshold_.exceeded_by(score); }

    /// Promised alarms per 10 000 rows.
    double promised() const noexcept { return settings_.promised(); }
    /// Clusters above level() in 10 000 normal rows, the most there can be: a larger promise is kept,
    /// but brings fewer alarms than it allows. NaN before fit().
    double largest_promise() const noexcept {
        return fitted() ? rows_of_expectation * extremal_index_ * tail_share_
                        : std::numeric_limits<double>::quiet_NaN();
    }
    /// Expected false alarms in 10 000 rows that reach a score: clusters above level(), rows up to
    /// it; falls as the score rises. NaN for NaN and before fit(). Never allocates.
    double expected_false_alarms(double score) const noexcept {
        const double alarms_per_row = score > body_[knots] ? extremal_index_ : 1;
        return rows_of_expectation * alarms_per_row * p_value(score);
    }
    /// The probability that a normal score is as high. NaN for NaN and before fit().
    double p_value(double score) const noexcept {
        if (!fitted() || std::isnan(score)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        if (score <= body_[0]) {
            return 1;
        }
        if (score > body_[knots]) {
            return tail_share_ * tail_.tail_probability(score - body_[knots]);
        }
        // The first quantile as high, so that a score counts those that are equal to it.
        const auto above = std::lower_bound(body_.data(), body_.data() + knots, score);
        const auto k = static_cast<double>(above - body_.data()); // 1 to knots
        const double width = *above - *(above - 1);
        const double part = width > 0 ? (score - *(above - 1)) / width : 1;
        return std::max(tail_share_, 1 - settings_.level * (k - 1 + part) / knots);
    }
    /// The score that so many false alarms in 10 000 rows are expected to exceed: the inverse of
    /// expected_false_alarms(), within the scores of the fit or above, except where many are equal;
    /// level() for what lies in the step there.
    /// @param expected positive
    double score_at(double expected) const noexcept {
        const double rows = expected / rows_of_expectation;
        const double p = rows / extremal_index_;
        if (p <= tail_share_) {
            return body_[knots] + tail_.quantile_of_tail(p / tail_share_);
        }
        if (rows <= tail_share_) {
            return body_[knots];
        }
        const double place = std::clamp((1 - rows) / settings_.level, 0.0, 1.0) * knots;
        const auto k = std::min(static_cast<int>(place), knots - 1);
        return std::lerp(body_[k], body_[k + 1], place - k);
    }

    /// Clusters that the tail was fitted to.
    std::int64_t clusters() const noexcept { return clusters_; }
    /// Clusters per score above the level.
    double extremal_index() const noexcept { return extremal_index_; }
    /// Rows at or below level() that end a cluster.
    std::int64_t gap() const noexcept { return gap_; }
    /// The score above which rows are clustered: the quantile `level` of the settings; infinity
    /// before fit(). run_declustering counts the clusters of a stream with it, as the promise does.
    double level() const noexcept {
        return fitted() ? body_[knots] : std::numeric_limits<double>::infinity();
    }
    /// The distribution of the excesses.
    const generalised_pareto& tail() const noexcept { return tail_; }

    template <class Archive>
    void exchange(Archive& archive) {
        settings_.exchange(archive);
        threshold_.exchange(archive);
        if (!threshold_.fitted()) {
            return;
        }
        archive.integer("clusters", clusters_);
        archive.integer("run_gap", gap_);
        archive.number("extremal_index", extremal_index_);
        archive.number("tail_share", tail_share_);
        archive.number("shape", tail_.shape);
        archive.number("scale", tail_.scale);
        archive.matrix("body", body_);
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
    static constexpr int knots = 32;
    static constexpr double usual_shape = 0.1;
    static constexpr double shape_memory = 30; ///< clusters that the usual shape is worth

    /// Quantiles from the smallest score to the level.
    void keep_body(const std::vector<double>& sorted) noexcept {
        const auto last = static_cast<double>(sorted.size() - 1);
        for (int k = 0; k <= knots; ++k) {
            const double place = last * settings_.level * k / knots;
            const auto below = static_cast<std::size_t>(place);
            const std::size_t above = std::min(below + 1, sorted.size() - 1);
            body_[k] = std::lerp(sorted[below], sorted[above], place - std::floor(place));
        }
    }
    void keep_tail(const score_clusters& found, double count) {
        clusters_ = static_cast<std::int64_t>(found.peaks.size());
        gap_ = found.gap;
        extremal_index_ = found.extremal_index();
        // Ties at the level leave fewer above it; one is taken to be there.
        tail_share_ = std::max(static_cast<double>(found.exceedances), 1.0) / (count + 1);
        std::vector<double> excesses;
        excesses.reserve(found.peaks.size());
        for (const double peak : found.peaks) {
            excesses.push_back(peak - body_[knots]);
        }
        std::sort(excesses.begin(), excesses.end());
        double mean = 0;
        for (const double excess : excesses) {
            mean += excess / static_cast<double>(excesses.size());
        }
        const auto k = static_cast<double>(excesses.size());
        double shape = 0;
        if (excesses.size() >= 2 && mean > 0) {
            shape = std::min(detail::pareto_from_moments(excesses).shape, largest_shape);
        }
        shape = (shape * k + usual_shape * shape_memory) / (k + shape_memory);
        tail_ = {shape, std::max(mean * (1 - shape), least_scale())};
    }
    /// Of scores that never differ: a little more is already unheard of.
    double least_scale() const noexcept { return 1e-9 * std::max(std::abs(body_[knots]), 1e-100); }
    static constexpr double largest_shape = 0.9; ///< a mean must exist
    static constexpr double fewest_saved = 20;   ///< scores of a fit by an older version

    /// Whether keep_tail() gives these shares for some numbers of scores and of those above the
    /// level.
    bool shares_are_counted() const noexcept {
        if (!(extremal_index_ > 0 && extremal_index_ <= 1) ||
            !(tail_share_ > 0 && tail_share_ < 1)) {
            return false;
        }
        const double above = std::max<double>(1, static_cast<double>(clusters_) / extremal_index_);
        const double count = above / tail_share_ - 1;
        const auto is_whole = [](double number) {
            return std::abs(number - std::round(number)) <= 1e-6 * std::max(number, 1.0);
        };
        return count >= (1 - 1e-6) * fewest_saved && count <= largest_count && is_whole(above) &&
               is_whole(count) && above <= (1 + 1e-6) * ((1 - settings_.level) * (count - 1) + 1);
    }
    status valid() const noexcept {
        if (!settings_.check().ok()) {
            return settings_.check();
        }
        if (!is_count(clusters_) || !(gap_ >= 1 && gap_ <= settings_.most_gap) ||
            !shares_are_counted() ||
            !(tail_.scale >= (1 - 1e-9) * least_scale() && tail_.scale <= 4 * largest_input) ||
            !(tail_.shape >= detail::smallest_pareto_shape && tail_.shape < 1)) {
            return status::error(
                error_code::format_error, "alarm_rate: a tail of shape ", tail_.shape, ", scale ",
                tail_.scale, " and share ", tail_share_, " from ", clusters_, " clusters with gap ",
                gap_, " and extremal index ", extremal_index_, " does not come from a fit");
        }
        for (int k = 0; k <= knots; ++k) {
            if (!is_bounded(body_[k]) || (k > 0 && body_[k] < body_[k - 1])) {
                return status::error(error_code::format_error, "alarm_rate: quantile ", k, " is ",
                                     body_[k], ", after ", k > 0 ? body_[k - 1] : body_[k]);
            }
        }
        // Rounding of another machine's mathematics, no more; below the tail, older versions found
        // another place among the quantiles.
        const double due = score_at(settings_.promised());
        const bool in_body =
            due <= body_[knots] && threshold() >= body_[0] && threshold() <= body_[knots];
        if (!in_body &&
            !(std::abs(threshold() - due) <= 1e-6 * std::max(std::abs(due), tail_.scale))) {
            return status::error(error_code::format_error, "alarm_rate: threshold ", threshold(),
                                 ", but the promise needs ", due);
        }
        return {};
    }

    alarm_rate_settings settings_;
    detail::optional_threshold threshold_;
    std::int64_t clusters_ = 0;
    std::int64_t gap_ = 1;
    double extremal_index_ = 1;
    double tail_share_ = 0.1; ///< scores above the level
    generalised_pareto tail_;
    column<double, knots + 1> body_ = column<double, knots + 1>::Zero();
};

} // namespace tocsin
