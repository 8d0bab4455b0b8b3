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
/// Prints of recordings that were read for a model how many rows there are and in which order, and
/// warnings.
void echo_rows(const input_data& data, const console& out);

/// A warning of words that are read as 1 or 0 among numbers.
/// @param name   of their column
/// @param source the file
std::string warning_of(const tocsin::csv_switch_words& words, const std::string& name,
                       const std::string& source);
/// What is wrong with cells such as ####, without how many there are.
std::string warning_of(const tocsin::csv_cut_cells& cut, const std::string& source);
/// The same for values in columns that were taken for empty.
std::string warning_of(const tocsin::csv_unread_cells& unread, const std::string& source);
/// A message that the dates in a file may be read in several orders.
std::string ambiguity_note(const std::string& path, const tocsin::date_order_study& dates);
/// A message that the first row of numbers may be the names of the columns.
std::string numeric_names_note(const std::string& path, const tocsin::csv_dialect& dialect);
/// A message that rows do not stand in the order of time.
std::string disorder_note(const std::string& path, const tocsin::time_facts& time);
/// A message that the last rows have no time, but this text.
std::string footer_note(const std::string& path, const std::string& text);

} // namespace tocsin_cli
