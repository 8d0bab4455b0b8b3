/// @file point_adjusted.hpp
/// @brief Confusion counts after point adjustment, for comparison with papers that report them.
#pragma once

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// Confusion counts of the rows when every row of an event counts as flagged as soon as one of them
/// is (Xu et al., WWW 2018).
///
/// @warning Random scores do well with it: a long event is hit by chance somewhere, and then all
/// its rows are true positives. On common data sets random scores beat published models (Kim et
/// al., "Towards a Rigorous Evaluation of Time-Series Anomaly Detection", AAAI 2022). Never choose
/// or recommend a detector by it. O(rows), never allocates.
/// @param flags  one per row, nonzero = flagged
/// @param labels one per row (else `invalid_argument`), nonzero = anomalous
inline result<confusion_counts>
point_adjusted_confusion(std::span<const std::uint8_t> flags,
                         std::span<const std::uint8_t> labels) noexcept {
    auto counts = count_confusion(flags, labels);
    if (!counts) {
        return counts;
    }
    for_each_run(labels, [&](const row_range& event) {
        std::int64_t flagged = 0;
        for (index_t row = event.begin; row < event.end; ++row) {
            flagged += flags[static_cast<std::size_t>(row)] != 0;
        }
        if (flagged > 0) {
            counts->true_positives += event.size() - flagged;
            counts->false_negatives -= event.size() - flagged;
        }
    });
    return counts;
}

} // namespace tocsin
