/// @file echo.hpp
/// @brief What a command read, and warnings about it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "console.hpp"
#include "input.hpp"
#include <string>
#include <vector>

namespace tocsin_cli {

/// What was read, one line per fact.
std::vector<std::string> describe(const input_data& data);
/// The same as JSON.
nlohmann::ordered_json describe_json(const input_data& data);
/// Warnings, one line each. Data that was read for a model has none about its columns.
std::vector<std::string> warnings_of(const input_data& data);

/// Prints both: facts as part of the result, warnings as messages.
void echo(const input_data& data, const console& out);

} // namespace tocsin_cli
