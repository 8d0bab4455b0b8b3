/// @file date_time.hpp
/// @brief Dates and times of day as seconds.
#pragma once

#include "tocsin/io/civil_date.hpp"
#include "tocsin/io/date_orders.hpp"
#include "tocsin/io/date_words.hpp"
#include "tocsin/io/number_text.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace tocsin {

/// A point in time as written.
struct date_time {
    double seconds = 0;      ///< since 1970 in UTC where the text says its offset, else local time;
                             ///< without a date, since midnight
    bool has_date = false;   ///< otherwise a time of day alone, or hours that have passed
    bool has_offset = false; ///< with `Z`, `UTC`, `GMT` or an offset such as `+02:00`
    bool has_time = false;   ///< with a time of day
    /// The orders in which it may be read; none where its form says what is what, as in 2015-04-03.
    date_orders orders = {};
};

namespace detail {

/// Reads a date and time from left to right.
class date_time_scanner {
  public:
    constexpr explicit date_time_scanner(std::string_view text) noexcept : rest_{trimmed(text)} {}

    std::optional<date_time> read(date_order order) noexcept {
        date_time found;
        const bool weekday = take_weekday(rest_);
        const std::string_view all = rest_;
        if (all.size() == 12 || all.size() == 14) {
            if (const auto compact = read_compact(); compact) {
                return compact;
            }
        }
        if (read_month_first(found)) {
            return rest_.empty() ? std::optional{found} : std::nullopt;
        }
        rest_ = all;
        if (read_date(order, found)) {
            found.has_date = true;
            if (rest_.empty()) {
                return found;
            }
            const char separator = rest_.front();
            const bool clear = separator == 'T' || separator == 't' || separator == ',' ||
                               separator == '_' || separator == ' ';
            if (!clear) {
                return std::nullopt;
            }
            rest_.remove_prefix(1);
            rest_ = trimmed(rest_);
        } else {
            rest_ = all;
            if (weekday) {
                return std::nullopt;
            }
            days_ = read_days(found);
            if (!days_) {
                found.seconds = 0;
                rest_ = all;
            }
        }
        if (!read_time(found) || !read_offset(found) || !rest_.empty()) {
            return std::nullopt;
        }
        return found;
    }

    /// 20160701, 2016070110, 201607011030 or 20160701103000: digits alone, of a year of our time.
    std::optional<date_time> read_compact() const noexcept {
        const std::string_view all = rest_;
        if (all.size() < 8 || all.size() > 14 || all.size() % 2 != 0 ||
            all.find_first_not_of("0123456789") != std::string_view::npos ||
            !(all.starts_with("19") || all.starts_with("20"))) {
            return std::nullopt;
        }
        const auto pair = [&](std::size_t at) {
            return at < all.size() ? 10 * (all[at] - '0') + (all[at + 1] - '0') : 0;
        };
        date_time found;
        found.has_date = set_date(100 * pair(0) + pair(2), pair(4), pair(6), found);
        found.seconds += 3600.0 * pair(8) + 60.0 * pair(10) + pair(12);
        found.has_time = all.size() > 8;
        const bool possible = pair(8) <= 24 && pair(10) <= 59 && pair(12) <= 60;
        return found.has_date && possible ? std::optional{found} : std::nullopt;
    }

