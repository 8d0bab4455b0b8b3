/// @file event_outcome.hpp
/// @brief Events found, missed and false, and the number of flagged rows.
#pragma once

#include "tocsin/metrics/event_based.hpp"
#include "tocsin/metrics/event_counts.hpp"

#include "metrics.hpp"
#include <cstdint>
#include <span>

namespace evaluate {

/// Counts of events, of rows, and delays, for a line of results.
struct event_outcome {
    tocsin::confusion_counts events;
    tocsin::confusion_counts rows;
    tocsin::detection_delay delay;

    /// @param events in order of time, without overlap
    static tocsin::result<event_outcome> of(std::span<const std::uint8_t> flags,
                                            std::span<const std::uint8_t> labels,
                                            std::span<const tocsin::row_range> events) {
        const auto found = tocsin::count_events(tocsin::runs_of(flags), events);
        const auto rows = tocsin::count_confusion(flags, labels);
        const auto delay = tocsin::measure_detection_delay(flags, labels);
        if (!found || !rows || !delay) {
            return found ? (rows ? delay.error() : rows.error()) : found.error();
        }
        return event_outcome{*found, *rows, *delay};
    }
    event_outcome& operator+=(const event_outcome& other) {
        events += other.events;
        rows += other.rows;
        delay += other.delay;
        return *this;
    }
    metrics values() const {
        metrics read = metrics::of(events);
        read.tn = read.far = read.mar = {};
        read.f0_5 = events.f_beta(0.5);
        read.flagged_fraction = rows.flagged_fraction();
        if (delay.detected > 0) {
            read.mean_delay = delay.mean();
        }
        return read;
    }
};

} // namespace evaluate
