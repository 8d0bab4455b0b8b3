/// @file csv_row.hpp
/// @brief Lines of a CSV file: the meaning of each column, parsed without allocation.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// Which columns of a CSV file to read, by the exact names in its header.
struct csv_options {
    /// Separates cells; '\0' chooses the more frequent of `,` and `;` in the header.
    char delimiter = '\0';
    /// Unset: a column named timestamp, datetime or time in any case, if it exists. Empty: none.
    std::optional<std::string> timestamp = {};
    /// A row is anomalous when any of these columns says so. Unset: the columns named label,
    /// anomaly or is_anomaly in any case, if they exist. An empty list: none.
    std::optional<std::vector<std::string>> labels = {};
    std::vector<std::string> ignore =
        {}; ///< columns to leave out; names that do not exist are ignored
    /// The features, in this order. Empty: all remaining columns, as in the file.
    std::vector<std::string> use = {};
};

/// Iterates over the cells of one line. A cell in double quotes may contain delimiters and doubled
/// double quotes; it ends on its line. Never allocates.
class csv_cells {
  public:
    csv_cells(std::string_view line, char delimiter) noexcept
        : line_{line}, delimiter_{delimiter} {}

    /// Moves to the next cell; false at the end of the line, or when problem() is not null.
    bool next() noexcept {
        if (done_) {
            return false;
        }
        column_ = position_ + 1;
        std::size_t end = position_;
        if (position_ < line_.size() && line_[position_] == '"') {
            for (end = position_ + 1;; end += 2) {
                end = line_.find('"', end);
                if (end == std::string_view::npos) {
                    return fail("a double quote is not closed on its line");
                }
                if (end + 1 >= line_.size() || line_[end + 1] != '"') {
                    break;
                }
            }
            text_ = line_.substr(position_ + 1, end - position_ - 1);
            ++end;
            if (end < line_.size() && line_[end] != delimiter_) {
                return fail("text after a closing double quote");
            }
        } else {
            end = std::min(line_.find(delimiter_, position_), line_.size());
            text_ = detail::trimmed(line_.substr(position_, end - position_));
        }
        done_ = end >= line_.size();
        position_ = end + 1;
        return true;
    }

    /// The cell without its quotes; double quotes inside it are still doubled.
    std::string_view text() const noexcept { return text_; }
    /// Where the cell starts, in bytes from 1.
    std::size_t column() const noexcept { return column_; }
    /// Why next() returned false, or null at the end of a valid line.
    const char* problem() const noexcept { return problem_; }

  private:
    bool fail(const char* problem) noexcept {
        problem_ = problem;
        done_ = true;
        return false;
    }

    std::string_view line_;
    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t column_ = 1;
    const char* problem_ = nullptr;
    char delimiter_;
    bool done_ = false;
};

/// A number in a cell; NaN for an empty cell and for nan, na, n/a, null, none in any case.
template <std::floating_point Scalar>
std::optional<Scalar> parse_csv_number(std::string_view cell) noexcept {
    cell = detail::trimmed(cell);
    for (const std::string_view missing : {"", "na", "n/a", "null", "none"}) {
        if (detail::equal_ignoring_case(cell, missing)) {
            return std::numeric_limits<Scalar>::quiet_NaN();
        }
    }
    return parse_number<Scalar>(cell);
}

/// The contents of a row other than its features.
struct csv_notes {
    std::string_view timestamp; ///< points into the line; empty without a timestamp column
    std::uint8_t label = 0;     ///< 1 = anomalous; 0 without a label column
};

/// The meaning of each column, read once from a header and then used for every row of a file or of
/// a stream on standard input.
class csv_layout {
  public:
    /// Reads a header. `format_error` when it has no feature, or when a requested name is missing
    /// or occurs twice; `invalid_argument` for an unusable delimiter. Allocates.
    static result<csv_layout> from_header(std::string_view header, const csv_options& options = {},
                                          const text_place& place = {"header", 1}) {
        csv_layout layout;
        layout.delimiter_ = options.delimiter != '\0' ? options.delimiter : likely(header);
        constexpr std::string_view reserved = "0123456789+-.\"\r\n";
        if (reserved.find(layout.delimiter_) != std::string_view::npos) {
            return status::error(error_code::invalid_argument, "csv_options: '", layout.delimiter_,
                                 "' cannot be a delimiter");
        }
        std::vector<std::string> names;
        names.reserve(static_cast<std::size_t>(
            std::count(header.begin(), header.end(), layout.delimiter_) + 1));
        csv_cells cells{header, layout.delimiter_};
        while (cells.next()) {
            names.push_back(unquoted(cells.text()));
        }
        if (cells.problem() != nullptr) {
            return place.error(cells.column(), cells.problem());
        }
        layout.targets_.assign(names.size(), ignored);
        if (auto outcome = layout.assign(names, options, place); !outcome) {
            return outcome;
        }
        return layout;
    }

    /// Rows of `features` numbers, without a header.
    static csv_layout of_numbers(int features, char delimiter = ',') {
        csv_layout layout;
        layout.delimiter_ = delimiter;
        for (int k = 0; k < features; ++k) {
            layout.targets_.push_back(k);
            layout.names_.push_back("feature" + std::to_string(k));
        }
        return layout;
    }

    char delimiter() const noexcept { return delimiter_; }
    int features() const noexcept { return static_cast<int>(names_.size()); }
    /// Names of the features, in the order in which parse() stores them.
    const std::vector<std::string>& names() const noexcept { return names_; }
    bool has_timestamp() const noexcept { return has_timestamp_; }
    bool has_label() const noexcept { return has_label_; }

