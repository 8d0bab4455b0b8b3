/// @file timestamps.hpp
/// @brief The timestamps of a recording as seconds.
#pragma once

#include "tocsin/io/date_order.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/digit_dates.hpp"
#include "tocsin/io/number_order.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/serial_dates.hpp"
#include "tocsin/io/time_unit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

/// What timestamps are.
enum class timestamp_kind : std::uint8_t {
    unknown,      ///< text that is no time
    plain,        ///< numbers that are no time since 1970: of some unit since some start
    seconds,      ///< since 1970
    milliseconds, ///< since 1970
    microseconds, ///< since 1970
    nanoseconds,  ///< since 1970
    utc,          ///< dates that say their offset from UTC
    local,        ///< dates that do not: a clock on the wall, with daylight saving
    time_of_day
};

/// The kind in words.
inline const char* to_string(timestamp_kind kind) noexcept {
    constexpr const char* names[] = {"not a time",   "numbers",      "seconds",
                                     "milliseconds", "microseconds", "nanoseconds",
                                     "dates in UTC", "local dates",  "times of day"};
    return names[static_cast<std::size_t>(kind)];
}

/// Reads timestamps of one recording, whose kind is that of most of some of them.
class timestamp_reader {
  public:
    timestamp_reader() = default;
    /// Numbers count since 1970 if that makes a date between 1990 and 2100: seconds below 1e11,
    /// milliseconds below 1e14, microseconds below 1e17, nanoseconds. Numbers such as 20160701,
    /// 2016070110 (from the year 2000), 201607011030 or 20160701103000 are dates, the first two where
    /// all samples are; so are numbers such as 2611300400, from 2019 on. A date such as 03/04/15 is
    /// read in the order that the samples show, see date_order_study. Numbers may have a decimal
    /// comma.
    /// @param samples some timestamps in the order of the file; those that are no time are passed over
    /// @param serial when numbers are days since 1899-12-30; the kind is then `local`
    /// @param order  what is known of the order of day, month and year
    /// @param unit   what numbers count, if that is known: those that count more than seconds are then
    ///               neither dates of digits nor since 1970 in another unit
    /// @param digits what is known of dates of digits: then, or where `serial` says that the column is
    ///               called a date, a single number such as 20160701 is one, otherwise two show it
    template <class Texts>
    static timestamp_reader
    from_samples(const Texts& samples, serial_dates serial = serial_dates::by_value,
                 date_order_choice order = {}, std::optional<time_unit> unit = {},
                 tocsin::digit_dates digits = tocsin::digit_dates::unknown) {
        timestamp_reader reader;
        reader.unit_ = unit.value_or(time_unit::seconds);
        reader.kind_ = kind_of_most(samples);
        if (reader.kind_ == timestamp_kind::plain) {
            reader.study_numbers(samples, serial, digits);
            return reader;
        }
        reader.order_ = date_order_study{order};
        for (const std::string_view text : samples) {
            reader.learn(text);
        }
        return reader;
    }
    /// Takes in a timestamp behind the samples, as far as it shows the order of dates.
    /// Never allocates.
    void learn(std::string_view text) noexcept {
        if (is_date() && !has_digit_dates() && !serial_) {
            order_.add(text);
        }
    }

    timestamp_kind kind() const noexcept { return kind_; }
    /// Whether dates could be read in another order for all that the samples show.
    bool ambiguous() const noexcept { return order_.ambiguous(); }
    /// What the timestamps have shown of the order of day, month and year.
    const date_order_study& order() const noexcept { return order_; }
    /// Whether they are numbers of days since 1899-12-30.
    bool serial() const noexcept { return serial_; }
    /// Whether plain numbers, or numbers with a decimal comma, may be such days as well.
    bool may_be_serial() const noexcept { return may_be_serial_ && kind_ <= timestamp_kind::plain; }
    /// Which dates of digits alone they are, such as 20160701; unknown where they are none.
    tocsin::digit_dates digit_dates() const noexcept { return digits_; }
    /// What plain numbers count.
    time_unit unit() const noexcept { return unit_; }
    /// How many of its unit make a second; 1 for dates.
    double units_per_second() const noexcept {
        switch (kind_) {
        case timestamp_kind::plain:
            return tocsin::units_per_second(unit_);
        case timestamp_kind::milliseconds:
            return 1e3;
        case timestamp_kind::microseconds:
            return 1e6;
        case timestamp_kind::nanoseconds:
            return 1e9;
        default:
            return 1;
        }
    }
    /// Seconds; NaN for text that is no timestamp, for a date that can only be read in another order
    /// of day, month and year, and for a date among times of day or the reverse. Times of day are
    /// seconds since midnight, see times_of_day. Never allocates.
    double seconds(std::string_view text) const noexcept {
        if (serial_) {
            return detail::seconds_of_serial_date(text);
        }
        if (is_date()) {
            const auto time =
                has_digit_dates() ? date_of_digits(text) : parse_date_time(text, order_.order());
            const bool usable = time && !order_.refuses(*time) &&
                                time->has_date == (kind_ != timestamp_kind::time_of_day);
            return usable ? time->seconds : std::nan("");
        }
        const auto number = detail::serial_number(text);
        return number ? *number / units_per_second() : std::nan("");
    }

