/// @file nab_score.hpp
/// @brief The score of the Numenta Anomaly Benchmark: three profiles; best or given threshold.
#pragma once

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// The reward of a hit, and the costs of a false alarm and a missed window; all at least 0.
struct nab_profile {
    double true_positive = 1;     ///< weight of a window that was found
    double false_positive = 0.11; ///< weight of a detection outside windows
    double false_negative = 1;    ///< weight of a window that was missed
};

inline constexpr nab_profile nab_standard{1, 0.11, 1}; ///< NAB's standard profile
inline constexpr nab_profile nab_low_fp{1, 0.22, 1};   ///< "reward low FP rate"
inline constexpr nab_profile nab_low_fn{1, 0.11, 2};   ///< "reward low FN rate"

/// One file of the benchmark.
struct nab_recording {
    std::span<const double> scores;     ///< one per row, higher = more anomalous
    std::span<const row_range> windows; ///< around the labelled anomalies, in order
};

/// The score of a set of recordings at one threshold.
struct nab_result {
    double threshold = 0;     ///< rows whose score is at least this are detections
    double raw = 0;           ///< sum over windows and false alarms
    std::int64_t windows = 0; ///< windows that could be detected
    confusion_counts rows;    ///< of the rows after the probationary periods
};

/// Rows at the start of a recording that are not scored: 15 per cent, at most 750.
constexpr index_t nab_probation(index_t rows) noexcept {
    return std::min(rows * 15 / 100, index_t{750});
}

/// 100 (raw - null) / (perfect - null), where the null detector misses every window and the perfect
/// one hits each on its first row; NaN without windows. 100 is perfect, 0 is a detector without any
/// detection; false alarms make it negative.
constexpr double normalised_nab_score(double raw, std::int64_t windows,
                                      const nab_profile& profile) noexcept {
    const double null = -profile.false_negative * static_cast<double>(windows);
    const double perfect = profile.true_positive * static_cast<double>(windows);
    return windows == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : 100 * (raw - null) / (perfect - null);
}

namespace detail {

/// 2 sigmoid(-5 position) - 1, and -1 far after the window: near 1 at the left edge of a window
/// (position -1), 0 at its right edge, negative after it.
inline double nab_sigmoid(double position) noexcept {
    return position > 3 ? -1.0 : 2 / (1 + std::exp(5 * position)) - 1;
}

/// The reward of the first detection when it is on `row` of `window`.
inline double nab_reward(index_t row, const row_range& window,
                         const nab_profile& profile) noexcept {
    const double position =
        -static_cast<double>(window.end - row) / static_cast<double>(window.size());
    return profile.true_positive * nab_sigmoid(position) / nab_sigmoid(-1);
}

/// The cost of a detection outside the windows, as a negative number: the nearer it is after a
/// window, the less.
/// @param previous the last window before `row`, or null
inline double nab_false_alarm(index_t row, const row_range* previous,
                              const nab_profile& profile) noexcept {
    if (previous == nullptr) {
        return -profile.false_positive;
    }
    // A window of one row makes this infinite, hence far after it.
    const double position =
        static_cast<double>(row - (previous->end - 1)) / static_cast<double>(previous->size() - 1);
    return profile.false_positive * nab_sigmoid(position);
}

/// Calls `visit(row, window, worth)` for every row after the probationary period, where `window` is
/// the position of the window the row lies in, or -1.
template <class Visit>
void for_each_nab_row(const nab_recording& recording, const nab_profile& profile, Visit&& visit) {
    const auto rows = static_cast<index_t>(recording.scores.size());
    const auto windows = recording.windows;
    std::size_t next = 0; // the first window that does not end before the row
    for (index_t row = nab_probation(rows); row < rows; ++row) {
        while (next < windows.size() && windows[next].end <= row) {
            ++next;
        }
        if (next < windows.size() && windows[next].begin <= row) {
            visit(row, static_cast<index_t>(next), nab_reward(row, windows[next], profile));
        } else {
            const row_range* const previous = next == 0 ? nullptr : &windows[next - 1];
            visit(row, index_t{-1}, nab_false_alarm(row, previous, profile));
        }
    }
}

/// Windows with a row after the probationary period.
inline std::int64_t scored_nab_windows(const nab_recording& recording) noexcept {
    const index_t probation = nab_probation(static_cast<index_t>(recording.scores.size()));
    return std::count_if(recording.windows.begin(), recording.windows.end(),
                         [=](const row_range& window) { return window.end > probation; });
}

inline status check_nab(const char* caller, std::span<const nab_recording> recordings) noexcept {
    for (std::size_t r = 0; r < recordings.size(); ++r) {
        const auto& [scores, windows] = recordings[r];
        if (const status ordered = check_ordered(caller, "window", windows); !ordered) {
            return ordered;
        }
        if (!windows.empty() && windows.back().end > static_cast<index_t>(scores.size())) {
            return status::error(error_code::invalid_argument, caller,
                                 ": the last window of "
                                 "recording ",
                                 r, " ends at row ", windows.back().end, " of ", scores.size());
        }
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (!std::isfinite(scores[i])) {
                return status::error(error_code::invalid_data, caller, ": score ", i,
                                     " of recording ", r, " is ", scores[i]);
            }
        }
    }
    return {};
}

} // namespace detail

