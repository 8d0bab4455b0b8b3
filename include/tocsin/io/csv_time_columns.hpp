/// @file csv_time_columns.hpp
/// @brief Which columns of a CSV file are its time, by their names and contents.
#pragma once

#include "tocsin/io/csv_dialect.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/date_time.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// In which forms the dates of a column are written.
class date_forms {
  public:
    void add(std::string_view cell, csv_content content) noexcept {
        if (content == csv_content::date) {
            const date_time time = parse_date_time(cell).value_or(date_time{});
            ++(time.has_date ? time.has_time ? points_ : days_ : times_of_day_);
        } else if (content == csv_content::number) {
            ++(cell.size() == 8 && parse_date_of_digits(cell) ? day_numbers_ : numbers_);
        }
    }
    void describe(csv_column_sample& sample) const noexcept {
        const bool dates = sample.content == csv_content::date && points_ == 0;
        sample.days = dates && times_of_day_ == 0;
        sample.times_of_day = dates && days_ == 0;
        sample.day_numbers = sample.content == csv_content::number && numbers_ == 0;
    }

  private:
    std::size_t days_ = 0;
    std::size_t times_of_day_ = 0;
    std::size_t points_ = 0; // a date with a time of day
    std::size_t day_numbers_ = 0;
    std::size_t numbers_ = 0; // that are none
};

/// A column that may be the time, or a part of it.
struct time_candidate {
    std::size_t position = 0;      ///< among all columns
    std::string plain = {};        ///< its plain_name(); empty without a name
    bool sampled = false;          ///< whether rows have been seen
    csv_column_sample sample = {}; ///< what they show
};

/// Positions of the columns of time; `none` for one that there is not.
struct time_columns {
    static constexpr std::size_t none = ~std::size_t{0};
    std::size_t time = none;        ///< of points in time, or of dates
    std::size_t time_of_day = none; ///< to be read together with the dates
};

/// The position of the only candidate with a property; `none` where there are several or none.
template <class Property>
std::size_t only_one(const std::vector<time_candidate>& candidates, const Property& has) {
    std::size_t found = time_columns::none;
    for (const time_candidate& one : candidates) {
        if (has(one)) {
            if (found != time_columns::none) {
                return time_columns::none;
            }
            found = one.position;
        }
    }
    return found;
}

/// Dates next to times of day make one time: by their names, or where there is one column of each and
/// none of whole points in time.
inline time_columns find_date_with_time(const std::vector<time_candidate>& candidates) {
    time_columns named;
    for (const time_candidate& one : candidates) {
        const bool fits = !one.sampled || one.sample.content == csv_content::date;
        if (named.time == time_columns::none && (fits || one.sample.day_numbers) &&
            (one.plain == "date" || one.plain == "datum")) {
            named.time = one.position;
        }
        if (named.time_of_day == time_columns::none && fits &&
            (one.plain == "time" || one.plain == "uhrzeit" || one.plain == "zeit")) {
            named.time_of_day = one.position;
        }
    }
    if (named.time != time_columns::none && named.time_of_day != time_columns::none) {
        return named;
    }
    time_columns shown;
    if (std::any_of(candidates.begin(), candidates.end(), [](const time_candidate& one) {
            return one.sample.content == csv_content::date && !one.sample.days &&
                   !one.sample.times_of_day;
        })) {
        return shown;
    }
    shown.time_of_day =
        only_one(candidates, [](const time_candidate& one) { return one.sample.times_of_day; });
    shown.time = only_one(candidates, [](const time_candidate& one) { return one.sample.days; });
    if (shown.time == time_columns::none) {
        shown.time =
            only_one(candidates, [](const time_candidate& one) { return one.sample.day_numbers; });
    }
    const bool both = shown.time != time_columns::none && shown.time_of_day != time_columns::none;
    return both ? shown : time_columns{};
}

/// The columns of time among candidates in the order of the file.
/// @param columns how many there are altogether
inline time_columns find_time_columns(const std::vector<time_candidate>& candidates,
                                      std::size_t columns) {
    time_columns found;
    int likeness = 0;
    bool is_point = false; // more than a date or a time of day
    for (const time_candidate& one : candidates) {
        int like = time_likeness(one.plain);
        if (like == 1 && one.sampled) { // a sensor may be called so as well
            const bool is_time = one.sample.content == csv_content::date || one.sample.epochs;
            like = is_time || one.sample.rises ? 1 : 0;
        }
        if (like > likeness) {
            found.time = one.position;
            likeness = like;
            is_point = one.sampled && !one.sample.days && !one.sample.times_of_day &&
                       !one.sample.day_numbers;
        }
    }
    if (const time_columns pair = find_date_with_time(candidates);
        !is_point && pair.time != time_columns::none) {
        return pair;
    }
    for (const time_candidate& one : candidates) {
        const bool is_clock = one.position == 0 && columns >= 2 && one.sample.is_clock();
        if (found.time == time_columns::none &&
            (one.sample.content == csv_content::date || is_clock)) {
            found.time = one.position;
        }
    }
    return found;
}

} // namespace tocsin::detail
