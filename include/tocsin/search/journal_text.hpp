/// @file journal_text.hpp
/// @brief The lines of a search journal: JSON that this library writes and reads back.
#pragma once

#include "tocsin/io/number_text.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/search_trial.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Text as a JSON string; bytes beyond ASCII stay as they are.
inline std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char character : text) {
        const auto code = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            out += '\\';
            out += character;
        } else if (code < 0x20) {
            constexpr const char* digits = "0123456789abcdef";
            out += "\\u00";
            out += digits[code >> 4U];
            out += digits[code & 15U];
        } else {
            out += character;
        }
    }
    return out + '"';
}

/// A finite number with all its bits.
inline std::string json_number(double value) {
    number_text buffer{};
    return std::string(format_number(value, buffer));
}

/// Reads a line from left to right. Each function gives back whether it found what it looks for; after
/// the first miss all fail.
class journal_cursor {
  public:
    explicit journal_cursor(std::string_view line) : rest_{line} {}

    /// Exactly this text.
    bool skip(std::string_view expected) noexcept {
        if (good_ && rest_.substr(0, expected.size()) == expected) {
            rest_.remove_prefix(expected.size());
            return true;
        }
        return good_ = false;
    }
    /// Whether this text comes next; nothing is read.
    bool sees(std::string_view text) const noexcept {
        return good_ && rest_.substr(0, text.size()) == text;
    }
    /// A string, as json_string() writes it.
    bool text(std::string& out) {
        out.clear();
        if (!skip("\"")) {
            return false;
        }
        while (!rest_.empty() && rest_.front() != '"') {
            std::size_t used = 1;
            char character = rest_.front();
            if (character == '\\') {
                if (rest_.size() >= 2 && (rest_[1] == '"' || rest_[1] == '\\')) {
                    character = rest_[1];
                    used = 2;
                } else if (rest_.size() >= 6 && rest_.substr(0, 4) == "\\u00") {
                    unsigned code = 0;
                    const char* const begin = rest_.data() + 4;
                    const auto [end, failure] = std::from_chars(begin, begin + 2, code, 16);
                    if (failure != std::errc{} || end != begin + 2) {
                        return good_ = false;
                    }
                    character = static_cast<char>(code);
                    used = 6;
                } else {
                    return good_ = false;
                }
            }
            out += character;
            rest_.remove_prefix(used);
        }
        return skip("\"");
    }
    /// A finite number.
    bool number(double& out) noexcept {
        const auto parsed = parse_number<double>(token());
        if (!good_ || !parsed || !std::isfinite(*parsed)) {
            return good_ = false;
        }
        out = *parsed;
        return true;
    }
    /// A whole number of at most 64 bits.
    bool integer(std::int64_t& out) noexcept {
        const std::string_view digits = token();
        const auto [stop, failure] =
            std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return good_ = good_ && !digits.empty() && failure == std::errc{} &&
                       stop == digits.data() + digits.size();
    }
    /// Whether everything was found and nothing is left.
    bool at_end() const noexcept { return good_ && rest_.empty(); }

  private:
    std::string_view token() noexcept {
        const std::string_view found = rest_.substr(0, rest_.find_first_of(",]}"));
        rest_.remove_prefix(found.size());
        return found;
    }

    std::string_view rest_;
    bool good_ = true;
};

/// A trial as a line of JSON, without the line's end.
inline std::string line_of(const search_trial& trial, const search_space& space) {
    std::string line = "{\"trial\":" + std::to_string(trial.number) + ",\"settings\":{";
    for (std::size_t k = 0; k < space.size(); ++k) {
        const search_setting& setting = space.settings()[k];
        line += (k > 0 ? "," : "") + json_string(setting.name) + ':';
        line += setting.kind == setting_kind::choice ? json_string(space.text(k, trial.values[k]))
                                                     : json_number(trial.values[k]);
    }
    line += "},\"outcome\":" + json_string(name_of(trial.outcome)) + ",\"value\":";
    line += trial.outcome == trial_outcome::failed ? "null" : json_number(trial.value);
    line += ",\"reports\":[";
    for (const trial_report& report : trial.reports) {
        line += line.back() == '[' ? "[" : ",[";
        line += std::to_string(report.resource) + ',' + json_number(report.value) + ']';
    }
    return line + "],\"reason\":" + json_string(trial.reason) + '}';
}

/// The trial of a line; nothing where the line is not one of line_of() for this space.
inline std::optional<search_trial> trial_of(std::string_view line, const search_space& space) {
    journal_cursor cursor(line);
    search_trial trial;
    std::int64_t number = -1;
    cursor.skip("{\"trial\":");
    cursor.integer(number);
    cursor.skip(",\"settings\":{");
    std::string text;
    for (std::size_t k = 0; k < space.size(); ++k) {
        const search_setting& setting = space.settings()[k];
        double value = 0;
        cursor.skip((k > 0 ? "," : "") + json_string(setting.name) + ':');
        if (setting.kind == setting_kind::choice) {
            cursor.text(text);
            while (value <= setting.high &&
                   setting.choices[static_cast<std::size_t>(value)] != text) {
                ++value;
            }
        } else {
            cursor.number(value);
        }
        trial.values.push_back(value);
    }
    cursor.skip("},\"outcome\":");
    cursor.text(text);
    bool known = false;
    for (const auto outcome :
         {trial_outcome::finished, trial_outcome::stopped, trial_outcome::failed}) {
        if (text == name_of(outcome)) {
            trial.outcome = outcome;
            known = true;
        }
    }
    cursor.skip(",\"value\":");
    trial.outcome == trial_outcome::failed ? cursor.skip("null") : cursor.number(trial.value);
    cursor.skip(",\"reports\":[");
    while (cursor.sees(trial.reports.empty() ? "[" : ",[")) {
        cursor.skip(trial.reports.empty() ? "[" : ",[");
        trial_report report;
        const std::int64_t before = trial.reports.empty() ? 0 : trial.reports.back().resource;
        if (!cursor.integer(report.resource) || !cursor.skip(",") || !cursor.number(report.value) ||
            !cursor.skip("]") || report.resource <= before) {
            return std::nullopt;
        }
        trial.reports.push_back(report);
    }
    cursor.skip("],\"reason\":");
    cursor.text(trial.reason);
    cursor.skip("}");
    if (!cursor.at_end() || !known || number < 0 || number > std::numeric_limits<int>::max() ||
        !space.contains(trial.values)) {
        return std::nullopt;
    }
    trial.number = static_cast<int>(number);
    return trial;
}

} // namespace tocsin::detail
