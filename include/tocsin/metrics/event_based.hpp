/// @file event_based.hpp
/// @brief Recall of events with precision of rows, and the delay until an event is detected.
#pragma once

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/precision_recall.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// How soon and how often events are detected; an event is a run of anomalous rows.
struct detection_delay {
    std::int64_t detected = 0; ///< events with a flagged row
    std::int64_t missed = 0;   ///< events without one
    std::int64_t rows = 0;     ///< from the first row of an event to its first flag, summed

    /// Mean number of rows from the start of an event to its first flag, over the detected events;
    /// 0 = on the first row. NaN when none is detected.
    double mean() const noexcept {
        return detected == 0 ? std::numeric_limits<double>::quiet_NaN()
                             : static_cast<double>(rows) / static_cast<double>(detected);
    }
    /// detected / all events; 0 without events.
    double recall() const noexcept {
        return detected == 0
                   ? 0.0
                   : static_cast<double>(detected) / static_cast<double>(detected + missed);
    }
    /// Adds the events of another recording.
    detection_delay& operator+=(const detection_delay& other) noexcept {
        detected += other.detected;
        missed += other.missed;
        rows += other.rows;
        return *this;
    }
};

/// Looks for the first flag in every event. O(rows), never allocates.
/// @param flags  one per row, nonzero = flagged
/// @param labels one per row (else `invalid_argument`), nonzero = anomalous
inline result<detection_delay>
measure_detection_delay(std::span<const std::uint8_t> flags,
                        std::span<const std::uint8_t> labels) noexcept {
    if (const status usable = detail::check_flags("measure_detection_delay", flags, labels);
        !usable) {
        return usable;
    }
    detection_delay delays;
    for_each_run(labels, [&](const row_range& event) {
        index_t row = event.begin;
        while (row < event.end && flags[static_cast<std::size_t>(row)] == 0) {
            ++row;
        }
        if (row == event.end) {
            ++delays.missed;
        } else {
            ++delays.detected;
            delays.rows += row - event.begin;
        }
    });
    return delays;
}

/// Event-based score: recall is the share of the events with a flagged row, precision the share of
/// the flagged rows that are anomalous (Garg et al., "An Evaluation of Anomaly Detection and
/// Diagnosis in Multivariate Time Series", IEEE TNNLS 2021, where it is the composite F-score).
/// Unlike recall, precision weighs long false alarms, so that flagging everything does not pay.
/// O(rows), never allocates.
/// @param flags  one per row, nonzero = flagged; none flagged gives precision 0
/// @param labels one per row (else `invalid_argument`), nonzero = anomalous; none anomalous gives
///               `invalid_data`
inline result<precision_recall> event_based_score(std::span<const std::uint8_t> flags,
                                                  std::span<const std::uint8_t> labels) noexcept {
    const auto counts = count_confusion(flags, labels);
    if (!counts) {
        return counts.error();
    }
    if (counts->anomalous() == 0) {
        return status::error(error_code::invalid_data, "event_based_score: none of the ",
                             labels.size(), " rows is anomalous");
    }
    return precision_recall{counts->precision(), measure_detection_delay(flags, labels)->recall()};
}

} // namespace tocsin
