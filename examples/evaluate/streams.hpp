/// @file streams.hpp
/// @brief Scoring of streams: forecasts that adapt, surprise, and one alarm a day. Past rows only.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace evaluate {

/// A stream of one value per row. Methods may read it to the end, but what they say of a row must
/// not depend on later ones.
struct stream_task {
    std::span<const double> values; ///< finite
    tocsin::index_t probation = 0;  ///< first rows that nobody judges
    tocsin::index_t day = 288;      ///< rows per day
    std::uint64_t seed = 1;
    std::optional<int> epochs = {};

    tocsin::index_t rows() const noexcept { return static_cast<tocsin::index_t>(values.size()); }
};

/// Forecast errors, one per row, 0 where there is no forecast yet.
struct stream_method {
    std::string name;
    bool seeded = false;
    nlohmann::ordered_json settings;
    std::function<tocsin::result<std::vector<double>>(const stream_task&)> errors;
};

/// The LSTM forecaster, the feed-forward network, autoregression, last value, trailing mean.
std::vector<stream_method> stream_methods();

/// How much an error exceeds those before it: geometric mean of |error| / 0.99 quantile and
/// |error| / root mean square, both of the last 4000 errors. Both scales are needed: the quantile
/// ignores rare bursts, the mean square is sensitive to them.
std::vector<double> surprises(std::span<const double> errors, const stream_task& task);

/// A score stands only when it is higher than all scores of the day before, so that one anomaly is
/// one alarm; others become 0.
std::vector<double> one_a_day(std::span<const double> scores, tocsin::index_t day);

/// Every setting of both.
nlohmann::ordered_json surprise_settings();

} // namespace evaluate
