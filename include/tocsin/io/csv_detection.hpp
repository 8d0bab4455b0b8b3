/// @file csv_detection.hpp
/// @brief Finds out from its first lines how a CSV text is written.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_decimal_mark.hpp"
#include "tocsin/io/csv_delimiter.hpp"
#include "tocsin/io/csv_dialect.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/csv_numeric_names.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/csv_time_columns.hpp"
#include "tocsin/io/number_order.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// Finds the dialect of a text; see detect_csv_dialect().
class csv_detector {
  public:
    csv_detector(std::string_view text, const csv_options& options) : options_{options} {
        collect(text);
    }

    csv_dialect detect() {
        if (lines_.empty()) {
            found_.skipped = options_.skip_rows.value_or(0);
            return found_;
        }
        choose_delimiter();
        choose_decimal_comma();
        study_columns();
        find_header();
        return std::move(found_);
    }

  private:
    static constexpr std::size_t most_lines = 100;
    static constexpr std::size_t most_bytes = std::size_t{1} << 18U;
    static constexpr std::size_t most_comments = 10; // before the first other line

    enum class fit : std::uint8_t { row, names, neither };

    void collect(std::string_view text) {
        text_lines lines{text, ""};
        std::size_t bytes = 0;
        bool comments = true; // no other lines so far
        while (lines_.size() < most_lines && bytes < most_bytes && lines.next()) {
            const std::string_view line = lines.line();
            bytes += line.size() + 1;
            if (lines.number() <= options_.skip_rows.value_or(0) || trimmed(line).empty()) {
                continue;
            }
            if (lines_.empty() && separator_of(line) != '\0') {
                separator_ = separator_of(line);
                continue;
            }
            comments = comments && looks_like_comment(line);
            if (comments && lines_.size() == most_comments) { // the last one may have the names
                bytes -= lines_.front().size() + 1;
                lines_.erase(lines_.begin());
                numbers_.erase(numbers_.begin());
            }
            lines_.push_back(line);
            numbers_.push_back(lines.number());
        }
        body_ = lines_.size() < 2 ? 0 : std::max<std::size_t>(lines_.size() * 2 / 3, 1);
    }

    std::size_t usual_cells(char delimiter) const {
        return detail::usual_cells(std::span{lines_}.subspan(body_), delimiter);
    }

    void choose_delimiter() {
        if (options_.delimiter != '\0' || separator_ != '\0') {
            found_.delimiter = options_.delimiter != '\0' ? options_.delimiter : separator_;
            return;
        }
        csv_delimiter_study study{lines_, body_, options_};
        found_.delimiter = study.choose();
        found_.unclear_blanks = study.unclear();
    }

    void choose_decimal_comma() {
        decimal_mark_study study{usual_cells(found_.delimiter), found_.delimiter};
        for (std::size_t k = body_; k < lines_.size(); ++k) {
            study.learn_columns(lines_[k]);
        }
        for (const std::string_view line : lines_) {
            study.add(line);
        }
        found_.decimal_comma = options_.decimal_comma.value_or(study.decimal_comma());
        found_.groups = options_.groups.value_or(study.groups(found_.decimal_comma));
    }

