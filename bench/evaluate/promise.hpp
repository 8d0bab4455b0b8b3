/// @file promise.hpp
/// @brief Whether a promised rate of false alarms is kept on the normal rows of a test.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include "metrics.hpp"
#include <cstdint>
#include <span>

namespace evaluate {

/// Clusters of false alarms promised in 10 000 rows, wherever a suite reports them.
inline constexpr double reported_promise = 10;

/// Fits tocsin::alarm_rate to the scores of normal rows and counts clusters above its threshold in
/// the test rows that no label names. Sets promised_rate, realised_rate (per 10 000 rows) and
/// realised_over_promised; nothing where too few scores can be fitted or no test row is normal.
/// @param scores of all rows, in order of time, finite
/// @param fitted rows whose scores are normal and not learned from
/// @param tested rows to count in
/// @param labels nonzero = anomalous, one per row
void report_promise(std::span<const double> scores, tocsin::row_range fitted,
                    tocsin::row_range tested, std::span<const std::uint8_t> labels,
                    metrics& values);

/// The same three numbers of several files: the median of the quotient, the mean of the rates.
void summarise_promises(std::span<const metrics> files, metrics& totals);

} // namespace evaluate
