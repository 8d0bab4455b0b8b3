/// @file csv_numeric_names.hpp
/// @brief Whether a first row of numbers may be the names of the columns.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// The numbers of a row; NaN for cells that are none.
inline std::vector<double> numbers_of_row(std::string_view line, char delimiter,
                                          const csv_number_format& format) {
    std::vector<double> numbers;
    for (csv_cells row{line, delimiter}; row.next();) {
        double value = std::numeric_limits<double>::quiet_NaN();
        (void)parse_csv_cell(row.text(), value, format);
        numbers.push_back(value);
    }
    return numbers;
}

/// Whether the whole numbers of a first row may be names: they count the columns, 0, 1, 2, ... or
/// 1, 2, 3, ..., as data frames call them, or all lie far from the other values of their columns, as
/// the addresses of registers do.
/// @param rows all rows that were seen, with the first; rows of other numbers of cells are passed over
inline bool may_be_numeric_names(std::span<const std::string_view> rows, char delimiter,
                                 const csv_number_format& format) {
    constexpr std::size_t fewest_counted = 3;
    constexpr int fewest_rows = 3; // below
    const std::vector<double> first = numbers_of_row(rows.front(), delimiter, format);
    const bool whole = std::all_of(first.begin(), first.end(), [](double number) {
        return number >= 0 && number == std::floor(number);
    });
    if (!whole || first.size() < 2) {
        return false;
    }
    bool counts = first.size() >= fewest_counted && first.front() <= 1;
    for (std::size_t k = 1; k < first.size(); ++k) {
        counts = counts && first[k] == first[k - 1] + 1;
    }
    std::vector<double> least(first.size(), std::numeric_limits<double>::infinity());
    std::vector<double> most(first.size(), -std::numeric_limits<double>::infinity());
    int below = 0;
    for (const std::string_view line : rows.subspan(1)) {
        const std::vector<double> row = numbers_of_row(line, delimiter, format);
        if (row.size() != first.size()) {
            continue;
        }
        counts = counts && row != first;
        ++below;
        for (std::size_t k = 0; k < row.size(); ++k) {
            least[k] = std::fmin(least[k], row[k]);
            most[k] = std::fmax(most[k], row[k]);
        }
    }
    bool far = below >= fewest_rows;
    for (std::size_t k = 0; k < first.size(); ++k) {
        const double away = std::max(first[k] - most[k], least[k] - first[k]);
        far = far && away > 2 * (most[k] - least[k]) &&
              std::count(first.begin(), first.end(), first[k]) == 1;
    }
    return far || (counts && below > 0);
}

} // namespace tocsin::detail
