/// @file csv_dialect.hpp
/// @brief How a CSV text is written.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/csv_options.hpp"

#include <cstdint>
#include <vector>

namespace tocsin {

/// What most cells of a column are.
enum class csv_content : std::uint8_t { empty, number, on_or_off, date, word };

/// A column in the first rows.
struct csv_column_sample {
    csv_content content = csv_content::empty; ///< what kind of cells it has
    bool rises = false;        ///< numbers of which nine in ten steps rise, or only one number
    bool one_way = false;      ///< nine in ten steps rise, or nine in ten fall, or none does either
    bool counts = false;       ///< numbers that rise by 1 from row to row
    bool epochs = false;       ///< nine in ten are dates from 1990 to 2100, in one unit since 1970
    bool days = false;         ///< dates without a time of day
    bool times_of_day = false; ///< times of day without a date
    bool day_numbers = false;  ///< numbers that are dates, such as 20160701

    /// Times since 1970 that go one way.
    bool is_clock() const noexcept { return epochs && one_way; }
};

/// How a CSV text is written.
struct csv_dialect {
    char delimiter = ',';       ///< between two cells
    bool decimal_comma = false; ///< whether numbers have a comma for a point
    bool groups = false;        ///< whether `1,234` (or `1.234`) is 1234
    /// Whether rows such as `20 512` may be one number or two: csv_layout refuses them.
    bool unclear_blanks = false;
    bool has_header = true;      ///< whether the first row names the columns
    bool header_is_cut = false;  ///< whether a name has a line break in double quotes
    index_t unit_rows = 0;       ///< rows of units or descriptions below the header
    bool unclear_names = false;  ///< whether that row looks like no units, and may be the names
    bool has_units_only = false; ///< a row of units stands where the names should, and is skipped
    bool may_have_names = false; ///< whether the first row, of numbers, may be the names: `0,1,2`
    index_t skipped = 0;         ///< lines before the header, or before the first row
    std::vector<csv_column_sample> columns; ///< none where no row was seen

    /// How numbers are written.
    csv_number_format numbers(const csv_options& options) const {
        csv_number_format format;
        format.decimal_comma = decimal_comma;
        format.refuse_groups = decimal_comma && (delimiter != ',' || groups);
        format.groups = groups;
        format.add_missing(options.missing);
        return format;
    }
};

} // namespace tocsin
