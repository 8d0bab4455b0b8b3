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

/// Finds out from rows what commas and points in numbers are.
class decimal_mark_study {
  public:
    /// @param columns of a row
    decimal_mark_study(std::size_t columns, char delimiter)
        : delimiter_{delimiter}, columns_(columns) {}

    /// Takes in a line.
    /// @param is_row whether it is one of those that are surely rows
    void add(std::string_view row, bool is_row) {
        std::size_t at = 0;
        for (csv_cells cells{row, delimiter_}; cells.next() && at < columns_.size(); ++at) {
            const std::string_view cell = cells.text();
            comma_use& use = columns_[at];
            if (!is_row) {
                // may be a number of something else
            } else if (cell.find(',') == std::string_view::npos) {
                use.plain = use.plain || parse_number<double>(cell).has_value();
            } else if (parse_comma_number<double>(cell, false)) {
                const bool either = has_groups(cell, ',');
                use.sure = use.sure || !either;
                use.maybe = use.maybe || (either && delimiter_ != ',');
            }
            if (cell.find_first_of(",.") != std::string_view::npos) {
                double value = 0;
                point_ = point_ || parse_grouped(cell, '.', value) == digit_groups::certain;
                comma_ = comma_ || parse_grouped(cell, ',', value) == digit_groups::certain;
            }
        }
    }

    /// Whether `1,5` is one and a half.
    bool decimal_comma() const noexcept {
        // Where all numbers of a column have a comma before three digits, they have three decimals.
        return !point_ &&
               (comma_ || std::any_of(columns_.begin(), columns_.end(), [](const comma_use& use) {
                    return use.sure || (use.maybe && !use.plain);
                }));
    }
    /// Whether some number can only be read with its digits in groups.
    bool groups(bool decimal_comma) const noexcept { return decimal_comma ? comma_ : point_; }

  private:
    /// How the numbers of a column use commas.
    struct comma_use {
        bool sure = false;  // a decimal comma that cannot group digits
        bool maybe = false; // a comma before three digits
        bool plain = false; // a number without a comma
    };

    char delimiter_;
    std::vector<comma_use> columns_;
    bool point_ = false; // groups with a decimal point
    bool comma_ = false; // groups with a decimal comma
};

} // namespace tocsin::detail
