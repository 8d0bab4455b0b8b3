/// @file csv_delimiter.hpp
/// @brief What stands between the cells of a CSV text.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/csv_options.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// The most frequent number of cells of rows.
inline std::size_t usual_cells(std::span<const std::string_view> rows, char delimiter) {
    std::vector<std::size_t> counts;
    counts.reserve(rows.size());
    for (const std::string_view row : rows) {
        counts.push_back(csv_cells::count(row, delimiter));
    }
    std::size_t best = 0;
    std::ptrdiff_t most = 0;
    for (const std::size_t count : counts) {
        if (const auto same = std::count(counts.begin(), counts.end(), count); same > most) {
            most = same;
            best = count;
        }
    }
    return best;
}

/// Finds the delimiter with which rows are most regular and read best as numbers and dates.
class csv_delimiter_study {
  public:
    /// @param lines the first of a text that are not blank, at least one
    /// @param body  the first of them that is surely a row, less than their number
    csv_delimiter_study(std::span<const std::string_view> lines, std::size_t body,
                        const csv_options& options)
        : lines_{lines}, rows_{lines.subspan(body)}, options_{options} {}

    /// The delimiter, unless options name it.
    char choose() {
        char chosen = choose_visible();
        if (usual_cells(rows_, chosen) == 1 && !options_.groups.value_or(false)) {
            consider_blanks(chosen);
        }
        return chosen;
    }
    /// Whether rows may be one number with its digits in groups as well as several numbers with
    /// blanks between them.
    bool unclear() const noexcept { return unclear_; }

  private:
    /// How well rows with this delimiter read as numbers and dates, from 0 to 1.
    double score(char delimiter, bool decimal_comma) const {
        const std::size_t usual = usual_cells(rows_, delimiter);
        csv_number_format format;
        format.decimal_comma = decimal_comma;
        format.add_missing(options_.missing);
        std::size_t rows = 0;
        std::size_t cells = 0;
        std::size_t read = 0;
        for (const std::string_view line : rows_) {
            if (csv_cells::count(line, delimiter) != usual) {
                continue;
            }
            ++rows;
            double value = 0;
            for (csv_cells row{line, delimiter}; row.next();) {
                ++cells;
                read += content_of(row.text(), format, value) != csv_content::word ? 1U : 0U;
            }
        }
        const double regular = static_cast<double>(rows) / static_cast<double>(rows_.size());
        const double share =
            static_cast<double>(read) / static_cast<double>(std::max<std::size_t>(cells, 1));
        return regular * share * (usual > 1 ? 1 : 0.5);
    }
    double best_score(char delimiter) const {
        if (options_.decimal_comma) {
            return score(delimiter, *options_.decimal_comma);
        }
        return std::max(score(delimiter, false), score(delimiter, true));
    }

    char choose_visible() const {
        const bool quotes = rows_.back().find('"') != std::string_view::npos;
        double best = 0;
        char chosen = ',';
        for (const char candidate : {',', ';', '\t', '|'}) {
            if (candidate == ',' && options_.decimal_comma.value_or(false) && !quotes) {
                continue;
            }
            if (const double found = best_score(candidate); found > best) {
                best = found;
                chosen = candidate;
            }
        }
        if (best <= 0) {
            chosen = likely_delimiter(lines_.front());
            return chosen == ',' && usual_cells(rows_, ' ') > 1 && best_score(' ') > 0.9 ? ' '
                                                                                         : chosen;
        }
        if (best <= 0.5 && csv_cells::count(lines_.front(), chosen) == 1) {
            // One cell a row: a delimiter in the first line would not be one in the rows.
            const char likely = likely_delimiter(lines_.front());
            const bool decimal = likely == ',' && options_.decimal_comma.value_or(false);
            chosen = decimal ? chosen : likely;
        }
        if (chosen == ',' && options_.decimal_comma.value_or(true) &&
            rows_.size() < lines_.size() && usual_cells(rows_, ',') == 2 &&
            csv_cells::count(lines_.front(), ',') == 1 && usual_cells(rows_, ';') == 1 &&
            score(';', true) >= 0.5 && !has_asked_names(',')) {
            chosen = ';';
        }
        return chosen;
    }

    /// Whether the first line that is no comment has the names of all features with a delimiter.
    bool has_asked_names(char delimiter) const {
        const auto first = std::find_if_not(lines_.begin(), lines_.end(), looks_like_comment);
        return !options_.use.empty() && first != lines_.end() &&
               has_names(*first, delimiter, options_.use);
    }

    /// Rows such as `20 512` with one cell otherwise: one number or two?
    void consider_blanks(char& chosen) {
        const std::size_t cells = csv_cells::count(rows_.front(), ' ');
        const bool regular = std::all_of(rows_.begin(), rows_.end(), [&](std::string_view row) {
            return csv_cells::count(row, ' ') == cells && !parse_date_time(row);
        });
        if (cells < 2 || !regular || best_score(' ') <= 0.9) {
            return;
        }
        // A single feature may have a time before it.
        const std::size_t asked = options_.use.size();
        if (asked > 1 || (asked == 1 && cells != 2)) {
            chosen = cells == asked || cells == asked + 1 ? ' ' : chosen;
            return;
        }
        const bool can_be_one =
            best_score(chosen) >= 0.5 &&
            std::none_of(lines_.begin(), lines_.end(), [&](std::string_view line) {
                return csv_cells::count(line, ' ') == cells && is_row(line, ' ') &&
                       !is_row(line, chosen);
            });
        const bool as_many = csv_cells::count(lines_.front(), ' ') == cells;
        if (!can_be_one || (as_many && !is_row(lines_.front(), ' '))) {
            chosen = ' ';
        }
        unclear_ = can_be_one && as_many && chosen != ' ';
    }
    /// Whether all cells are numbers or dates.
    static bool is_row(std::string_view line, char delimiter) noexcept {
        const auto reads = [&](bool decimal_comma) {
            csv_number_format format;
            format.decimal_comma = decimal_comma;
            bool all = true;
            double value = 0;
            for (csv_cells cells{line, delimiter}; cells.next();) {
                all = all && content_of(cells.text(), format, value) != csv_content::word;
            }
            return all;
        };
        return reads(false) || reads(true);
    }

    std::span<const std::string_view> lines_;
    std::span<const std::string_view> rows_; // those of them that are surely rows
    const csv_options& options_;
    bool unclear_ = false;
};

} // namespace tocsin::detail
