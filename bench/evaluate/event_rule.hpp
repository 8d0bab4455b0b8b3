/// @file event_rule.hpp
/// @brief Decides which rows of a recording are anomalous, without any label.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include "contenders.hpp"
#include <cstdint>
#include <span>
#include <vector>

namespace evaluate {

/// How several methods are combined into one score.
enum class consensus : std::uint8_t {
    mean,
    median,
    second_highest ///< high where two methods agree; for a single method, its score
};
const char* name_of(consensus kind) noexcept;

/// Errors are smoothed and divided by a quantile of the smoothed errors in training rows;
/// the methods' numbers make one score per row; rows above the threshold are anomalous.
struct event_rule {
    tocsin::index_t warm_up = 64; ///< first rows of a part that are neither normal nor judged
    int smoothing = 30;           ///< rows of the centred mean of errors
    double quantile = 0.99;       ///< of the errors in training rows, the unit of a method's errors
    consensus combined = consensus::second_highest;
    double threshold = 1.5;       ///< of the combined scores
    double pruning = 0.8;         ///< rows below this share of the highest score are not anomalous
    tocsin::index_t buffer = 100; ///< rows around an anomalous one that belong to it

    /// Every member, for the results.
    nlohmann::ordered_json settings() const;
};

/// The setting for all recordings of a suite; docs/evaluation.md describes how it was chosen,
/// --choose-settings shows it.
inline constexpr event_rule chosen_event_rule;

/// One score per row from series that are high where a row is anomalous.
/// @param series   of all rows, one per method or chart, finite and not negative
/// @param training the rows in which the series are normal
std::vector<double> event_scores(const event_rule& rule, std::vector<std::vector<double>> series,
                                 tocsin::row_range training);

/// The same from errors, which are smoothed first.
/// @param errors   per method of the contender's set, one per row, held out
/// @param training the rows whose errors are normal
std::vector<double> event_scores(const event_rule& rule, const contender& which,
                                 const std::vector<std::vector<double>>& errors,
                                 tocsin::row_range training);

/// The score that a row must exceed, or reach if pruning decides, to be anomalous.
double lowest_called(const event_rule& rule, std::span<const double> scores);

/// Nonzero if a row is anomalous.
std::vector<std::uint8_t> event_flags(const event_rule& rule, std::span<const double> scores);

} // namespace evaluate
