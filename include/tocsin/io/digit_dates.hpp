/// @file digit_dates.hpp
/// @brief Dates of eight or ten digits, which plain numbers may look like.
#pragma once

#include "tocsin/io/date_time.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/serial_dates.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin {

/// What is known of dates of digits alone in a column of times.
enum class digit_dates : std::uint8_t {
    unknown,     ///< whether numbers are such dates is to be found out
    long_years,  ///< 20160701, 2016070110
    short_years, ///< 2611300400: a year of two digits
    none         ///< numbers are none, whatever they look like
};

namespace detail {

/// Ten digits, 2611300400, as a date from 2019 on with a year of two digits. As seconds since 1970,
/// these numbers lie in 2030 and later.
inline std::optional<date_time> parse_date_of_ten_digits(std::string_view text) noexcept {
    const std::string_view cell = trimmed(text);
    if (cell.size() != 10 || cell < "19") {
        return std::nullopt;
    }
    std::array<char, 12> whole{'2', '0'};
    std::copy(cell.begin(), cell.end(), whole.begin() + 2);
    return parse_date_of_digits({whole.data(), whole.size()});
}

/// Whether a number may be a date of digits of this kind: of eight digits, or of ten.
inline bool may_be_digit_date(std::string_view cell, digit_dates kind) noexcept {
    cell = trimmed(cell);
    if (kind == digit_dates::short_years) {
        return parse_date_of_ten_digits(cell).has_value();
    }
    const bool fits = cell.size() == 8 || (cell.size() == 10 && cell.starts_with("20"));
    return fits && parse_date_of_digits(cell);
}

/// Which dates of digits all numbers among samples are, in as many digits; of those that may be of
/// both kinds, years have four digits.
/// @param known what other samples have shown: where these may be so as well, they are
/// @param least how many numbers it takes to show it
template <class Texts>
digit_dates find_digit_dates(const Texts& samples, digit_dates known, std::size_t least) noexcept {
    std::size_t count = 0;
    std::size_t size = 0;
    bool long_years = true; // for all that they show
    bool short_years = true;
    bool two_readings = true; // of ten digits
    for (const std::string_view text : samples) {
        const std::string_view cell = trimmed(text);
        if (!serial_number(cell)) {
            continue;
        }
        size = count == 0 ? cell.size() : size;
        long_years =
            long_years && cell.size() == size && may_be_digit_date(cell, digit_dates::long_years);
        short_years = short_years && may_be_digit_date(cell, digit_dates::short_years);
        two_readings = two_readings && parse_date_of_digits(cell);
        ++count;
    }
    if (count < std::max<std::size_t>(least, 1)) {
        return digit_dates::unknown;
    }
    return short_years && known == digit_dates::short_years ? digit_dates::short_years
           : long_years                                     ? digit_dates::long_years
           : short_years && !two_readings                   ? digit_dates::short_years
                                                            : digit_dates::unknown;
}

} // namespace detail
} // namespace tocsin
