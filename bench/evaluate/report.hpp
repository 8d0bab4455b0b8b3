/// @file report.hpp
/// @brief Results as a table for people, as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "suite.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace evaluate {

/// A suite run with one seed.
struct seed_run {
    std::uint64_t seed = 0;
    double seconds = 0;
    suite_result outcome;
};

/// Table of the files (of the suite's own method), the totals and groups of all methods as means
/// over the seeds with their spread, published results. Columns that no line has are left out.
/// @param runs at least one; methods that do not depend on the seed are in the first only
std::string table(const suite& which, const std::vector<seed_run>& runs);

/// The defined metrics, by their names in results.json.
nlohmann::ordered_json to_json(const metrics& values);

/// The content of results.json: metrics that the suite does not define are left out, those that
/// are not a number are null.
nlohmann::ordered_json to_json(const suite& which, const std::vector<seed_run>& runs);

} // namespace evaluate
