/// @file promise.hpp
/// @brief Whether a promised rate of false alarms is kept on normal test rows.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include "metrics.hpp"
#include "suite.hpp"
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace evaluate {

/// Clusters of false alarms in 10 000 rows that are promised: 10 in 1000, 1 in 1000, 1 in 10 000.
inline constexpr std::array stated_promises = {100.0, 10.0, 1.0};
/// The one reported as promised_rate, realised_rate and realised_over_promised.
inline constexpr std::size_t reported_promise = 1;

/// Promised and realised false alarms of one method in the files of a suite.
class promise_counts {
  public:
    /// Fits tocsin::alarm_rate to the scores of normal rows, once per promise, and counts clusters
    /// above its level whose peak exceeds its threshold in the test rows without an anomaly label.
    /// Nothing if too few scores can be fitted or no test row is normal.
    /// @param scores of all rows, in order of time, finite
    /// @param fitted held-out rows whose scores are normal
    /// @param tested rows to count in
    /// @param labels nonzero = anomalous, one per row
    /// @param file   gets the reported promise (rates per 10 000 rows)
    void add(std::span<const double> scores, tocsin::row_range fitted, tocsin::row_range tested,
             std::span<const std::uint8_t> labels, metrics& file);

    /// The same from expected false alarms in 10 000 rows (tocsin::alarm_rate) of the test rows,
    /// which need no threshold.
    /// @param level expected false alarms below which a row keeps a cluster going, those of the level
    ///              of the rule; 0 where several rules are combined, which have no level in common: then
    ///              only rows within the promise do
    /// @param gap   rows that end a cluster
    void add_expected(std::span<const double> expected, double level, tocsin::index_t gap,
                      std::span<const std::uint8_t> labels, metrics& file);

    /// The reported promise of all files: the median of the ratio, the mean of the rates.
    void summarise(metrics& totals) const;
    /// Each promise, over all files that were added.
    std::vector<promise_line> lines() const;

  private:
    struct counts {
        double clusters = 0;
        double rows = 0;
        double found = 0;
        double events = 0;
    };
    /// Counts the clusters of one file above a level whose peaks exceed one threshold.
    /// @param scores of the test rows, as many as labels
    void count(std::size_t promise, std::span<const double> scores, double level, double threshold,
               tocsin::index_t gap, std::span<const std::uint8_t> labels, metrics& file);

    std::array<std::vector<counts>, stated_promises.size()> files_;
};

} // namespace evaluate