  private:
    bool is_date() const noexcept { return kind_ >= timestamp_kind::utc; }
    bool has_digit_dates() const noexcept { return digits_ != tocsin::digit_dates::unknown; }

    /// What most samples are, of what is equally frequent the first; all numbers are `plain`.
    template <class Texts>
    static timestamp_kind kind_of_most(const Texts& samples) noexcept {
        struct tally {
            timestamp_kind kind;
            std::size_t count;
        };
        std::array<tally, 4> tallies{}; // in the order in which they occur
        for (const std::string_view text : samples) {
            const timestamp_kind kind = kind_of(text);
            for (tally& one : tallies) {
                if (kind != timestamp_kind::unknown && (one.count == 0 || one.kind == kind)) {
                    one = {kind, one.count + 1};
                    break;
                }
            }
        }
        return std::max_element(
                   tallies.begin(), tallies.end(),
                   [](const tally& one, const tally& other) { return one.count < other.count; })
            ->kind;
    }
    static timestamp_kind kind_of(std::string_view text) noexcept {
        const auto time = parse_date_time(text);
        return time                          ? !time->has_date    ? timestamp_kind::time_of_day
                                               : time->has_offset ? timestamp_kind::utc
                                                                  : timestamp_kind::local
               : detail::serial_number(text) ? timestamp_kind::plain
                                             : timestamp_kind::unknown;
    }

    /// What numbers count, or whether they are dates.
    template <class Texts>
    void study_numbers(const Texts& samples, serial_dates serial, tocsin::digit_dates digits) {
        const bool counts = unit_ != time_unit::seconds;
        const detail::serial_date_study study(
            samples, counts && serial != serial_dates::always ? serial_dates::never : serial);
        serial_ = study.are();
        may_be_serial_ = study.may_be();
        if (!serial_ && !counts && digits != tocsin::digit_dates::none) {
            const bool sure =
                digits != tocsin::digit_dates::unknown || serial == serial_dates::by_name;
            digits_ = detail::find_digit_dates(samples, digits, sure ? 1 : 2);
        }
        if (serial_ || has_digit_dates()) {
            kind_ = timestamp_kind::local;
            return;
        }
        detail::number_order numbers;
        for (const std::string_view text : samples) {
            if (const auto number = detail::serial_number(text)) {
                numbers.add(*number);
            }
        }
        const double shown = numbers.units_per_second();
        kind_ = counts && shown != tocsin::units_per_second(unit_) ? timestamp_kind::plain
                                                                   : kind_of(shown);
    }

    std::optional<date_time> date_of_digits(std::string_view text) const noexcept {
        return digits_ == tocsin::digit_dates::short_years ? detail::parse_date_of_ten_digits(text)
                                                           : parse_date_of_digits(text);
    }

    static timestamp_kind kind_of(double units_per_second) noexcept {
        return units_per_second == 0     ? timestamp_kind::plain
               : units_per_second == 1   ? timestamp_kind::seconds
               : units_per_second == 1e3 ? timestamp_kind::milliseconds
               : units_per_second == 1e6 ? timestamp_kind::microseconds
                                         : timestamp_kind::nanoseconds;
    }
    timestamp_kind kind_ = timestamp_kind::unknown;
    time_unit unit_ = time_unit::seconds;
    date_order_study order_;
    bool serial_ = false;
    bool may_be_serial_ = false;
    tocsin::digit_dates digits_ = tocsin::digit_dates::unknown;
};

} // namespace tocsin