/// The raw NAB score at a threshold (Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection
/// Algorithms", ICMLA 2015). Per window the first detection counts, by how early it is; a window
/// without costs the false-negative weight; every detection outside of windows costs up to the
/// false-positive weight. normalised_nab_score() puts the sum on the scale that is published.
/// O(rows), never allocates.
/// @param recordings scores that are not finite give `invalid_data`; windows out of order or beyond
///                   the rows give `invalid_argument`
/// @param threshold  scores at least this high are detections; infinity detects nothing
inline result<nab_result> nab_score(std::span<const nab_recording> recordings, double threshold,
                                    const nab_profile& profile = nab_standard) noexcept {
    if (const status usable = detail::check_nab("nab_score", recordings); !usable) {
        return usable;
    }
    nab_result sum;
    sum.threshold = threshold;
    for (const nab_recording& recording : recordings) {
        const std::int64_t windows = detail::scored_nab_windows(recording);
        sum.windows += windows;
        sum.raw -= profile.false_negative * static_cast<double>(windows);
        index_t detected = -1; // the last window with a detection
        detail::for_each_nab_row(
            recording, profile, [&](index_t row, index_t window, double worth) {
                const bool flagged = recording.scores[static_cast<std::size_t>(row)] >= threshold;
                sum.rows.add(flagged, window >= 0);
                if (!flagged || (window >= 0 && window == detected)) {
                    return;
                }
                sum.raw += worth;
                if (window >= 0) {
                    // Rewards fall along a window, so the first detection is the best.
                    sum.raw += profile.false_negative;
                    detected = window;
                }
            });
    }
    return sum;
}

/// The threshold that maximises the raw score over all recordings together, which is what NAB
/// publishes; among equals the highest. It looks at the labels. O(rows log rows), allocates.
/// @param recordings as for nab_score
/// @return the score at the best threshold, which is one of the scores, or infinity when detecting
///         nothing is best
inline result<nab_result> best_nab_threshold(std::span<const nab_recording> recordings,
                                             const nab_profile& profile = nab_standard) {
    if (const status usable = detail::check_nab("best_nab_threshold", recordings); !usable) {
        return usable;
    }
    struct scored_row {
        double score;
        double worth;
        index_t window; // among all recordings; -1 outside
    };
    std::vector<scored_row> rows;
    index_t windows = 0;
    for (const nab_recording& recording : recordings) {
        detail::for_each_nab_row(
            recording, profile, [&](index_t row, index_t window, double worth) {
                rows.push_back({recording.scores[static_cast<std::size_t>(row)], worth,
                                window < 0 ? window : windows + window});
            });
        windows += static_cast<index_t>(recording.windows.size());
    }
    std::sort(rows.begin(), rows.end(),
              [](const auto& a, const auto& b) { return a.score > b.score; });
    // A missed window counts the same negative number at every threshold until it is hit.
    std::vector<double> earned(static_cast<std::size_t>(windows), -profile.false_negative);
    double best_threshold = std::numeric_limits<double>::infinity();
    double best_gain = 0;
    double gain = 0; // raw score minus the score of detecting nothing
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].window < 0) {
            gain += rows[i].worth;
        } else {
            double& window = earned[static_cast<std::size_t>(rows[i].window)];
            gain += std::max(rows[i].worth - window, 0.0);
            window = std::max(window, rows[i].worth);
        }
        const bool last_of_equals = i + 1 == rows.size() || rows[i + 1].score < rows[i].score;
        if (last_of_equals && gain > best_gain) {
            best_gain = gain;
            best_threshold = rows[i].score;
        }
    }
    return nab_score(recordings, best_threshold, profile);
}

} // namespace tocsin
