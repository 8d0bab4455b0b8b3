/// @file nasa_channels.hpp
/// @brief The telemetry channels of SMAP and MSL with their events.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace evaluate {

struct nasa_channel {
    std::string spacecraft;
    std::vector<tocsin::row_range> events; ///< of the test part
};

/// The labelled channels by name, from labels.csv below `directory`.
tocsin::result<std::map<std::string, nasa_channel>>
read_nasa_channels(const std::filesystem::path& directory);

/// Values of a channel `[features x rows]`, the measured one first; a missing value repeats the
/// last one.
tocsin::result<tocsin::matrix<double>> read_nasa_values(const std::filesystem::path& path);

} // namespace evaluate
