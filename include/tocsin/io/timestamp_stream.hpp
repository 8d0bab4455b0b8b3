/// @file timestamp_stream.hpp
/// @brief The timestamps of a stream as seconds.
#pragma once

#include "tocsin/io/date_order.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/digit_dates.hpp"
#include "tocsin/io/serial_dates.hpp"
#include "tocsin/io/time_unit.hpp"
#include "tocsin/io/timestamps.hpp"
#include "tocsin/series/times_of_day.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace tocsin {

/// Reads timestamps as they come, of the kind that most of the first 1000 show so far: one odd time
/// is NaN and does not decide. Where nothing is known of their order, dates such as 03/04/15 are
/// taken for day, month and year until one shows another order, by a number above 12 or by the
/// smaller step; later times continue as if all had been read that way from the start. So they do
/// where a number shows that it and those before are dates of digits, such as 20160701, or days since
/// 1899-12-30: they are counted from the first of these. Times of day go on over midnight.
class timestamp_stream {
  public:
    timestamp_stream() = default;
    /// @param serial when numbers are days since 1899-12-30
    /// @param order  what is known of the order of day, month and year
    /// @param unit   what numbers count, if that is known
    /// @param digits what is known of dates of digits
    explicit timestamp_stream(serial_dates serial, date_order_choice order = {},
                              std::optional<time_unit> unit = {},
                              digit_dates digits = digit_dates::unknown) noexcept
        : serial_{serial}, unit_{unit}, digits_{digits},
          days_{unit.value_or(time_unit::seconds) == time_unit::seconds ? serial
                                                                        : serial_dates::never},
          possible_{order.asked ? date_orders{*order.asked} : date_orders::all()},
          order_{order.asked.value_or(order.otherwise.value_or(date_order::day_first))} {}

    /// What the timestamps are; unknown before the first one that is a time.
    timestamp_kind kind() const noexcept { return reader_.kind(); }

    /// Whether the last timestamp showed that those before it were read in a wrong order.
    bool has_turned() const noexcept { return turned_; }
    /// The order in which they were read.
    date_order turned_from() const noexcept { return turned_from_; }
    /// Whether the last timestamp was a date that can only be read in orders that earlier ones, or
    /// the choice, exclude.
    bool has_refused() const noexcept { return refused_; }
    /// The order of day, month and year as it is now.
    date_order order() const noexcept { return order_; }

    /// Seconds; NaN for text that is no timestamp, and for a date that has_refused() tells of. Never
    /// allocates.
    double seconds(std::string_view text) noexcept {
        turned_ = refused_ = false;
        if (voters_ < most_voters) {
            vote(text);
        }
        if (reader_.kind() < timestamp_kind::utc || reader_.serial()) {
            return reader_.seconds(text) + (reader_.serial() ? shift_ : 0);
        }
        if (reader_.kind() == timestamp_kind::time_of_day) {
            return day_.advance(reader_.seconds(text));
        }
        if (reader_.digit_dates() != digit_dates::unknown) {
            return reader_.seconds(text) + shift_;
        }
        const detail::ordered_date date{text};
        if (!date.possible.empty()) {
            refused_ = (possible_ & date.possible).empty();
            if (refused_) {
                return std::nan("");
            }
        }
        if (date.is_whole()) {
            possible_ = date.possible.empty() ? possible_ : possible_ & date.possible;
            decide(date.seconds);
            last_ = date.seconds;
            begun_ = true;
        }
        return date.seconds[index_of(order_)] + shift_;
    }

  private:
    static constexpr int most_voters = 1000;

