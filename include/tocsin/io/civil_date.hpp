/// @file civil_date.hpp
/// @brief Dates of the Gregorian calendar as numbers of days.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tocsin {

/// Days from 1970-01-01 to a date of the Gregorian calendar.
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) noexcept {
    // Counts from 1 March, so that the leap day is the last one (Hinnant 2013, days_from_civil).
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

namespace detail {

/// Whether there is such a day, from the year 1 on.
constexpr bool is_civil_date(int year, int month, int day) noexcept {
    constexpr std::array<int, 12> lengths = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 || day > lengths[static_cast<std::size_t>(month - 1)] ||
        year < 1) {
        return false;
    }
    return month != 2 || day != 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

} // namespace detail
} // namespace tocsin
