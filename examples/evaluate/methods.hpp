/// @file methods.hpp
/// @brief Ways to score the rows of a recording, all called alike.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace evaluate {

/// A recording as a method sees it: without labels.
struct scoring_task {
    tocsin::matrix<double> values;           ///< `[features x rows]`, finite
    std::vector<tocsin::row_range> training; ///< rows to learn from
    int targets = 1;  ///< the first features are measured; others (commands) may help
    int period = 125; ///< rows; where the series has none, a usual window
    std::uint64_t seed = 1;
    std::optional<int> epochs = {}; ///< instead of those of the method
    /// Where windows of one period begin when they are units of their own, such as weeks; else they
    /// begin everywhere.
    std::vector<tocsin::index_t> units = {};

    tocsin::index_t rows() const noexcept { return values.cols(); }
    /// The training rows one after the other, `[features x rows]`.
    tocsin::matrix<double> training_values() const;
    /// Standard deviation of each target in the training rows; where it is 0, that in all rows, or
    /// 1.
    tocsin::column<double> target_scale() const;
};

/// Learns from the training rows and gives each row a number, higher = more anomalous, NaN where it
/// has none. The order of rows is that of time; a method that looks ahead says so.
struct method {
    std::string name;
    bool seeded = false;    ///< whether runs differ by the seed
    bool forecasts = false; ///< errors are |measured - predicted| in units of the first target
    bool smooth = true;     ///< whether the protocols average errors over a period
    nlohmann::ordered_json settings;
    std::function<tocsin::result<std::vector<double>>(const scoring_task&)> errors;
};

inline constexpr const char* autoregression_name = "linear autoregression";
inline constexpr const char* window_pca_name = "PCA of windows, Q";

/// The simple ones: last value, seasonal last value, autoregression, PCA of windows, z-score.
std::vector<method> comparators();
method lstm_forecaster();
method lstm_encoder_decoder();

/// Period of the first feature, 125 rows where it has none between 4 and 300 (as TSB-AD decides
/// it).
int period_of(const tocsin::matrix<double>& values);

/// Errors averaged over `rows`, centred; rows without an error get the mean of the others.
std::vector<double> smoothed(std::span<const double> errors, int rows);

} // namespace evaluate
