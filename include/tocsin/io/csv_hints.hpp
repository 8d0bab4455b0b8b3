/// @file csv_hints.hpp
/// @brief What a single line or cell of CSV suggests.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_dialect.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/text_encoding.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// The delimiter that a line without rows suggests: the most frequent outside double quotes.
inline char likely_delimiter(std::string_view line) noexcept {
    char best = ',';
    std::size_t most = csv_cells::count(line, ',');
    for (const char candidate : {';', '\t', '|'}) {
        const std::size_t cells = csv_cells::count(line, candidate);
        if (cells > most) {
            most = cells;
            best = candidate;
        }
    }
    return best;
}

/// Whether a character cannot delimit: numbers, double quotes and the ends of lines have it.
inline bool part_of_numbers(char character) noexcept {
    return std::string_view{"0123456789+-.\"\r\n"}.find(character) != std::string_view::npos;
}

/// Whether a cell looks like a unit: `[V]`, `(m/s)`, or one of the usual symbols.
inline bool looks_like_unit(std::string_view cell) noexcept {
    if (cell.size() >= 2 && ((cell.front() == '[' && cell.back() == ']') ||
                             (cell.front() == '(' && cell.back() == ')'))) {
        return true;
    }
    constexpr std::string_view symbols[] = {
        "V",   "mV",    "kV",    "A",    "mA",   "W",    "kW",   "MW",  "kWh", "Wh", "Hz",
        "kHz", "MHz",   "rpm",   "RPM",  "%",    "degC", "degF", "deg", "C",   "F",  "K",
        "bar", "mbar",  "Pa",    "kPa",  "hPa",  "MPa",  "psi",  "m",   "mm",  "cm", "km",
        "m/s", "mm/s",  "km/h",  "m/s2", "g",    "kg",   "t",    "N",   "kN",  "Nm", "l",
        "L",   "l/min", "L/min", "l/s",  "m3/h", "kg/h", "s",    "ms",  "min", "h",  "ppm",
        "lux", "lx",    "dB",    "Ohm",  "pH",   "rad",  "J",    "kJ",  "VA",  "var"};
    return std::find(std::begin(symbols), std::end(symbols), cell) != std::end(symbols) ||
           cell.find("\xC2\xB0") != std::string_view::npos; // the degree sign
}

/// What a cell is in a row.
inline csv_content content_of(std::string_view cell, const csv_number_format& format,
                              double& value) noexcept {
    switch (parse_csv_cell(cell, value, format)) {
    case csv_cell::number:
        return csv_content::number;
    case csv_cell::missing:
        return csv_content::empty;
    case csv_cell::on_or_off:
        return csv_content::on_or_off;
    case csv_cell::other:
        break;
    }
    return parse_date_time(cell) ? csv_content::date : csv_content::word;
}

/// Whether half of the cells of a line or more are units.
inline bool looks_like_units(std::string_view line, char delimiter) noexcept {
    std::size_t units = 0;
    std::size_t cells = 0;
    for (csv_cells row{line, delimiter}; row.next();) {
        cells += row.text().empty() ? 0U : 1U;
        units += looks_like_unit(row.text()) ? 1U : 0U;
    }
    return units > 0 && 2 * units >= cells;
}

/// Whether a line where names should stand has units alone, some of them twice, so that they cannot
/// be names; a name of the time is passed over.
inline bool are_repeated_units(std::string_view line, char delimiter) {
    std::vector<std::string_view> units;
    for (csv_cells row{line, delimiter}; row.next();) {
        const std::string_view cell = row.text();
        if (cell.empty() || time_likeness(plain_name(cell)) > 0) {
            continue;
        }
        if (!looks_like_unit(cell)) {
            return false;
        }
        units.push_back(cell);
    }
    std::sort(units.begin(), units.end());
    return std::adjacent_find(units.begin(), units.end()) != units.end();
}

/// Whether a line has delimiters and nothing between them.
inline bool has_only_empty_cells(std::string_view line, char delimiter) noexcept {
    std::size_t count = 0;
    for (csv_cells cells{line, delimiter}; cells.next(); ++count) {
        if (!trimmed(cells.text()).empty()) {
            return false;
        }
    }
    return count > 1;
}

/// Whether a line has all of these names among its cells. Where none is a number or a date, an empty
/// cell is called `column` with its number from 1, as csv_layout calls it.
inline bool has_names(std::string_view line, char delimiter,
                      const std::vector<std::string>& names) {
    std::vector<std::string> cells;
    bool words = true;
    for (csv_cells row{line, delimiter}; row.next();) {
        double value = 0;
        const csv_content content = content_of(row.text(), {}, value);
        words = words && (content == csv_content::word || content == csv_content::empty);
        cells.push_back(unquoted(row.text()));
    }
    for (std::size_t k = 0; k < cells.size() && words; ++k) {
        cells[k] = trimmed(cells[k]).empty() ? "column" + std::to_string(k + 1) : cells[k];
    }
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return std::find(cells.begin(), cells.end(), name) != cells.end();
    });
}

