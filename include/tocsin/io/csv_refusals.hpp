/// @file csv_refusals.hpp
/// @brief What helps where a cell of CSV is no number.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_digit_groups.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/number_text.hpp"

#include <cstddef>
#include <string_view>

namespace tocsin::detail {

/// Whether text that is no exponent stands behind a number.
inline bool has_unit(std::string_view text, const csv_number_format& format) noexcept {
    const auto end = text.find_first_not_of("0123456789+-.,");
    return end != 0 && end != std::string_view::npos &&
           std::string_view{"eExX"}.find(text[end]) == std::string_view::npos &&
           parse_csv_number<double>(text.substr(0, end), format);
}

/// Whether text is several numbers or dates with one character between them that delimits nothing yet.
inline bool holds_cells(std::string_view text) noexcept {
    constexpr std::string_view delimiters = ",;|^~:!&*\\/_\t ";
    for (const char delimiter : delimiters) {
        std::size_t cells = 0;
        bool all = true;
        for (csv_cells row{text, delimiter}; all && row.next(); ++cells) {
            all = is_usual_missing(row.text()) || parse_number<double>(row.text()) ||
                  parse_date_time(row.text());
        }
        if (all && cells > 1) {
            return true;
        }
    }
    return false;
}

/// Whether brackets hold what no unit is: `(2.5)`, `(null)`.
inline bool is_value_in_brackets(std::string_view text) noexcept {
    if (text.size() < 3 || (text.front() != '(' && text.front() != '[')) {
        return false;
    }
    const std::string_view inside = text.substr(1, text.size() - 2);
    return is_usual_missing(inside) || parse_number<double>(inside);
}

/// Where a cell that is no number stands.
struct refused_place {
    bool below_names = false; ///< in the first rows below the header
    bool whole_row = false;   ///< its row has no other cell
};

/// The end of a message about a cell that is no number: the option of the command line that helps.
inline const char* help_with_number(std::string_view text, const csv_number_format& format,
                                    const refused_place& at = {}) noexcept {
    double value = 0;
    const bool comma = parse_comma_number<double>(text, false).has_value();
    const bool groups =
        parse_grouped(text, format.decimal_comma ? ',' : '.', value) != digit_groups::none;
    const bool dots = parse_grouped(text, ',', value) != digit_groups::none;
    return text.find('\0') != std::string_view::npos
               ? "; NUL bytes stand where a file was not written to its end: remove the line"
           : groups && format.decimal_comma
               ? "; a dot before three digits may group them: --thousands says that it does, "
                 "--decimal-point that it does not"
           : groups ? "; --decimal-comma reads it as a fraction, --thousands as digits in groups"
           : dots   ? "; --decimal-comma with --thousands reads its dots as groups of digits"
           : comma  ? "; --decimal-comma reads it"
           : parse_date_time(text)
               ? "; --timestamp says which column is the time, --ignore leaves the column out"
           : at.whole_row && holds_cells(text)
               ? "; if these are several cells: --delimiter says what is between them"
           : has_unit(text, format)
               ? "; there is text behind the number: write the unit into the header"
           : text.starts_with('{') ? "; is it JSON? What is read is CSV"
           : at.below_names && looks_like_unit(text) && !is_value_in_brackets(text)
               ? "; if it is a unit: --skip-rows leaves out the lines up to here, names included"
           : parse_number<double>(text)
               ? "; it is beyond the range of numbers, --missing makes it a "
                 "missing value"
           : at.below_names && at.whole_row
               ? "; --skip-rows leaves out lines before the header, --delimiter says what is "
                 "between cells"
           : label_of_word(text)
               ? "; if it is a label: --labels names its column, --label-values says what words "
                 "mean; --ignore leaves the column out"
               : "; --missing makes it a missing value, --ignore leaves the "
                 "column out";
}

} // namespace tocsin::detail