    /// Parses one row into `values`, of size features(); missing values are NaN. `format_error`
    /// when the number of cells differs from the header or a cell does not fit its column; `values`
    /// then holds the cells before it. Never allocates, except for such an error.
    template <std::floating_point Scalar>
    status parse(std::string_view line, std::span<Scalar> values, csv_notes& notes,
                 const text_place& place = {"row", 1}) const {
        TOCSIN_ASSERT(values.size() == names_.size(), "csv_layout: values of another size");
        notes = {};
        csv_cells cells{line, delimiter_};
        std::size_t count = 0;
        for (; cells.next(); ++count) {
            const int target = count < targets_.size() ? targets_[count] : ignored;
            if (target >= 0) {
                const auto number = parse_csv_number<Scalar>(cells.text());
                if (!number) {
                    return place.error(cells.column(), "expected a number for '",
                                       names_[static_cast<std::size_t>(target)], "', found '",
                                       detail::shown_text(cells.text()), '\'');
                }
                values[static_cast<std::size_t>(target)] = *number;
            } else if (target == timestamp) {
                notes.timestamp = cells.text();
            } else if (target == label) {
                const std::optional<bool> anomalous = parse_label(cells.text());
                if (!anomalous) {
                    return place.error(cells.column(), "expected a label, 0 or 1, found '",
                                       detail::shown_text(cells.text()), '\'');
                }
                notes.label = notes.label != 0 || *anomalous ? 1 : 0;
            }
        }
        if (cells.problem() != nullptr) {
            return place.error(cells.column(), cells.problem());
        }
        if (count != targets_.size()) {
            return place.error(line.size() + 1, "has ", count, " cells delimited by '", delimiter_,
                               "', expected ", targets_.size());
        }
        return {};
    }

    /// The text of a cell with doubled double quotes replaced by single ones. Allocates.
    static std::string unquoted(std::string_view cell) {
        std::string text;
        for (std::size_t k = 0; k < cell.size(); ++k) {
            text += cell[k];
            if (cell[k] == '"' && k + 1 < cell.size() && cell[k + 1] == '"') {
                ++k;
            }
        }
        return text;
    }

  private:
    // Destination of a column: the position of a feature, or one of these.
    static constexpr int ignored = -1;
    static constexpr int timestamp = -2;
    static constexpr int label = -3;

    csv_layout() = default;

    static char likely(std::string_view header) noexcept {
        const auto commas = std::count(header.begin(), header.end(), ',');
        return std::count(header.begin(), header.end(), ';') > commas ? ';' : ',';
    }

    static std::optional<bool> parse_label(std::string_view cell) noexcept {
        cell = detail::trimmed(cell);
        for (const bool anomalous : {false, true}) {
            if (detail::equal_ignoring_case(cell, anomalous ? "true" : "false") ||
                parse_number<double>(cell) == (anomalous ? 1.0 : 0.0)) {
                return anomalous;
            }
        }
        return std::nullopt;
    }

    static bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
        return std::any_of(names.begin(), names.end(), [&](std::string_view other) {
            return detail::equal_ignoring_case(name, other);
        });
    }

    /// Position of a requested name.
    static result<std::size_t> find(const std::vector<std::string>& names, const std::string& name,
                                    const text_place& place) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            return place.error(1, "has no column named '", detail::shown_text(name), '\'');
        }
        if (std::find(found + 1, names.end(), name) != names.end()) {
            return place.error(1, "has more than one column named '", detail::shown_text(name),
                               '\'');
        }
        return static_cast<std::size_t>(found - names.begin());
    }

    status assign(const std::vector<std::string>& names, const csv_options& options,
                  const text_place& place) {
        constexpr int unassigned = -4;
        std::fill(targets_.begin(), targets_.end(), unassigned);
        for (std::size_t k = 0; k < names.size(); ++k) {
            if (std::find(options.ignore.begin(), options.ignore.end(), names[k]) !=
                options.ignore.end()) {
                targets_[k] = ignored;
            } else if (!options.timestamp && !has_timestamp_ &&
                       is_one_of(names[k], {"timestamp", "datetime", "time"})) {
                targets_[k] = timestamp;
                has_timestamp_ = true;
            } else if (!options.labels && is_one_of(names[k], {"label", "anomaly", "is_anomaly"})) {
                targets_[k] = label;
                has_label_ = true;
            }
        }
        if (options.timestamp && !options.timestamp->empty()) {
            const auto position = find(names, *options.timestamp, place);
            if (!position) {
                return position.error();
            }
            targets_[*position] = timestamp;
            has_timestamp_ = true;
        }
        if (options.labels) {
            for (const std::string& name : *options.labels) {
                const auto position = find(names, name, place);
                if (!position) {
                    return position.error();
                }
                targets_[*position] = label;
                has_label_ = true;
            }
        }
        for (const std::string& name : options.use) {
            const auto position = find(names, name, place);
            if (!position) {
                return position.error();
            }
            if (targets_[*position] != unassigned) {
                return place.error(1, "column '", detail::shown_text(name),
                                   "' is asked for as a feature, but has another meaning too");
            }
            targets_[*position] = features();
            names_.push_back(name);
        }
        names_.reserve(options.use.empty() ? names.size() : names_.size());
        for (std::size_t k = 0; k < names.size(); ++k) {
            if (targets_[k] == unassigned) {
                targets_[k] = options.use.empty() ? features() : ignored;
                if (options.use.empty()) {
                    names_.push_back(names[k]);
                }
            }
        }
        if (names_.empty()) {
            return place.error(1, "has no column left to use as a feature");
        }
        return {};
    }

    std::vector<int> targets_;       // one per column
    std::vector<std::string> names_; // one per feature
    char delimiter_ = ',';
    bool has_timestamp_ = false;
    bool has_label_ = false;
};

} // namespace tocsin
