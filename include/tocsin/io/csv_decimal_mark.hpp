/// @file csv_decimal_mark.hpp
/// @brief Whether numbers have a decimal comma, and their digits stand in groups.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_number.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// Finds out from rows what commas and points in numbers are: first learn_columns() of lines that
/// are surely rows, then add() of all lines.
class decimal_mark_study {
  public:
    /// @param columns of a row
    decimal_mark_study(std::size_t columns, char delimiter)
        : delimiter_{delimiter}, columns_(columns) {}

    /// Finds out which columns hold numbers, however they are written.
    void learn_columns(std::string_view row) {
        std::size_t at = 0;
        for (csv_cells cells{row, delimiter_}; cells.next() && at < columns_.size(); ++at) {
            column_use& use = columns_[at];
            if (!is_usual_missing(cells.text())) {
                ++(may_be_number(cells.text()) ? use.numbers : use.others);
            }
        }
    }

    /// Takes in the numbers of a line that fits the rows: what stands before the header does not.
    void add(std::string_view line) {
        if (!fits(line)) {
            return;
        }
        std::size_t at = 0;
        for (csv_cells cells{line, delimiter_}; cells.next(); ++at) {
            if (columns_[at].holds_numbers()) {
                add_number(cells.text(), columns_[at]);
            }
        }
    }

    /// Whether `1,5` is one and a half.
    bool decimal_comma() const noexcept {
        if (point_grouped_) {
            return false;
        }
        // Where all numbers of a column have a comma before three digits, they have three decimals.
        const bool three_decimals =
            std::any_of(columns_.begin(), columns_.end(),
                        [](const column_use& use) { return use.maybe && !use.plain; });
        // A fraction with a point in the same file says otherwise, unless commas allow no other way.
        return comma_fraction_ || (!point_fraction_ && (comma_grouped_ || three_decimals));
    }
    /// Whether some number can only be read with its digits in groups, and none says otherwise.
    bool groups(bool decimal_comma) const noexcept {
        if (!decimal_comma) {
            return point_grouped_ && !comma_fraction_;
        }
        // Addresses and versions have several points too: alone they speak for their column only.
        const bool elsewhere =
            std::any_of(columns_.begin(), columns_.end(), [](const column_use& use) {
                return use.points_before_three && !use.several_points;
            });
        return comma_grouped_ && !point_fraction_ && (both_marks_ || !elsewhere);
    }

  private:
    struct column_use {
        std::size_t numbers = 0;
        std::size_t others = 0;           // cells that are no numbers: words, dates
        bool maybe = false;               // a comma before three digits
        bool plain = false;               // a number without a comma
        bool points_before_three = false; // a point before three digits, as in 23.456
        bool several_points = false;      // as in 1.234.567

        bool holds_numbers() const noexcept { return numbers > others; }
    };

    /// Whether a cell is a number with one decimal mark or the other.
    static bool may_be_number(std::string_view cell) noexcept {
        double value = 0;
        return parse_number<double>(cell) || parse_comma_number<double>(cell, false) ||
               parse_grouped(cell, '.', value) != digit_groups::none ||
               parse_grouped(cell, ',', value) != digit_groups::none;
    }
    bool fits(std::string_view line) const noexcept {
        std::size_t at = 0;
        for (csv_cells cells{line, delimiter_}; cells.next(); ++at) {
            if (at >= columns_.size() ||
                (columns_[at].holds_numbers() && !is_usual_missing(cells.text()) &&
                 !may_be_number(cells.text()))) {
                return false;
            }
        }
        return at == columns_.size();
    }
    void add_number(std::string_view cell, column_use& use) noexcept {
        const bool comma = cell.find(',') != std::string_view::npos;
        const bool point = cell.find('.') != std::string_view::npos;
        if (!comma) {
            const bool number = parse_number<double>(cell).has_value();
            use.plain = use.plain || number;
            const bool either = point && has_groups(cell, '.');
            point_fraction_ = point_fraction_ || (number && point && !either);
            use.points_before_three = use.points_before_three || (number && either);
        } else if (parse_comma_number<double>(cell, false)) {
            const bool either = has_groups(cell, ',');
            comma_fraction_ = comma_fraction_ || !either;
            use.maybe = use.maybe || (either && delimiter_ != ',');
        }
        double value = 0;
        if (comma && parse_grouped(cell, '.', value) == digit_groups::certain) {
            point_grouped_ = true;
        }
        if (parse_grouped(cell, ',', value) == digit_groups::certain) {
            comma_grouped_ = comma_grouped_ || point;
            comma_fraction_ = comma_fraction_ || comma;
            both_marks_ = both_marks_ || (comma && point);
            use.several_points = use.several_points || (point && !comma);
        }
    }

    char delimiter_;
    std::vector<column_use> columns_;
    bool comma_fraction_ = false; // a decimal comma that cannot group digits
    bool point_fraction_ = false; // a decimal point that cannot
    bool comma_grouped_ = false;  // points that can only group digits
    bool point_grouped_ = false;  // commas that can only group digits
    bool both_marks_ = false;     // points that group digits before a decimal comma
};

} // namespace tocsin::detail
