/// @file timestamp_stream.hpp
/// @brief The timestamps of a stream as seconds.
#pragma once

#include "tocsin/io/date_order.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/serial_dates.hpp"
#include "tocsin/io/timestamps.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin {

/// Reads timestamps as they come, of a kind that the first one shows. Where nothing is known of their
/// order, dates such as 03/04/2015 are taken for day and month until one shows the other order, by a
/// number above 12 or by the smaller step; later times continue as if all had been read that way from
/// the start.
class timestamp_stream {
  public:
    timestamp_stream() = default;
    /// @param serial when numbers are days since 1899-12-30
    /// @param order  what is known of the order of day and month
    explicit timestamp_stream(serial_dates serial, date_order_choice order = {}) noexcept
        : serial_{serial},
          order_{index_of(order.asked.value_or(order.otherwise.value_or(date_order::day_first)))},
          evidence_{order.asked ? evidence::sure : evidence::none} {}

    /// What the timestamps are; unknown before the first one that is a time.
    timestamp_kind kind() const noexcept { return reader_.kind(); }

    /// Whether the last timestamp showed that day and month of those before it were swapped.
    bool has_turned() const noexcept { return turned_; }
    /// Whether the last timestamp was a date that can only be read in the order that earlier ones, or
    /// the choice, exclude.
    bool has_refused() const noexcept { return refused_; }
    /// The order of day and month as it is now.
    date_order order() const noexcept { return static_cast<date_order>(order_); }

    /// Seconds; NaN for text that is no timestamp, and for a date that has_refused() tells of. Never
    /// allocates.
    double seconds(std::string_view text) noexcept {
        turned_ = refused_ = false;
        if (reader_.kind() == timestamp_kind::unknown) {
            reader_ = timestamp_reader::from_samples(std::span{&text, 1}, serial_);
        }
        if (reader_.kind() < timestamp_kind::utc || reader_.serial()) {
            return reader_.seconds(text);
        }
        const auto day_first = parse_date_time(text, date_order::day_first);
        const auto month_first = parse_date_time(text, date_order::month_first);
        if (!day_first || !month_first) {
            return std::nan("");
        }
        const std::array<double, 2> now = {day_first->seconds, month_first->seconds};
        const int sure = day_first->sure_order;
        if (evidence_ == evidence::sure && sure != 0 &&
            static_cast<std::size_t>(sure - 1) != order_) {
            refused_ = true;
            return std::nan("");
        }
        if (evidence_ != evidence::sure) {
            decide(sure, now);
        }
        last_ = now;
        begun_ = true;
        return now[order_] + shift_;
    }

  private:
    enum class evidence : std::uint8_t { none, steps, sure };

    static std::size_t index_of(date_order order) noexcept {
        return static_cast<std::size_t>(order);
    }
    void decide(int sure_order, const std::array<double, 2>& now) noexcept {
        const double steps[2] = {std::abs(now[0] - last_[0]), std::abs(now[1] - last_[1])};
        std::size_t order = order_;
        if (sure_order != 0) {
            order = static_cast<std::size_t>(sure_order - 1);
            evidence_ = evidence::sure;
        } else if (evidence_ == evidence::none && begun_ && steps[0] != steps[1]) {
            order = steps[1] < steps[0] ? 1 : 0;
            evidence_ = evidence::steps;
        }
        if (begun_) {
            shift_ += last_[order_] - last_[order];
            turned_ = last_[order_] != last_[order];
        }
        order_ = order;
    }

    timestamp_reader reader_;
    serial_dates serial_ = serial_dates::by_value;
    std::array<double, 2> last_ = {}; // in either order
    std::size_t order_ = 0;           // of date_order
    double shift_ = 0;
    evidence evidence_ = evidence::none; // of the order
    bool begun_ = false;
    bool turned_ = false;
    bool refused_ = false;
};

} // namespace tocsin
