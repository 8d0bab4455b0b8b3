/// @file report.hpp
/// @brief Results as a table for people, as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "suite.hpp"
#include <cstdint>
#include <string>

namespace evaluate {

/// Table of the files, the total, what others have published. Columns that no line has are left
/// out.
std::string table(const suite& which, const suite_result& outcome);

/// The content of results.json: metrics that the suite does not define are left out, those that
/// are not a number are null.
nlohmann::ordered_json to_json(const suite& which, const suite_result& outcome, std::uint64_t seed,
                               double seconds);

} // namespace evaluate
