/// @file event_charts.hpp
/// @brief Charts of the residuals of several forecasts, for events.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include "event_rule.hpp"
#include "held_out_errors.hpp"
#include <cstddef>
#include <span>
#include <vector>

namespace evaluate {

/// The input of event_scores(): for each forecast the smoothed error, which shows peaks, and the
/// level chart of its residuals (tocsin::residual_charts), which shows lasting changes.
/// @param parts    positions in `rows`
/// @param training the rows that the charts learn from; the charts restart after them
std::vector<std::vector<double>> charted(const event_rule& rule, const held_out& rows,
                                         std::span<const std::size_t> parts,
                                         tocsin::row_range training);

/// Charts on the scale of expected false alarms, which need only earlier rows (once the residuals
/// are known): for each forecast the second smallest of {magnitude, level, variance}, then the
/// number of forecasts times the smallest of these.
struct promised_charts {
    double promised = 1;          ///< clusters of false alarms in 10 000 rows
    tocsin::index_t warm_up = 64; ///< first rows of a part that are not judged
    tocsin::index_t buffer = 100; ///< rows around an anomalous one that belong to it

    nlohmann::ordered_json settings() const;

    /// -log10 of the expected false alarms of every row; -9 if there is no score.
    std::vector<double> scores(const held_out& rows, std::span<const std::size_t> parts,
                               tocsin::row_range training) const;
    /// The score from which a row is anomalous.
    double threshold() const noexcept;
    /// Nonzero if a row is anomalous.
    /// @param scores of one part
    std::vector<std::uint8_t> flags(std::span<const double> scores) const;
};

} // namespace evaluate
