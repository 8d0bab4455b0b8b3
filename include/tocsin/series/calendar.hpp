/// @file calendar.hpp
/// @brief Features of the calendar: time of day, of the week, of the month and of the year.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

/// What is read off a time.
enum class calendar_part : std::uint8_t {
    hour,    ///< 0 to 23
    minute,  ///< 0 to 59
    weekday, ///< 0 (Monday) to 6
    day,     ///< of the month, 1 to 31
    month    ///< 1 to 12
};

/// How a part of the calendar becomes features.
enum class calendar_form : std::uint8_t {
    number, ///< one feature, the whole number
    cyclic, ///< sine and cosine of 2 pi times the part that has passed: no jump at its end
    both    ///< the number, then sine and cosine
};

/// Which features calendar_features() makes of a time, in which form.
struct calendar_settings {
    /// In the order of the features; at least one.
    std::vector<calendar_part> parts = {calendar_part::hour, calendar_part::minute,
                                        calendar_part::weekday, calendar_part::day,
                                        calendar_part::month};
    calendar_form form = calendar_form::cyclic; ///< of all parts
    /// Seconds that local time is ahead of the times that are given: 3600 where those are UTC and
    /// the plant is in Berlin in winter, 0 where they are local. At most a day either way.
    double utc_offset = 0;

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (parts.empty()) {
            return status::error(error_code::invalid_argument, "calendar: no part is wanted");
        }
        if (!(std::abs(utc_offset) <= 86400)) {
            return status::error(error_code::invalid_argument, "calendar: an offset of ",
                                 utc_offset, " seconds is not within a day");
        }
        return {};
    }
    /// Features of one time.
    index_t feature_count() const noexcept {
        const index_t each = form == calendar_form::number   ? 1
                             : form == calendar_form::cyclic ? 2
                                                             : 3;
        return each * static_cast<index_t>(parts.size());
    }
    /// A name for each feature, such as `hour` and `hour_sine`. Allocates.
    std::vector<std::string> names() const {
        constexpr const char* words[] = {"hour", "minute", "weekday", "day", "month"};
        std::vector<std::string> all;
        for (const calendar_part part : parts) {
            const std::string word = words[static_cast<std::size_t>(part)];
            if (form != calendar_form::cyclic) {
                all.push_back(word);
            }
            if (form != calendar_form::number) {
                all.push_back(word + "_sine");
                all.push_back(word + "_cosine");
            }
        }
        return all;
    }
};

namespace detail {

/// A part of the calendar: its number, and how much of the whole has passed, in [0, 1).
struct calendar_reading {
    double number;
    double passed;
};

/// @param time seconds since 1970 of the local clock, within some 29 000 years of it
inline calendar_reading read_calendar(calendar_part part, double time) noexcept {
    using namespace std::chrono;
    constexpr double seconds_of_day = 86400;
    const double whole_days = std::floor(time / seconds_of_day);
    const double second = time - whole_days * seconds_of_day;
    const sys_days date{days{static_cast<int>(whole_days)}};
    const double of_day = second / seconds_of_day;
    switch (part) {
    case calendar_part::hour:
        return {std::floor(second / 3600), of_day};
    case calendar_part::minute:
        return {std::floor(std::fmod(second, 3600) / 60), std::fmod(second, 3600) / 3600};
    case calendar_part::weekday: {
        const double number = weekday{date}.iso_encoding() - 1.0;
        return {number, (number + of_day) / 7};
    }
    case calendar_part::day:
    case calendar_part::month:
        break;
    }
    const year_month_day civil{date};
    const double day = static_cast<unsigned>(civil.day());
    const double length = static_cast<unsigned>((civil.year() / civil.month() / last).day());
    const double of_month = (day - 1 + of_day) / length;
    if (part == calendar_part::day) {
        return {day, of_month};
    }
    const double month = static_cast<unsigned>(civil.month());
    return {month, (month - 1 + of_month) / 12};
}

} // namespace detail

/// The features of one time, part by part. Never allocates.
/// @param time     seconds since 1970. One that is not finite, or some 29 000 years away from 1970,
///                 gives NaN: a missing value, not an error
/// @param features `settings.feature_count()` values, overwritten
template <class Scalar>
void calendar_features(const calendar_settings& settings, double time,
                       std::span<Scalar> features) noexcept {
    constexpr double farthest = 9e11;
    const double local = time + settings.utc_offset;
    if (!(std::abs(local) <= farthest)) {
        std::fill(features.begin(), features.end(), std::numeric_limits<Scalar>::quiet_NaN());
        return;
    }
    std::size_t next = 0;
    for (const calendar_part part : settings.parts) {
        const auto [number, passed] = detail::read_calendar(part, local);
        const double angle = 2 * std::numbers::pi * passed;
        if (settings.form != calendar_form::cyclic) {
            features[next++] = static_cast<Scalar>(number);
        }
        if (settings.form != calendar_form::number) {
            features[next++] = static_cast<Scalar>(std::sin(angle));
            features[next++] = static_cast<Scalar>(std::cos(angle));
        }
    }
}

/// Values with the features of their times below them: `[(features + feature_count) x time]`.
/// Allocates.
/// @param values `[features x time]`
/// @param times  one per column, seconds since 1970, else `invalid_argument`; one that cannot be
///               read (NaN) gives NaN
template <class Scalar>
result<matrix<Scalar>> with_calendar(const matrix<Scalar>& values, std::span<const double> times,
                                     const calendar_settings& settings = {}) {
    if (const status usable = settings.check(); !usable.ok()) {
        return usable;
    }
    if (static_cast<index_t>(times.size()) != values.cols()) {
        return status::error(error_code::invalid_argument, "calendar: ", times.size(),
                             " times for ", values.cols(), " samples");
    }
    const index_t added = settings.feature_count();
    matrix<Scalar> all(values.rows() + added, values.cols());
    all.topRows(values.rows()) = values;
    for (index_t t = 0; t < values.cols(); ++t) {
        calendar_features(
            settings, times[static_cast<std::size_t>(t)],
            std::span<Scalar>(&all(values.rows(), t), static_cast<std::size_t>(added)));
    }
    return all;
}

} // namespace tocsin
