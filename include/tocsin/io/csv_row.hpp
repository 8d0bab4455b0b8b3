/// @file csv_row.hpp
/// @brief Lines of a CSV file: the meaning of each column, parsed without allocation.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_columns.hpp"
#include "tocsin/io/csv_detection.hpp"
#include "tocsin/io/csv_dialect.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_notes.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/csv_refusals.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// What a line is.
enum class csv_line : std::uint8_t {
    nothing,  ///< blank, a comment, or before the header a line `sep=;` or one to skip
    preamble, ///< something else before the header
    header,   ///< the names of the columns, also where they come again
    units,    ///< a row of words below the header
    row       ///< to be parsed
};

/// The meaning of each column, read once from a header and then used for every row of a file or of
/// a stream on standard input. Messages name the option that helps as the command line spells it:
/// --skip-rows is csv_options::skip_rows.
class csv_layout {
  public:
    /// Reads a header. `format_error` when it has no feature, when a requested name is missing, or a
    /// feature's name occurs twice or is not UTF-8; `invalid_argument` for an unusable delimiter.
    /// Allocates.
    static result<csv_layout> from_header(std::string_view header, const csv_options& options = {},
                                          const text_place& place = {"header", 1}) {
        csv_dialect dialect;
        dialect.delimiter =
            options.delimiter != '\0' ? options.delimiter : detail::likely_delimiter(header);
        dialect.decimal_comma = options.decimal_comma.value_or(dialect.delimiter != ',');
        return from_dialect(dialect, header, options, place);
    }
    /// The same with what is known of the rows.
    /// @param line the header, or the first row of a file without one
    static result<csv_layout> from_dialect(const csv_dialect& dialect, std::string_view line,
                                           const csv_options& options = {},
                                           const text_place& place = {"header", 1}) {
        if (detail::part_of_numbers(dialect.delimiter)) {
            return status::error(error_code::invalid_argument, "csv_options: '", dialect.delimiter,
                                 "' cannot be a delimiter");
        }
        if (dialect.header_is_cut) {
            return place.error(1, cut_header);
        }
        if (dialect.unclear_blanks) {
            return place.error(1, "'", detail::shown_text(line),
                               "' may be one number with its digits in groups or several numbers; "
                               "--thousands says the one, --delimiter space the other");
        }
        csv_layout layout;
        layout.delimiter_ = dialect.delimiter;
        layout.header_ = dialect.has_header ? std::string{line} : std::string{};
        layout.header_line_ = place.line;
        layout.format_ = dialect.numbers(options);
        layout.label_values_ = options.label_values;
        std::vector<std::string> names;
        csv_cells cells{line, dialect.delimiter};
        std::size_t count = 0;
        names.reserve(dialect.has_header ? csv_cells::count(line, dialect.delimiter) : 0);
        for (; cells.next(); ++count) {
            if (dialect.has_header) {
                layout.header_repeats_ =
                    layout.header_repeats_ || !may_be_value(cells.text(), layout.format_);
                names.emplace_back(detail::trimmed(detail::unquoted(cells.text())) ==
                                           std::string_view{}
                                       ? std::string{}
                                       : detail::unquoted(cells.text()));
            }
        }
        if (cells.unclosed() && dialect.has_header) {
            return place.error(cells.column(), cut_header);
        }
        if (cells.problem() != nullptr) {
            return place.error(cells.column(), cells.problem(),
                               line.starts_with('{') ? "; is it JSON? What is read is CSV" : "");
        }
        detail::column_assignment assignment{dialect, options, place};
        if (auto outcome = assignment.assign(std::move(names), count); !outcome) {
            return outcome;
        }
        layout.columns_ = std::move(assignment.columns());
        layout.names_ = std::move(assignment.features());
        return layout;
    }
    /// For a stream, of which only the first line is known: a header if a cell of it is neither a
    /// number nor a date nor missing, else a row. Rows have the features in the order of
    /// csv_options::use, with a time before them or not.
    /// @param is_header set to what the line is
    static result<csv_layout> from_first_line(std::string_view line, const csv_options& options,
                                              bool& is_header,
                                              const text_place& place = {"row", 1}) {
        csv_options sure = options;
        const csv_dialect first = detect_csv_dialect(line, options);
        sure.delimiter = first.delimiter;
        if (options.delimiter == '\0' && !fits(line, sure)) { // words between dates, one column
            sure.delimiter = detail::likely_delimiter(line);
        }
        csv_dialect dialect = detect_csv_dialect(line, sure);
        dialect.unclear_blanks = first.unclear_blanks && sure.delimiter == first.delimiter;
        dialect.decimal_comma = options.decimal_comma.value_or(dialect.delimiter != ',');
        const csv_number_format format = dialect.numbers(options);
        bool words = false;
        for (csv_cells cells{line, dialect.delimiter}; cells.next();) {
            words =
                words || (!may_be_value(cells.text(), format) && !parse_date_time(cells.text()));
        }
        is_header = options.header.value_or(words);
        dialect.has_header = is_header;
        if (is_header) {
            dialect.columns.clear();
        }
        return from_dialect(dialect, line, options, place);
    }