    void study_columns() {
        format_ = found_.numbers(options_);
        cells_ = usual_cells(found_.delimiter);
        std::vector<std::array<std::size_t, 5>> tallies(cells_); // cells by content
        found_.columns.resize(cells_);
        std::vector<date_forms> forms(cells_);
        for_each_row(body_,
                     [&](std::size_t at, csv_content content, double, std::string_view cell) {
                         ++tallies[at][static_cast<std::size_t>(content)];
                         forms[at].add(cell, content);
                     });
        for (std::size_t k = 0; k < cells_; ++k) {
            const auto of = [&](csv_content content) {
                return tallies[k][static_cast<std::size_t>(content)];
            };
            const std::size_t numbers = of(csv_content::number) + of(csv_content::on_or_off);
            const std::size_t others = of(csv_content::word) + of(csv_content::date);
            csv_column_sample& sample = found_.columns[k];
            sample.content = numbers + others == 0 ? csv_content::empty
                             : of(csv_content::date) > numbers + of(csv_content::word)
                                 ? csv_content::date
                             : numbers < others             ? csv_content::word
                             : of(csv_content::number) == 0 ? csv_content::on_or_off
                                                            : csv_content::number;
            forms[k].describe(sample);
        }
    }
    /// Which columns rise, count or are times, from the first row on.
    void study_order(std::size_t first_row) {
        std::vector<number_order> orders(cells_);
        for (csv_column_sample& column : found_.columns) {
            column.counts = column.content == csv_content::number;
        }
        for_each_row(first_row,
                     [&](std::size_t at, csv_content content, double value, std::string_view) {
                         csv_column_sample& column = found_.columns[at];
                         number_order& order = orders[at];
                         column.counts = column.counts && content == csv_content::number &&
                                         (order.rows() == 0 || value == order.last() + 1);
                         if (content == csv_content::number) {
                             order.add(value);
                         }
                     });
        for (std::size_t k = 0; k < cells_; ++k) {
            csv_column_sample& column = found_.columns[k];
            const bool numbers = column.content == csv_content::number;
            column.rises = numbers && orders[k].rises();
            column.one_way = numbers && orders[k].one_way();
            column.epochs = numbers && orders[k].epochs();
            column.counts = column.counts && orders[k].rows() > 1;
        }
    }
    /// Calls `visit(column, content, value, cell)` for each cell of the rows from a line on.
    template <class Visit>
    void for_each_row(std::size_t first, Visit&& visit) const {
        for (std::size_t k = first; k < lines_.size(); ++k) {
            if (csv_cells::count(lines_[k], found_.delimiter) != cells_) {
                continue;
            }
            std::size_t at = 0;
            for (csv_cells row{lines_[k], found_.delimiter}; row.next(); ++at) {
                double value = 0;
                const csv_content content = content_of(row.text(), format_, value);
                visit(at, content, value, row.text());
            }
        }
    }

    /// Whether a line is a row like the others, or could be the names of the columns.
    fit fit_of(std::string_view line) const noexcept {
        const std::size_t count = csv_cells::count(line, found_.delimiter);
        if (count != cells_ && count + 1 != cells_ && count != cells_ + 1) {
            return fit::neither;
        }
        bool fits = count == cells_;
        bool names = true;
        bool says = false;    // something that tells a row from names
        bool markers = false; // such as "NaN"
        std::size_t at = 0;
        for (csv_cells row{line, found_.delimiter}; row.next() && at < cells_; ++at) {
            const csv_content expected = found_.columns[at].content;
            if (expected == csv_content::word || expected == csv_content::empty) {
                continue;
            }
            double value = 0;
            const csv_content content = content_of(row.text(), format_, value);
            if (content == csv_content::empty) {
                // `####` may also be a line that divides comments.
                markers =
                    markers || (!trimmed(row.text()).empty() && !is_cut_cell(trimmed(row.text())));
                continue;
            }
            const bool same = (content == csv_content::date) == (expected == csv_content::date) &&
                              content != csv_content::word;
            says = true;
            fits = fits && same;
            names = names && content == csv_content::word;
        }
        if (!says) {
            return markers && fits                        ? fit::row
                   : line.data() == lines_.front().data() ? fit::names
                                                          : fit::neither;
        }
        return fits ? fit::row : names ? fit::names : fit::neither;
    }

    /// Rows between the names and the first row of data: units, or descriptions where nothing stands
    /// before the names, or, in files of Campbell Scientific's data loggers, units and processing.
    std::size_t rows_below_names(std::size_t row) {
        const auto are_names =
            [&](std::size_t below) { // a line and the one above, or look the same
                return below > 0 && numbers_[below] == numbers_[below - 1] + 1 &&
                       cells_of(lines_[below - 1]) == cells_of(lines_[below]) &&
                       fit_of(lines_[below]) == fit::names &&
                       fit_of(lines_[below - 1]) == fit::names;
            };
        if (row == 4 && is_logger_title(lines_.front()) && cells_of(lines_[1]) == cells_) {
            return 2;
        }
        for (std::size_t k = row; k-- > 0 && !options_.use.empty();) {
            if (has_names(lines_[k], found_.delimiter, options_.use)) {
                return row - 1 - k;
            }
            if (!are_names(k)) {
                break;
            }
        }
        if (row < 2 || !are_names(row - 1)) {
            return 0;
        }
        if (row >= 3 && are_names(row - 2) && looks_like_units(lines_[row - 2], found_.delimiter)) {
            return 2;
        }
        const names_study above{lines_[row - 2], found_.delimiter};
        if (looks_like_units(lines_[row - 1], found_.delimiter)) {
            return above.is_title() ? 0 : 1;
        }
        found_.unclear_names =
            row == 2 && cells_ > 1 && !above.stands_above({lines_[row - 1], found_.delimiter});
        return found_.unclear_names ? 1 : 0;
    }

