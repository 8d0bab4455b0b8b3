/// @file confusion.hpp
/// @brief Confusion counts of a binary detector, and the rates derived from them.
#pragma once

#include "tocsin/core/status.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// How often a detector was right and wrong; "positive" means anomalous.
///
/// Every rate lies in [0, 1]. A rate with a zero denominator is 0, as with scikit-learn's
/// `zero_division=0`: the precision of a detector that never fires is 0, not 1. Nothing here
/// allocates.
struct confusion_counts {
    std::int64_t true_positives = 0;  ///< anomalous, flagged
    std::int64_t false_positives = 0; ///< normal, flagged
    std::int64_t false_negatives = 0; ///< anomalous, not flagged
    std::int64_t true_negatives = 0;  ///< normal, not flagged

    /// Counts one decision.
    constexpr void add(bool flagged, bool anomalous) noexcept {
        (flagged ? (anomalous ? true_positives : false_positives)
                 : (anomalous ? false_negatives : true_negatives)) += 1;
    }
    /// Adds the decisions of another batch.
    constexpr confusion_counts& operator+=(const confusion_counts& other) noexcept {
        true_positives += other.true_positives;
        false_positives += other.false_positives;
        false_negatives += other.false_negatives;
        true_negatives += other.true_negatives;
        return *this;
    }
    /// Equal in all four counts.
    friend constexpr bool operator==(const confusion_counts&,
                                     const confusion_counts&) noexcept = default;

    /// Anomalous items, TP + FN.
    constexpr std::int64_t anomalous() const noexcept { return true_positives + false_negatives; }
    /// Normal items, FP + TN.
    constexpr std::int64_t normal() const noexcept { return false_positives + true_negatives; }
    /// All items.
    constexpr std::int64_t total() const noexcept { return anomalous() + normal(); }

    /// (TP + TN) / all.
    constexpr double accuracy() const noexcept {
        return ratio(static_cast<double>(true_positives + true_negatives),
                     static_cast<double>(total()));
    }
    /// TP / (TP + FP): the share of the alarms that were right.
    constexpr double precision() const noexcept {
        return ratio(static_cast<double>(true_positives),
                     static_cast<double>(true_positives + false_positives));
    }
    /// TP / (TP + FN): the share of the anomalous items that were flagged.
    constexpr double recall() const noexcept {
        return ratio(static_cast<double>(true_positives), static_cast<double>(anomalous()));
    }
    /// FP / (FP + TN): the share of the normal items that were flagged.
    constexpr double false_alarm_rate() const noexcept {
        return ratio(static_cast<double>(false_positives), static_cast<double>(normal()));
    }
    /// FN / (FN + TP): the share of the anomalous items that were not flagged.
    constexpr double missed_alarm_rate() const noexcept {
        return ratio(static_cast<double>(false_negatives), static_cast<double>(anomalous()));
    }
    /// (TP + FP) / all: the share of the items that were flagged. Report it with event scores,
    /// because a detector that flags everything misses no event.
    constexpr double flagged_fraction() const noexcept {
        return ratio(static_cast<double>(true_positives + false_positives),
                     static_cast<double>(total()));
    }
    /// (1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP), the weighted harmonic mean of
    /// precision and recall (van Rijsbergen, "Information Retrieval", 1979).
    /// @param beta at least 0; 0 gives the precision, 1 weights both equally, infinity gives the
    ///             recall; NaN gives NaN
    constexpr double f_beta(double beta) const noexcept {
        const double square = beta * beta;
        // Beyond 1e30, no count moves the quotient away from the recall, and products could
        // overflow.
        if (square > 1e30) {
            return recall();
        }
        // This form instead of 2PR/(P+R): for whole beta^2 both sides of the fraction are exact, so
        // equal values compare equal and ties between thresholds are real ties.
        const double hits = (1 + square) * static_cast<double>(true_positives);
        const double misses =
            square * static_cast<double>(false_negatives) + static_cast<double>(false_positives);
        return ratio(hits, hits + misses);
    }

  private:
    static constexpr double ratio(double part, double whole) noexcept {
        return whole == 0 ? 0.0 : part / whole;
    }
};

/// Counts the decisions of a detector against the truth. Never allocates; no items give zero
/// counts.
/// @param flags  one per item, nonzero = flagged
/// @param labels one per item, nonzero = anomalous; `invalid_argument` when there are more or fewer
inline result<confusion_counts> count_confusion(std::span<const std::uint8_t> flags,
                                                std::span<const std::uint8_t> labels) noexcept {
    if (flags.size() != labels.size()) {
        return status::error(error_code::invalid_argument, "count_confusion: ", flags.size(),
                             " flags but ", labels.size(), " labels");
    }
    confusion_counts counts;
    for (std::size_t i = 0; i < flags.size(); ++i) {
        counts.add(flags[i] != 0, labels[i] != 0);
    }
    return counts;
}

} // namespace tocsin
