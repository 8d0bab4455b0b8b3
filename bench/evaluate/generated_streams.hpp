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
/// switched on and off, a level that wanders, bursts over a quiet ground. Sizes and noise differ
/// from stream to stream.
///
/// Each has up to three anomalies after its first 15 %: a spike, a shift, a frozen value, another
/// noise, another phase of the day, a drop to the lowest value. As NAB does it, windows share 10 %
/// of the rows and are centred where the anomaly begins.
std::vector<generated_stream> generate_streams(int count, std::uint64_t seed);

} // namespace evaluate
