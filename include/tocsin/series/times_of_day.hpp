/// @file times_of_day.hpp
/// @brief Times of day that go on over midnight.
#pragma once

#include <cmath>
#include <limits>

namespace tocsin {

/// Turns times of day, which start again at midnight, into times that go on. A step back by more than
/// an hour is the next day; by less it is a wrong time or a clock that was set back.
class times_of_day {
  public:
    /// @param descending the newest time comes first, so that a step forward by more than an hour is
    ///                   the day before
    explicit times_of_day(bool descending = false) noexcept : sign_{descending ? -1.0 : 1.0} {}

    /// Seconds since the midnight before the first time; NaN stays NaN. With `descending`, later ones
    /// may be negative. Never allocates.
    /// @param seconds since midnight
    double advance(double seconds) noexcept {
        constexpr double hour = 3600;
        constexpr double day = 86400;
        if (!std::isfinite(seconds)) {
            return seconds;
        }
        if (sign_ * (seconds - last_) < -hour) {
            passed_ += sign_ * day;
        }
        last_ = seconds;
        return seconds + passed_;
    }

  private:
    double sign_;
    double last_ = std::numeric_limits<double>::quiet_NaN();
    double passed_ = 0; // whole days
};

} // namespace tocsin
