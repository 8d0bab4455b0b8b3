/// @file gecco_methods.hpp
/// @brief Ways to score windows of a recording with labelled events.
#pragma once

#include "tocsin/core/status.hpp"

#include <nlohmann/json.hpp>

#include "gecco_data.hpp"
#include "progress.hpp"
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace evaluate {

/// The rows that a method may learn from, and those to score.
struct gecco_task {
    const gecco_series& data;
    std::vector<tocsin::row_range> learn; ///< rows with labels
    std::vector<tocsin::index_t> judged;  ///< first rows of the windows to be scored
    progress& shown;
    std::uint64_t seed = 1;
    std::optional<int> epochs = {}; ///< instead of those of the method
};

/// Gives each judged window a number, higher = more anomalous.
struct gecco_method {
    std::string name;
    bool labelled; ///< whether it reads labels
    bool seeded;   ///< whether scores depend on the seed
    nlohmann::ordered_json settings;
    std::function<tocsin::result<std::vector<double>>(const gecco_task&)> score;
};

/// Those that learn from labels, each without and with the calendar.
std::vector<gecco_method> labelled_methods();
/// Those that learn without labels.
std::vector<gecco_method> unlabelled_methods();

} // namespace evaluate
