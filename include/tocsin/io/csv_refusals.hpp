/// @file csv_refusals.hpp
/// @brief What helps where a cell of CSV is no number.
#pragma once

#include "tocsin/io/csv_digit_groups.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/number_text.hpp"

#include <string_view>

namespace tocsin::detail {

/// Whether text that is no exponent stands behind a number.
inline bool has_unit(std::string_view text, const csv_number_format& format) noexcept {
    const auto end = text.find_first_not_of("0123456789+-.,");
    return end != 0 && end != std::string_view::npos &&
           std::string_view{"eExX"}.find(text[end]) == std::string_view::npos &&
           parse_csv_number<double>(text.substr(0, end), format);
}

/// The end of a message about a cell that is no number: the option of the command line that helps.
inline const char* help_with_number(std::string_view text,
                                    const csv_number_format& format) noexcept {
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
           : has_unit(text, format)
               ? "; there is text behind the number: write the unit into the header"
           : text.starts_with('{') ? "; is it JSON? What is read is CSV"
           : looks_like_unit(text) ? "; --skip-rows leaves out the rows up to here"
           : parse_number<double>(text)
               ? "; it is beyond the range of numbers, --missing makes it a "
                 "missing value"
               : "; --missing makes it a missing value, --ignore leaves the "
                 "column out";
}

} // namespace tocsin::detail