/// Whether a line is the first of a file as data loggers of Campbell Scientific write it: names,
/// units and processing follow.
inline bool is_logger_title(std::string_view line) noexcept {
    return trimmed(line).starts_with("\"TOA5\"");
}

/// What the cells of a line show of whether they are the names of the columns.
struct names_study {
    std::size_t cells = 0;
    std::size_t empty = 0;
    bool repeated = false; ///< one occurs twice
    bool time = false;     ///< one is a usual name of the time

    names_study(std::string_view line, char delimiter) {
        std::vector<std::string_view> names;
        for (csv_cells row{line, delimiter}; row.next(); ++cells) {
            empty += row.text().empty() ? 1U : 0U;
            time = time || time_likeness(plain_name(row.text())) > 0;
            if (!row.text().empty()) {
                names.push_back(row.text());
            }
        }
        std::sort(names.begin(), names.end());
        repeated = std::adjacent_find(names.begin(), names.end()) != names.end();
    }
    /// Whether few cells or none have a name, as in a title.
    bool is_title() const noexcept { return 2 * empty > cells; }
    /// Whether the line below it has the names rather, and this one a title or groups of columns.
    bool stands_above(const names_study& below) const noexcept {
        return (empty > 0 && below.empty == 0) || (repeated && !below.repeated) ||
               (!time && below.time);
    }
};

/// The delimiter that a line `sep=;` names, as spreadsheets write it; NUL for other lines.
inline char separator_of(std::string_view line) noexcept {
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"') {
        line = line.substr(1, line.size() - 2);
    }
    return line.size() == 5 && equal_ignoring_case(line.substr(0, 4), "sep=") ? line.back() : '\0';
}

/// Whether a cell is a number, with its digits in groups or not, where the decimal mark may be a comma
/// or a point.
inline bool is_number_with_any_mark(std::string_view cell) noexcept {
    double value = 0;
    return parse_comma_number<double>(cell, false) ||
           parse_grouped(cell, '.', value) != digit_groups::none ||
           parse_grouped(cell, ',', value) != digit_groups::none;
}

/// Whether a cell is a number with a decimal comma. Where a comma delimits, "1,500" may be fifteen
/// hundred.
inline bool has_decimal_comma(std::string_view cell, char delimiter) noexcept {
    return cell.find(',') != std::string_view::npos && parse_comma_number<double>(cell, false) &&
           (delimiter != ',' || !has_groups(cell, ','));
}

/// Follows double quotes from line to line, to recognise a cell that has a line break in it.
class quotes_over_lines {
  public:
    /// Takes the next line; whether it begins within the quotes of a line above.
    bool take(std::string_view line, char delimiter) noexcept {
        const bool inside = open_;
        if (inside) {
            open_ = std::count(line.begin(), line.end(), '"') % 2 == 0;
        } else {
            csv_cells cells{line, delimiter};
            while (cells.next()) {
            }
            open_ = cells.unclosed();
        }
        return inside;
    }
    /// Whether the last line left quotes open.
    bool open() const noexcept { return open_; }

  private:
    bool open_ = false;
};

inline bool looks_like_comment(std::string_view line) noexcept {
    line = trimmed(line);
    return line.starts_with('#') || line.starts_with('%') || line.starts_with("//");
}

/// What a file is that is no text of rows, and what to do; null where nothing speaks against it.
inline const char* foreign_format(std::string_view text) noexcept {
    if (looks_like_utf32(text)) {
        return "is UTF-32, which is not read; save it as UTF-8 (iconv -f UTF-32 -t UTF-8)";
    }
    constexpr std::string_view zip{"PK\x03\x04"};
    constexpr std::string_view gzip{"\x1f\x8b"};
    if (text.starts_with(zip)) {
        return "is a zip archive, as spreadsheets are; export it as CSV";
    }
    if (text.starts_with(gzip)) {
        return "is compressed by gzip; unpack it first";
    }
    const auto begins = text.find_first_not_of(" \t\r\n");
    text.remove_prefix(std::min(begins, text.size()));
    constexpr std::string_view page = "<!doctype html";
    constexpr std::string_view markup = "<html";
    return equal_ignoring_case(text.substr(0, page.size()), page) ||
                   equal_ignoring_case(text.substr(0, markup.size()), markup)
               ? "is a page of HTML; was it saved in place of the file?"
               : nullptr;
}

} // namespace tocsin::detail
