/// @file change_points.hpp
/// @brief SKAB's score of change points: a window after each, in which early detections score more.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/metrics/nab_score.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace tocsin {

/// Counts of detected and missed change points; the counts of several recordings add up.
struct change_point_counts {
    std::int64_t detected = 0;     ///< with a detection in their window
    std::int64_t missed = 0;       ///< without one
    std::int64_t false_alarms = 0; ///< detections outside of all windows
    double delay = 0;              ///< from the starts of the windows to the detections, summed
    double promptness = 0;         ///< 1 at the start of a window, falling to 0 at its end, summed

    /// Adds the counts of another recording.
    change_point_counts& operator+=(const change_point_counts& other) noexcept {
        detected += other.detected;
        missed += other.missed;
        false_alarms += other.false_alarms;
        delay += other.delay;
        promptness += other.promptness;
        return *this;
    }
    /// Mean time from the start of a window to its first detection, in the unit of the times; NaN
    /// when nothing is detected.
    double mean_delay() const noexcept {
        return detected == 0 ? std::numeric_limits<double>::quiet_NaN()
                             : delay / static_cast<double>(detected);
    }
    /// SKAB's NAB score: 100 is perfect, 0 is a detector without any detection; NaN without change
    /// points. A detection at the end of its window costs as much as a false alarm.
    double score(const nab_profile& profile = nab_standard) const noexcept {
        const double hits = static_cast<double>(detected);
        const double raw =
            profile.true_positive * promptness -
            profile.false_positive * (hits - promptness + static_cast<double>(false_alarms)) -
            profile.false_negative * static_cast<double>(missed);
        return normalised_nab_score(raw, detected + missed, profile);
    }
};

/// Marks the rows where a detector's flag changes: nonzero where it differs from the previous one;
/// before the first row it is 0. Allocates.
inline std::vector<std::uint8_t> label_changes(std::span<const std::uint8_t> flags) {
    std::vector<std::uint8_t> changes(flags.size());
    bool previous = false;
    for (std::size_t i = 0; i < flags.size(); ++i) {
        const bool flagged = flags[i] != 0;
        changes[i] = std::uint8_t{flagged != previous};
        previous = flagged;
    }
    return changes;
}

/// Compares detected with true change points as SKAB's leader board does (Katser and Kozitsin,
/// 2020). Each true one has a window [t, t + width]; where two overlap, the later one starts at the
/// end of the earlier. The first detection in a window counts, by its place among 1000 steps of a
/// hyperbolic tangent; the delay is counted from the start of the window. O(rows), never allocates.
/// @param times      of the rows, not decreasing, else `invalid_data`; any unit
/// @param detections one per time (else `invalid_argument`), nonzero = detected change; for a
///                   detector of anomalous rows, label_changes() of its flags
/// @param truth      one per time, nonzero = change point
/// @param width      in the unit of the times, above 0; SKAB takes 60 s
inline result<change_point_counts> count_change_points(std::span<const double> times,
                                                       std::span<const std::uint8_t> detections,
                                                       std::span<const std::uint8_t> truth,
                                                       double width = 60) noexcept {
    if (times.size() != detections.size() || times.size() != truth.size()) {
        return status::error(error_code::invalid_argument, "count_change_points: ", times.size(),
                             " times but ", detections.size(), " detections and ", truth.size(),
                             " labels");
    }
    if (!(width > 0) || !std::isfinite(width)) {
        return status::error(error_code::invalid_argument, "count_change_points: width ", width,
                             " is not a positive number");
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (!std::isfinite(times[i]) || (i > 0 && times[i] < times[i - 1])) {
            return status::error(error_code::invalid_data, "count_change_points: time ", i, " is ",
                                 times[i], ", after ", i > 0 ? times[i - 1] : 0.0);
        }
    }
    change_point_counts counts;
    double window_end = -std::numeric_limits<double>::infinity();
    std::size_t judged = 0; // detections before this row are in no later window
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (truth[i] == 0) {
            continue;
        }
        const double begin = std::max(times[i], window_end);
        const double end = times[i] + width;
        for (; judged < times.size() && times[judged] < begin; ++judged) {
            // A detection on the border of two windows is in both, so it was left for this one.
            counts.false_alarms += detections[judged] != 0 && times[judged] > window_end;
        }
        std::size_t first = judged;
        while (first < times.size() && times[first] <= end && detections[first] == 0) {
            ++first;
        }
        if (first == times.size() || times[first] > end) {
            ++counts.missed;
        } else {
            const double delay = times[first] - begin;
            const double place = end > begin ? delay / (end - begin) : 0.0;
            const double step = std::min(std::floor(place * 1000), 999.0);
            const double angle = (step / 999 - 0.5) * std::numbers::pi;
            ++counts.detected;
            counts.delay += delay;
            counts.promptness += (1 - std::tanh(angle) / std::tanh(std::numbers::pi / 2)) / 2;
        }
        window_end = end;
    }
    for (; judged < times.size(); ++judged) {
        counts.false_alarms += detections[judged] != 0 && times[judged] > window_end;
    }
    return counts;
}

} // namespace tocsin
