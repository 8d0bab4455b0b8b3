/// @file generated_streams.hpp
/// @brief Artificial streams with anomalies: settings for streams are chosen on them.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include <cstdint>
#include <vector>

namespace evaluate {

/// 14 days of a metric, one row every 5 minutes.
struct generated_stream {
    static constexpr tocsin::index_t day = 288;

    std::vector<double> values;             ///< finite
    std::vector<tocsin::row_range> windows; ///< in order of time, without overlap
};

/// Streams of five kinds in turn: a daily profile with noise, counts of requests, a load that is
/// switched on and off, a level that wanders, bursts over a quiet background. Sizes and noise
/// differ from stream to stream.
///
/// Each has up to three anomalies after its first 15 %: a spike, a shift, a frozen value, a
/// different noise, a different phase of the day, a drop to the lowest value. As in NAB, windows
/// share 10 % of the rows and are centred at the start of the anomaly.
std::vector<generated_stream> generate_streams(int count, std::uint64_t seed);

} // namespace evaluate
