/// @file event_counts.hpp
/// @brief Detected, missed and false events, counted as in telemanom's evaluation.
#pragma once

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Which true events a predicted one detects when it overlaps several.
enum class event_credit : std::uint8_t {
    first, ///< only the earliest, as in telemanom's program
    every  ///< all of them
};

/// Counts events. A true event overlapped by any number of predicted ones is a true positive, one
/// without is a false negative, and a predicted event that overlaps none is a false positive
/// (Hundman et al., KDD 2018). The counts give precision, recall and F-beta.
///
/// A detector that flags all rows as one event gets a perfect score when each recording has one
/// true event: report flagged_fraction() of the rows with these counts. O(predicted * log truth +
/// overlaps); allocates one byte per true event.
/// @param predicted in any order; an empty range gives `invalid_argument`
/// @param truth     in order of time, without overlap, else `invalid_argument`
/// @return true_negatives is 0: there are no events where nothing happens.
inline result<confusion_counts> count_events(std::span<const row_range> predicted,
                                             std::span<const row_range> truth,
                                             event_credit credit = event_credit::first) {
    if (const status ordered = detail::check_ordered("count_events", "true event", truth);
        !ordered) {
        return ordered;
    }
    std::vector<std::uint8_t> detected(truth.size());
    confusion_counts counts;
    for (std::size_t i = 0; i < predicted.size(); ++i) {
        if (predicted[i].end <= predicted[i].begin) {
            return status::error(error_code::invalid_argument, "count_events: predicted event ", i,
                                 " has the rows ", predicted[i].begin, " to ", predicted[i].end,
                                 " (exclusive), which are none");
        }
        const auto first =
            std::partition_point(truth.begin(), truth.end(), [&](const row_range& event) {
                return event.end <= predicted[i].begin;
            });
        if (first == truth.end() || !first->overlaps(predicted[i])) {
            ++counts.false_positives;
            continue;
        }
        for (auto event = first; event != truth.end() && event->overlaps(predicted[i]); ++event) {
            detected[static_cast<std::size_t>(event - truth.begin())] = 1;
            if (credit == event_credit::first) {
                break;
            }
        }
    }
    counts.true_positives = std::count(detected.begin(), detected.end(), std::uint8_t{1});
    counts.false_negatives = static_cast<std::int64_t>(truth.size()) - counts.true_positives;
    return counts;
}

} // namespace tocsin
