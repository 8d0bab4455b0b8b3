/// @file daylight_saving.hpp
/// @brief Local times without the hours that clocks on the wall skip and repeat.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Turns the times of a clock on the wall into times without jumps. Local times do not say when the
/// clock changes, so a change is recognised: a step that is longer or shorter by an hour than usual,
/// on a Sunday before four o'clock, in a month in which clocks are changed somewhere (March, April,
/// September, October, November). A stream with rows an hour apart or more cannot show the hour that
/// is repeated other than by a time that occurs twice; that too is taken for a change.
class daylight_saving {
  public:
    /// @param step usual time between two rows in seconds; NaN: the step before
    explicit daylight_saving(double step = std::numeric_limits<double>::quiet_NaN()) noexcept
        : step_{step} {}

    /// The time of the next row without jumps; NaN stays NaN. Never allocates.
    /// @param local seconds since 1970 as the clock on the wall shows them
    double advance(double local) noexcept {
        if (!std::isfinite(local)) {
            return local;
        }
        const double step = local - last_;
        const double usual = std::isnan(step_) ? last_step_ : step_;
        const int changes = changes_;
        if (std::isfinite(step) && std::isfinite(usual) && may_change(local)) {
            // Well below the hour: a step of several hours is not an hour from any other.
            const double tolerance = std::min(usual / 2, hour / 4);
            if (std::abs(step - usual - hour) < tolerance) {
                ahead_ += hour;
                ++changes_;
            } else if (std::abs(step - usual + hour) < tolerance) {
                ahead_ -= hour;
                ++changes_;
            }
        }
        last_step_ = step > 0 && changes_ == changes ? step : last_step_;
        last_ = local;
        return local - ahead_;
    }
    /// Changes of the clock so far.
    int changes() const noexcept { return changes_; }

  private:
    static constexpr double hour = 3600;

    static bool may_change(double local) noexcept {
        const auto seconds = static_cast<std::int64_t>(std::floor(local));
        const std::int64_t day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
        const std::int64_t weekday = ((day + 4) % 7 + 7) % 7; // 1970-01-01 was a Thursday
        const std::int64_t clock = seconds - day * 86400;
        // The month from the day of the year, a day off in leap years, which does not matter here.
        const double year_days = std::fmod(static_cast<double>(day), 365.2425);
        const double of_year = year_days < 0 ? year_days + 365.2425 : year_days;
        const bool spring = of_year >= 59 && of_year < 121;
        const bool autumn = of_year >= 243 && of_year < 335;
        return weekday == 0 && clock < std::int64_t{4} * 3600 && (spring || autumn);
    }

    double step_;
    double last_ = std::numeric_limits<double>::quiet_NaN();
    double last_step_ = std::numeric_limits<double>::quiet_NaN();
    double ahead_ = 0; // of the first time's clock
    int changes_ = 0;
};

} // namespace tocsin