    /// Changes the kind where more timestamps are of another one. Numbers that may count from anywhere
    /// give way where only one has come: a clock that was not set yet.
    void vote(std::string_view text) noexcept {
        const std::string_view cell = detail::trimmed(text);
        const timestamp_reader both = with_first(cell);
        const bool shows_digits =
            digits_ == digit_dates::unknown && both.digit_dates() != digit_dates::unknown;
        digits_ = shows_digits ? both.digit_dates() : digits_;
        days_.add(text);
        const bool shows_days = serial_ == serial_dates::by_value && days_.are();
        serial_ = shows_days ? serial_dates::by_name : serial_; // a single one may not show it
        found_out_ = found_out_ || shows_digits || shows_days;
        const auto one =
            timestamp_reader::from_samples(std::span{&text, 1}, serial_, {}, unit_, digits_);
        if (one.kind() == timestamp_kind::unknown) {
            return;
        }
        ++voters_;
        const bool plain = reader_.kind() == timestamp_kind::plain;
        // A single number does not show whether the others are days as well.
        const bool as_before =
            one.serial() ? plain && !days_.are() : reader_.serial() && is_number(one);
        const std::size_t now = index_of(reader_);
        const std::size_t other = as_before ? now : index_of(one);
        ++votes_[other];
        if (shows_days && plain) { // so do all numbers before
            votes_[other] += std::exchange(votes_[now], 0);
        } else if (shows_digits && is_number(reader_)) { // so do those like this one
            const int moved = std::min(alike_, votes_[now]);
            votes_[now] -= moved;
            votes_[other] += moved;
        }
        keep_first(cell);
        if (votes_[other] > votes_[now] || reader_.kind() == timestamp_kind::unknown ||
            ((plain || shows_digits) && other != now && votes_[now] == 1)) {
            const double shift = reader_.seconds(first_text()) - one.seconds(first_text());
            const bool known = reader_.kind() != timestamp_kind::unknown && is_number(reader_);
            if (found_out_ && known && !is_number(one) && std::isfinite(shift)) { // times go on
                shift_ = shift;
            }
            reader_ = one;
            day_ = times_of_day{};
        }
    }
    std::string_view first_text() const noexcept { return {first_text_.data(), first_size_}; }
    /// What a number shows with the first of those like it, if they differ.
    timestamp_reader with_first(std::string_view cell) const noexcept {
        const std::array<std::string_view, 2> both{first_text(), cell};
        return both[0].empty() || both[0] == cell
                   ? timestamp_reader{}
                   : timestamp_reader::from_samples(both, serial_, {}, unit_, digits_);
    }
    /// Keeps a number unless the first one is like it: both may be dates of as many digits, or
    /// neither.
    void keep_first(std::string_view cell) noexcept {
        const auto digits_of = [](std::string_view number) {
            const bool date = detail::may_be_digit_date(number, digit_dates::long_years) ||
                              detail::may_be_digit_date(number, digit_dates::short_years);
            return date ? number.size() : std::size_t{0};
        };
        if (!detail::serial_number(cell)) {
            return;
        }
        if (first_size_ > 0 && digits_of(first_text()) == digits_of(cell)) {
            ++alike_;
            return;
        }
        alike_ = 1;
        first_size_ = cell.size() <= first_text_.size() ? cell.size() : 0;
        std::copy_n(cell.begin(), first_size_, first_text_.begin());
    }
    static bool is_number(const timestamp_reader& one) noexcept {
        return one.kind() < timestamp_kind::utc;
    }
    static std::size_t index_of(const timestamp_reader& one) noexcept {
        return one.serial() ? 0 : static_cast<std::size_t>(one.kind());
    }
    static std::size_t index_of(date_order order) noexcept {
        return static_cast<std::size_t>(order);
    }
    void decide(const date_readings& now) noexcept {
        date_orders best = possible_;
        if (begun_ && (!shown_ || !possible_.has(order_))) {
            date_readings steps{};
            for (std::size_t k = 0; k < steps.size(); ++k) {
                steps[k] = std::abs(now[k] - last_[k]);
            }
            best = detail::smallest_of(possible_, steps);
            shown_ = best.count() == 1;
        }
        const date_order before = order_;
        if (!best.has(order_) && (!shown_ || begun_)) {
            order_ = best.first();
        }
        if (begun_) {
            shift_ += last_[index_of(before)] - last_[index_of(order_)];
            turned_ = last_[index_of(before)] != last_[index_of(order_)];
            turned_from_ = before;
        }
    }

    timestamp_reader reader_;
    times_of_day day_;
    serial_dates serial_ = serial_dates::by_value;
    std::optional<time_unit> unit_;
    digit_dates digits_ = digit_dates::unknown;
    detail::serial_date_study days_{serial_dates::by_value};
    std::array<char, 32> first_text_ = {};      // the first of the last numbers that are alike
    std::size_t first_size_ = 0;                // 0 where it is longer
    int alike_ = 0;                             // how many they are
    bool found_out_ = false;                    // that numbers are dates, by some of them
    date_readings last_ = {};                   // in each order
    date_orders possible_ = date_orders::all(); // for all dates so far
    date_order order_ = date_order::day_first;
    date_order turned_from_ = date_order::day_first;
    double shift_ = 0;
    int voters_ = 0; // timestamps that could be read, and of which kind they were
    std::array<int, static_cast<std::size_t>(timestamp_kind::time_of_day) + 1> votes_ = {};
    bool shown_ = false; // the order, by a step
    bool begun_ = false;
    bool turned_ = false;
    bool refused_ = false;
};

} // namespace tocsin
