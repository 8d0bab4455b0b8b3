/// @file report_page.hpp
/// @brief The pieces of a report's page, with everything from a file escaped.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tocsin_cli {

/// Numbers as base64 of their little-endian bytes.
std::string base64(std::span<const float> values);
std::string base64(std::span<const double> values);

/// Numbers as an element of the page that its script reads and removes.
/// @param name    letters, digits and hyphens
/// @param encoded by base64()
std::string page_block(std::string_view name, std::string_view encoded);

/// The page. No byte of its arguments can end an element or begin one.
/// @param title  any text
/// @param json   an object in JSON, which may contain any text
/// @param blocks by page_block(), one after the other
std::string page(std::string_view title, std::string_view json, std::string_view blocks);

} // namespace tocsin_cli