    /// Rows of `features` numbers, without a header.
    static csv_layout of_numbers(int features, char delimiter = ',') {
        csv_layout layout;
        layout.delimiter_ = delimiter;
        for (int k = 0; k < features; ++k) {
            layout.names_.push_back("feature" + std::to_string(k));
            layout.columns_.push_back({layout.names_.back(), csv_role::feature, k});
        }
        return layout;
    }

    char delimiter() const noexcept { return delimiter_; }
    int features() const noexcept { return static_cast<int>(names_.size()); }
    /// Names of the features, in the order in which parse() stores them.
    const std::vector<std::string>& names() const noexcept { return names_; }
    /// All columns as in the file.
    const std::vector<csv_column>& columns() const noexcept { return columns_; }
    /// How numbers are written.
    const csv_number_format& numbers() const noexcept { return format_; }
    /// Whether `1,5` is one and a half from now on; see csv_number_format.
    void set_decimal_comma(bool comma) noexcept {
        format_.decimal_comma = comma;
        format_.refuse_groups = comma && delimiter_ != ',';
    }
    bool has_timestamp() const noexcept { return has(csv_role::timestamp); }
    bool has_label() const noexcept { return has(csv_role::label); }

    /// What a line below the header is: nothing, the header again unless all names are numbers, or a
    /// row. Lines of NUL bytes, as a file has that was not written to its end, are nothing; so are
    /// comments, which begin with `#`, `%` or `//` where a column is read, or have another number of
    /// cells. Never allocates.
    csv_line kind_of(std::string_view line) const noexcept {
        constexpr std::string_view blanks{" \t\0", 3};
        if (line.find_first_not_of(blanks) == std::string_view::npos) {
            return csv_line::nothing;
        }
        if (detail::looks_like_comment(line) && !may_be_row(line)) {
            return csv_line::nothing;
        }
        return header_repeats_ && line == header_ ? csv_line::header : csv_line::row;
    }

    /// Parses one row into `values`, of size features(); missing values are NaN. `format_error`
    /// when the number of cells differs from the header or a cell does not fit its column; `values`
    /// then holds the cells before it. A delimiter at the end of the row is passed over. Never
    /// allocates, except for an error.
    template <std::floating_point Scalar>
    status parse(std::string_view line, std::span<Scalar> values, csv_notes& notes,
                 const text_place& place = {"row", 1}) const {
        TOCSIN_ASSERT(values.size() == names_.size(), "csv_layout: values of another size");
        notes = {};
        csv_cells cells{line, delimiter_};
        std::size_t count = 0;
        bool surplus = false; // an empty cell after the last column
        for (; cells.next(); ++count) {
            if (count >= columns_.size()) {
                surplus = count == columns_.size() && cells.text().empty();
                continue;
            }
            const csv_column& column = columns_[count];
            switch (column.role) {
            case csv_role::feature: {
                const csv_cell kind = parse_csv_cell(
                    cells.text(), values[static_cast<std::size_t>(column.feature)], format_);
                if (kind == csv_cell::other) {
                    return refuse_number(cells, column.name, place);
                }
                notes.switches += kind == csv_cell::on_or_off ? 1 : 0;
                take_cut(cells, notes);
                break;
            }
            case csv_role::timestamp:
                notes.timestamp = cells.text();
                take_cut(cells, notes);
                break;
            case csv_role::time_of_day:
                notes.time_of_day = cells.text();
                take_cut(cells, notes);
                break;
            case csv_role::label: {
                const std::optional<bool> anomalous = label_of(cells.text());
                if (!anomalous) {
                    return place.error(cells.column(), "expected a label, 0 or 1, found '",
                                       detail::shown_text(cells.text()), "'; --label-values ",
                                       "TEXT=0,TEXT=1 says what words mean, --labels none ignores "
                                       "the column");
                }
                notes.label = notes.label != 0 || *anomalous ? 1 : 0;
                break;
            }
            case csv_role::left_out:
                notes.unread += column.seemed_empty() && !detail::trimmed(cells.text()).empty();
                break;
            }
        }
        if (cells.problem() != nullptr) {
            return place.error(cells.column(), cells.problem());
        }
        const bool ends_early = count < columns_.size() && columns_[count].optional;
        if (count != columns_.size() && !ends_early && !(surplus && count == columns_.size() + 1)) {
            return refuse_count(line, count, place);
        }
        return {};
    }

