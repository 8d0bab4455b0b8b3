/// @file console.hpp
/// @brief What a command prints: results on standard output, messages on standard error.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace tocsin_cli {

/// The options --json and --quiet, which every command has.
class console {
  public:
    void add_options(CLI::App& command);

    bool json() const noexcept { return json_; }
    bool quiet() const noexcept { return quiet_; }
    /// Whether to draw a progress bar: on a terminal, unless --quiet is given.
    bool shows_progress() const noexcept;

    /// A message for people, on standard error; nothing with --quiet.
    void note(const std::string& text) const;
    /// A line of the result for people, on standard output; nothing with --json or --quiet.
    void say(const std::string& text) const;
    /// The result for machines, on standard output; nothing without --json.
    void report(const nlohmann::ordered_json& result) const;

  private:
    bool json_ = false;
    bool quiet_ = false;
};

/// Text for a terminal: control characters other than the end of a line become `?`.
std::string printable(std::string_view text);
/// A number with at most six significant digits, for people.
std::string shown(double value);
/// JSON as text; NaN and infinity become null, bytes that are not UTF-8 the replacement character.
/// @param indent spaces per level, -1 for a single line
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

} // namespace tocsin_cli