    /// The same where the first line is known to have the names.
    std::size_t rows_below_first(std::size_t row) const noexcept {
        std::size_t below = 0;
        while (below + 1 < row && fit_of(lines_[below + 1]) == fit::names) {
            ++below;
        }
        return below;
    }

    std::size_t cells_of(std::string_view line) const noexcept {
        return csv_cells::count(line, found_.delimiter);
    }
    bool is_empty_row(std::string_view line) const noexcept {
        return cells_of(line) == cells_ && has_only_empty_cells(line, found_.delimiter);
    }

    void find_header() {
        // Names may be numbers: they stand in the first line that is no comment.
        const auto text = static_cast<std::size_t>(
            std::find_if_not(lines_.begin(), lines_.end(), looks_like_comment) - lines_.begin());
        const bool known = !options_.header && !options_.use.empty() && text < lines_.size() &&
                           fit_of(lines_[text]) == fit::row &&
                           has_names(lines_[text], found_.delimiter, options_.use);
        std::size_t row = known ? text + 1 : 0;
        while (row < lines_.size() && fit_of(lines_[row]) != fit::row) {
            ++row;
        }
        const bool asked = options_.header.has_value();
        while (options_.header == false && row > 0 && row < lines_.size() &&
               is_empty_row(lines_[row - 1])) {
            --row;
        }
        std::size_t first = 0; // of the header, or of the rows
        found_.has_header = options_.header.value_or(row > 0 || lines_.size() == row);
        if (known) {
            first = text;
        } else if (row < lines_.size() && row > 0 && !options_.skip_rows) {
            const bool named =
                fit_of(lines_[row - 1]) == fit::names &&
                !has_only_empty_cells(lines_[row - 1], found_.delimiter) &&
                !(looks_like_comment(lines_[row - 1]) && cells_of(lines_[row - 1]) != cells_);
            const bool nameless =
                std::all_of(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(row),
                            [&](std::string_view line) {
                                return looks_like_comment(line) || is_empty_row(line);
                            });
            if (asked && !*options_.header) {
                first = named ? 0 : row;
            } else if (named) {
                first = row - 1;
            } else if (nameless && !asked) {
                found_.has_header = false;
                first = row;
            }
        }
        if (known) {
            found_.unit_rows = static_cast<index_t>(row < lines_.size() ? row - 1 - text : 0);
        } else if (found_.has_header && row < lines_.size() && !asked && first + 1 == row &&
                   are_repeated_units(lines_[first], found_.delimiter)) {
            found_.has_header = false;
            found_.has_units_only = true;
            first = row;
        } else if (found_.has_header && row < lines_.size()) {
            const auto below = options_.skip_rows ? rows_below_first(row) : rows_below_names(row);
            found_.unit_rows = static_cast<index_t>(below);
            first = below > 0 && !options_.skip_rows ? row - 1 - below : first;
        }
        quotes_over_lines quotes;
        for (std::size_t k = 0; k <= first && found_.has_header; ++k) {
            found_.header_is_cut = quotes.take(lines_[k], found_.delimiter);
        }
        study_order(row);
        found_.may_have_names =
            !found_.has_header && !found_.has_units_only && !asked && first < lines_.size() &&
            may_be_numeric_names(std::span{lines_}.subspan(first), found_.delimiter, format_);
        found_.skipped = numbers_[first] - 1;
    }

    const csv_options& options_;
    std::vector<std::string_view> lines_; // the first that are not blank
    std::vector<index_t> numbers_;        // theirs in the text, from 1
    std::size_t body_ = 0;                // from here on lines are taken for rows
    char separator_ = '\0';
    std::size_t cells_ = 0;
    csv_number_format format_;
    csv_dialect found_;
};

} // namespace detail

/// Finds out how a CSV text is written from its first 100 lines or 256 KiB, unless `options` say so.
/// Otherwise the delimiter is the most frequent one in the first line, which is a header.
/// @param text whole, or cut at the end of a line
inline csv_dialect detect_csv_dialect(std::string_view text, const csv_options& options = {}) {
    return detail::csv_detector{text, options}.detect();
}

} // namespace tocsin