    /// Calls `visit(feature, column, word)` for the features of a row that are a word: on, off, ...
    template <class Visit>
    void for_each_switch(std::string_view line, Visit&& visit) const {
        std::size_t at = 0;
        for (csv_cells cells{line, delimiter_}; cells.next() && at < columns_.size(); ++at) {
            double value = 0;
            if (columns_[at].role == csv_role::feature &&
                parse_csv_cell(cells.text(), value, format_) == csv_cell::on_or_off) {
                visit(columns_[at].feature, cells.column(), cells.text());
            }
        }
    }

    /// The text of a cell with doubled double quotes replaced by single ones. Allocates.
    static std::string unquoted(std::string_view cell) { return detail::unquoted(cell); }

    /// An error of parse() in the last line of a file.
    static status in_last_line(const status& error) {
        return status::error(error.code(), error.message(),
                             "; it is the last line: was the file cut, or is it a footer?");
    }

    /// What is wrong with a header that has a line break in double quotes.
    static constexpr const char* cut_header =
        "a double quote is not closed on its line; names with line breaks are not read: write the "
        "header on one line, or give --no-header with --skip-rows";

  private:
    csv_layout() = default;

    bool has(csv_role role) const noexcept {
        return std::any_of(columns_.begin(), columns_.end(),
                           [&](const csv_column& column) { return column.role == role; });
    }
    /// Whether a line with this delimiter has as many cells as features are asked for, or one more.
    static bool fits(std::string_view line, const csv_options& options) {
        const std::size_t count = csv_cells::count(line, options.delimiter);
        return options.use.empty() || count == options.use.size() ||
               count == options.use.size() + 1;
    }

    static bool may_be_value(std::string_view cell, const csv_number_format& format) noexcept {
        double value = 0;
        return parse_csv_cell(cell, value, format) != csv_cell::other ||
               detail::is_number_with_any_mark(cell);
    }

    std::optional<bool> label_of(std::string_view cell) const noexcept {
        cell = detail::trimmed(cell);
        const csv_label_value* others = nullptr;
        for (const csv_label_value& value : label_values_) {
            const auto number = parse_number<double>(value.text);
            if (detail::equal_ignoring_case(cell, value.text) ||
                (number && parse_number<double>(cell) == number)) {
                return value.anomalous;
            }
            others = value.text == "*" ? &value : others;
        }
        if (!label_values_.empty()) {
            return others != nullptr ? std::optional<bool>{others->anomalous} : std::nullopt;
        }
        const auto number = parse_number<double>(cell);
        return number == 0.0   ? std::optional{false}
               : number == 1.0 ? std::optional{true}
                               : detail::label_of_word(cell);
    }

    static void take_cut(const csv_cells& cells, csv_notes& notes) noexcept {
        if (detail::is_cut_cell(cells.text())) {
            notes.first_cut = notes.cut++ == 0 ? cells.column() : notes.first_cut;
        }
    }
    /// Whether a line that begins like a comment is a row: `#N/A,1` is, and `#7,1` where the first
    /// column is not read.
    bool may_be_row(std::string_view line) const noexcept {
        csv_cells cells{line, delimiter_};
        return cells.next() && csv_cells::count(line, delimiter_) == columns_.size() &&
               (columns_.front().role == csv_role::left_out ||
                parse_csv_number<double>(cells.text(), format_));
    }
    status refuse_number(const csv_cells& cells, const std::string& name,
                         const text_place& place) const {
        return place.error(
            cells.column(), "expected a number for '", name, "', found '",
            detail::shown_text(cells.text()), '\'',
            detail::help_with_number(cells.text(), format_,
                                     {!header_.empty() && place.line <= header_line_ + first_rows,
                                      columns_.size() == 1}));
    }
    status refuse_count(std::string_view line, std::size_t count, const text_place& place) const {
        const char shown[] = {delimiter_, '\0'};
        return place.error(line.size() + 1, "has ", count, " cells delimited by '",
                           delimiter_ == '\t' ? "\\t" : shown, "', expected ", columns_.size(),
                           "; --delimiter, --decimal-comma and --skip-rows say how the file is "
                           "written");
    }

    std::vector<csv_column> columns_;
    std::vector<std::string> names_; // one per feature
    csv_number_format format_;
    std::vector<csv_label_value> label_values_;
    std::string header_; // the line; empty without one
    index_t header_line_ = 0;
    bool header_repeats_ = false; // a line like it is the header again
    char delimiter_ = ',';
    static constexpr index_t first_rows = 2; // in which units may stand
};

} // namespace tocsin
