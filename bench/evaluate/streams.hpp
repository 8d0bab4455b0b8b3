/// @file streams.hpp
/// @brief Scoring of streams: forecasts that adapt, surprises, alarms. Past rows only.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace evaluate {

/// A stream of one value per row. Methods may read it to the end, but their result for a row must
/// not depend on later ones.
struct stream_task {
    std::span<const double> values; ///< finite
    tocsin::index_t probation = 0;  ///< first rows that are not judged
    tocsin::index_t day = 288;      ///< rows per day
    std::uint64_t seed = 1;
    std::optional<int> epochs = {};

    tocsin::index_t rows() const noexcept { return static_cast<tocsin::index_t>(values.size()); }
};

/// Forecast errors, one per row, 0 if there is no forecast yet.
struct stream_method {
    std::string name;
    bool seeded = false;
    nlohmann::ordered_json settings;
    std::function<tocsin::result<std::vector<double>>(const stream_task&)> errors;
};

/// The LSTM forecaster, the feed-forward network, autoregression, last value, trailing mean.
std::vector<stream_method> stream_methods();

/// The unit of an error, from the last 4000 errors. The quantile ignores rare bursts, the mean
/// square is sensitive to them.
enum class surprise_scale : std::uint8_t {
    quantile,         ///< 0.99
    root_mean_square, //
    both              ///< their geometric mean
};
const char* name_of(surprise_scale scale) noexcept;

/// When a stream raises an alarm.
struct alarm_rule {
    surprise_scale scale = surprise_scale::both;
    double quiet_days = 1; ///< after a higher score
    double threshold = 2.3;

    /// Every setting, also of surprises().
    nlohmann::ordered_json settings() const;
};

/// The rule for all streams; docs/evaluation.md describes how it was chosen, --choose-settings
/// shows it.
inline constexpr alarm_rule chosen_alarm_rule;

/// How much an error exceeds those before it: |error| / scale.
std::vector<double> surprises(std::span<const double> errors, const stream_task& task,
                              surprise_scale scale_kind = chosen_alarm_rule.scale);

/// Keeps a score only if it is higher than all scores of the `rows` before, so that one anomaly
/// raises one alarm; others become 0.
std::vector<double> new_heights(std::span<const double> scores, tocsin::index_t rows);

/// The largest surprise of those at `parts`, where it is a new maximum.
std::vector<double> alarm_scores(const alarm_rule& rule,
                                 const std::vector<std::vector<double>>& surprises,
                                 std::span<const std::size_t> parts, tocsin::index_t day);

/// The novelty of each value (tocsin::nearest_value), and which rows raise alarms.
struct novelty_rule {
    int memory = 4000;
    double threshold = 0.15; ///< standard deviations of the values in memory

    nlohmann::ordered_json settings() const;
};
inline constexpr novelty_rule chosen_novelty_rule;
/// The score of every row, 0 if it has none.
std::vector<double> novelty_scores(const novelty_rule& rule, const stream_task& task);
/// The scores of the rows that raise an alarm, 0 in others: after an alarm there is no other for a
/// fifth of the probation (tocsin::refractory_period).
std::vector<double> first_alarms(const novelty_rule& rule, std::span<const double> scores,
                                 tocsin::index_t probation);

/// The suites' own way to score streams, as positions in stream_methods(): forecasts of two kinds,
/// and the level, since each misses some anomalies.
inline constexpr std::array<std::size_t, 3> own_stream_parts = {0, 2, 4};

} // namespace evaluate