  private:
    /// Up to `most` digits; -1 for none.
    int digits(std::size_t most, std::size_t& count) noexcept {
        int value = 0;
        for (count = 0; count < most && count < rest_.size() && is_digit(rest_[count]); ++count) {
            value = value * 10 + (rest_[count] - '0');
        }
        rest_.remove_prefix(count);
        return count > 0 ? value : -1;
    }
    bool take(char character) noexcept {
        if (rest_.empty() || rest_.front() != character) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool take_word(std::string_view word) noexcept { return detail::take_word(rest_, word); }

    /// Jan 30, 2024, Jan 30 2024 10:00, or with the year at the end, Jan 30 10:00:00 2024.
    bool read_month_first(date_time& found) noexcept {
        std::size_t count = 0;
        const int month = take_month(rest_);
        if (month < 0 || !(take(' ') || (take('.') && take(' ')))) {
            return false;
        }
        rest_ = trimmed(rest_);
        const int day = digits(2, count);
        const bool comma = take(',');
        if (day < 0 || !(take(' ') || comma)) {
            return false;
        }
        rest_ = trimmed(rest_);
        date_time time;
        const bool year_last = rest_.size() > 2 && (rest_[1] == ':' || rest_[2] == ':');
        if (year_last && !read_time(time)) {
            return false;
        }
        const int year = digits(4, count);
        if (count != 4 || !set_date(year, month, day, found)) {
            return false;
        }
        found.has_date = true;
        if (year_last) {
            found.seconds += time.seconds;
            found.has_time = true;
            return true;
        }
        if (rest_.empty()) {
            return true;
        }
        if (!take(',') && rest_.front() != ' ') {
            return false;
        }
        rest_ = trimmed(rest_);
        if (take('@')) {
            rest_ = trimmed(rest_);
        }
        return read_time(found) && read_offset(found);
    }

    bool read_date(date_order order, date_time& found) noexcept {
        std::size_t first_digits = 0;
        std::size_t count = 0;
        const int first = digits(8, first_digits);
        if (first_digits == 8) { // 20160701T...
            const bool separated = !rest_.empty() && (rest_.front() == 'T' || rest_.front() == ' ');
            return separated && set_date(first / 10000, first / 100 % 100, first % 100, found);
        }
        if (first < 0 || first_digits > 4 || first_digits == 3 || rest_.empty()) {
            return false;
        }
        const char separator = rest_.front();
        if (separator != '-' && separator != '/' && separator != '.' && separator != ' ') {
            return false;
        }
        rest_.remove_prefix(1);
        const int named = take_month(rest_);
        const int second = named > 0 ? named : digits(2, count);
        if (second < 0 || !take(separator)) {
            return false;
        }
        std::size_t last_digits = 0;
        const int third = digits(4, last_digits);
        if (third < 0) {
            return false;
        }
        if (first_digits == 4) {
            return last_digits <= 2 && separator != ' ' && set_date(first, second, third, found);
        }
        const bool short_year = first_digits == 2 && last_digits <= 2; // 15-04-03
        if ((last_digits != 4 && last_digits != 2 && !short_year) ||
            (separator == ' ' && named < 0)) {
            return false;
        }
        const auto year_of = [](int number, std::size_t written) {
            return written == 4 ? number : number + (number < 70 ? 2000 : 1900);
        };
        if (named > 0) {
            return last_digits != 1 && set_date(year_of(third, last_digits), second, first, found);
        }
        const auto possible = [](int month, int day) {
            return month >= 1 && month <= 12 && day >= 1 && day <= 31;
        };
        if (last_digits != 1 && possible(second, first)) {
            found.orders.add(date_order::day_first);
        }
        if (last_digits != 1 && possible(first, second)) {
            found.orders.add(date_order::month_first);
        }
        if (date_time other; short_year && set_date(year_of(first, 2), second, third, other)) {
            found.orders.add(date_order::year_first);
        }
        switch (found.orders.has(order) ? order : found.orders.first()) {
        case date_order::day_first:
            return set_date(year_of(third, last_digits), second, first, found);
        case date_order::month_first:
            return set_date(year_of(third, last_digits), first, second, found);
        case date_order::year_first:
            return set_date(year_of(first, 2), second, third, found);
        }
        return false;
    }

    static bool set_date(int year, int month, int day, date_time& found) noexcept {
        if (!is_civil_date(year, month, day)) {
            return false;
        }
        found.seconds = 86400.0 * static_cast<double>(days_from_civil(year, month, day));
        return true;
    }

    /// The days of a duration, `1 day, ` or `2 days `.
    bool read_days(date_time& found) noexcept {
        std::size_t count = 0;
        const int days = digits(6, count);
        if (days < 0 || !take(' ') || !(take_word("days") || take_word("day"))) {
            return false;
        }
        (void)take(',');
        found.seconds = 86400.0 * days;
        return take(' ');
    }

    bool read_time(date_time& found) noexcept {
        std::size_t count = 0;
        int hour = digits(found.has_date ? 2 : 6, count);
        const bool elapsed = hour > 24 || count > 2 || days_; // 25:10:00, which no time of day is
        if (hour < 0 || (elapsed && found.has_date) || rest_.empty()) {
            return false;
        }
        const bool compact = count == 2 && found.has_date && is_digit(rest_.front());
        const char separator = rest_.front();
        if (!compact && separator != ':' && !(separator == '.' && found.has_date) &&
            !(separator == '.' && rest_.size() >= 6 && rest_[3] == '.')) {
            return false;
        }
        if (!compact) {
            rest_.remove_prefix(1);
        }
        const int minute = digits(2, count);
        const bool short_minute = count == 1; // 10:5:3, but 16:9 is no time
        if (minute < 0 || minute > 59 || (short_minute && (compact || separator != ':'))) {
            return false;
        }
        if (elapsed && (separator != ':' || short_minute || rest_.size() < 3)) {
            return false; // hours and minutes alone may be minutes and seconds
        }
        double second = 0;
        if (compact ? !rest_.empty() && is_digit(rest_.front()) : take(separator)) {
            const int whole = digits(2, count);
            if (whole < 0 || whole > 60) {
                return false;
            }
            second = whole;
            if (take('.') || take(',')) {
                double place = 1;
                while (!rest_.empty() && is_digit(rest_.front())) {
                    place /= 10;
                    second += place * (rest_.front() - '0');
                    rest_.remove_prefix(1);
                }
            }
        } else if (short_minute && !found.has_date) {
            return false;
        }
        rest_ = trimmed(rest_);
        const bool is_date = hour >= 1900 && hour < 2100 && // 2016:07:01
                             is_civil_date(hour, minute, static_cast<int>(second));
        if (elapsed && (!rest_.empty() || is_date)) {
            return false;
        }
        const bool afternoon = take_word("pm") || take_word("p.m.");
        if (afternoon || take_word("am") || take_word("a.m.")) {
            // 0 and 13 to 23 occur in files that write AM behind a clock of 24 hours.
            hour = hour == 12 ? 0 : hour;
            hour += afternoon && hour < 12 ? 12 : 0;
        }
        found.seconds += 3600.0 * hour + 60.0 * minute + second;
        found.has_time = true;
        return true;
    }

    bool read_offset(date_time& found) noexcept {
        rest_ = trimmed(rest_);
        if (rest_.empty()) {
            return true;
        }
        found.has_offset = true;
        if (take('Z') || take('z') || take_word("utc") || take_word("gmt")) {
            return true;
        }
        const char sign = rest_.front();
        if (sign != '+' && sign != '-') {
            return false;
        }
        rest_.remove_prefix(1);
        std::size_t count = 0;
        const int hours = digits(2, count);
        const bool colon = take(':');
        const int minutes = digits(2, count);
        if (hours < 0 || hours > 23 || minutes > 59 || (colon && minutes < 0)) {
            return false;
        }
        const double offset = 3600.0 * hours + 60.0 * (minutes > 0 ? minutes : 0);
        found.seconds -= sign == '+' ? offset : -offset;
        return true;
    }

    std::string_view rest_;
    bool days_ = false; // of a duration have been read
};

} // namespace detail

/// Reads a date, a date with a time of day (`T`, a space or a comma between them), or a time of day.
/// Dates: ISO 8601 (2016-07-01, 20160701T..., 201607011000, 20160701100000), 01.07.2016, 1/7/16,
/// 16-07-01, 01-Jul-2016, Jul 1, 2016, Fri Jul 1 10:00:00 2016, Fri, 01 Jul 2016; times 10:00,
/// 10:00:00.5, 10:0:0, 10.00.00, with AM or PM; offsets `Z`, `UTC`, +02, +0200, +02:00. Times without
/// a date may go on beyond a day: 25:10:00, `1 day, 1:10:00`, but not 2016:07:01, which is rather a
/// date. Nothing for other text, other plain numbers among them, and for days that do not exist.
/// Never allocates.
/// @param order how 01/07/16 is read where it may be read so; see date_time::orders
inline std::optional<date_time> parse_date_time(std::string_view text,
                                                date_order order = date_order::day_first) noexcept {
    return detail::date_time_scanner{text}.read(order);
}

/// Reads a date of digits alone, also one without a time, 20160701, or with the hour only,
/// 2016070110: plain numbers may look the same. Nothing for other text. Never allocates.
inline std::optional<date_time> parse_date_of_digits(std::string_view text) noexcept {
    return detail::date_time_scanner{text}.read_compact();
}

} // namespace tocsin
