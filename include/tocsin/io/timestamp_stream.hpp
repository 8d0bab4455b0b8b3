/// @file timestamp_stream.hpp
/// @brief The timestamps of a stream as seconds.
#pragma once

#include "tocsin/io/date_time.hpp"
#include "tocsin/io/serial_dates.hpp"
#include "tocsin/io/timestamps.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

namespace tocsin {

/// Reads timestamps as they come, of a kind that the first one shows. Dates such as 03/04/2015 are
/// taken for day and month until one shows the other order, by a number above 12 or by the smaller
/// step; later times continue as if all had been read that way from the start.
class timestamp_stream {
  public:
    timestamp_stream() = default;
    /// @param serial when numbers are days since 1899-12-30
    explicit timestamp_stream(serial_dates serial) noexcept : serial_{serial} {}

    /// What the timestamps are; unknown before the first one that is a time.
    timestamp_kind kind() const noexcept { return reader_.kind(); }

    /// Seconds; NaN for text that is no timestamp. Never allocates.
    double seconds(std::string_view text) noexcept {
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
        if (!decided_) {
            decide(day_first->sure_order, now);
        }
        last_ = now;
        begun_ = true;
        return now[order_] + shift_;
    }

  private:
    void decide(int sure_order, const std::array<double, 2>& now) noexcept {
        const double steps[2] = {std::abs(now[0] - last_[0]), std::abs(now[1] - last_[1])};
        const bool shown = begun_ && steps[0] != steps[1];
        decided_ = sure_order != 0 || shown;
        const std::size_t order = sure_order != 0 ? static_cast<std::size_t>(sure_order - 1)
                                  : shown         ? (steps[1] < steps[0] ? 1U : 0U)
                                                  : order_;
        if (begun_) {
            shift_ += last_[order_] - last_[order];
        }
        order_ = order;
    }

    timestamp_reader reader_;
    serial_dates serial_ = serial_dates::by_value;
    std::array<double, 2> last_ = {}; // in either order
    std::size_t order_ = 0;           // of date_order
    double shift_ = 0;
    bool decided_ = false;
    bool begun_ = false;
};

} // namespace tocsin
