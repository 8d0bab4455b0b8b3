#include "report_time.hpp"

#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace tocsin_cli {
namespace {

using tocsin::index_t;

/// Days from 1970-01-01 in the Gregorian calendar: H. Hinnant, "chrono-compatible low-level date
/// algorithms", days_from_civil.
constexpr long long days_from_civil(long long year, int month, int day) noexcept {
    year -= month <= 2 ? 1 : 0;
    const long long era = (year >= 0 ? year : year - 399) / 400;
    const long long year_of_era = year - era * 400;
    const long long day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/// Reads a text from its front.
class time_text {
  public:
    explicit time_text(std::string_view text) noexcept : rest_{text} {}

    bool empty() const noexcept { return rest_.empty(); }
    bool take(char wanted) noexcept {
        if (rest_.empty() || rest_.front() != wanted) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    /// Exactly so many digits, a number from low to high.
    bool digits(std::size_t count, int low, int high, int& value) noexcept {
        if (rest_.size() < count || rest_.find_first_not_of("0123456789") < count) {
            return false;
        }
        std::from_chars(rest_.data(), rest_.data() + count, value);
        rest_.remove_prefix(count);
        return value >= low && value <= high;
    }
    /// Digits after the point, as a fraction.
    double fraction() noexcept {
        double value = 0;
        for (double place = 0.1; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9';
             place /= 10) {
            value += place * (rest_[0] - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }

  private:
    std::string_view rest_;
};

std::optional<parsed_time> parse_date(std::string_view given) noexcept {
    time_text text{given};
    int year = 0;
    int month = 0;
    int day = 0;
    if (!text.digits(4, 0, 9999, year) || !text.take('-') || !text.digits(2, 1, 12, month) ||
        !text.take('-') || !text.digits(2, 1, 31, day)) {
        return std::nullopt;
    }
    parsed_time time{.is_date = true};
    time.value = 86400.0 * static_cast<double>(days_from_civil(year, month, day));
    if (text.empty()) {
        return time;
    }
    int hour = 0;
    int minute = 0;
    int second = 0;
    if ((!text.take('T') && !text.take(' ')) || !text.digits(2, 0, 24, hour) || !text.take(':') ||
        !text.digits(2, 0, 59, minute)) {
        return std::nullopt;
    }
    double fraction = 0;
    if (text.take(':')) {
        if (!text.digits(2, 0, 60, second)) {
            return std::nullopt;
        }
        fraction = text.take('.') || text.take(',') ? text.fraction() : 0;
    }
    time.value += 3600.0 * hour + 60.0 * minute + second + fraction;
    text.take(' ');
    if (text.take('Z')) {
        time.has_offset = true;
    } else if (!text.empty()) {
        const double sign = text.take('-') ? 1 : text.take('+') ? -1 : 0;
        int hours = 0;
        int minutes = 0;
        if (sign == 0 || !text.digits(2, 0, 14, hours)) {
            return std::nullopt;
        }
        text.take(':');
        if (!text.empty() && !text.digits(2, 0, 59, minutes)) {
            return std::nullopt;
        }
        time.has_offset = true;
        time.value += sign * (3600.0 * hours + 60.0 * minutes);
    }
    return text.empty() ? std::optional{time} : std::nullopt;
}

} // namespace

std::optional<parsed_time> parse_time(std::string_view text) noexcept {
    text = tocsin::detail::trimmed(text);
    if (const auto date = parse_date(text)) {
        return date;
    }
    const auto number = tocsin::parse_number<double>(text);
    if (!number || !std::isfinite(*number)) {
        return std::nullopt;
    }
    // Numbers that are seconds, milliseconds, microseconds or nanoseconds of 1996 to 2096.
    double seconds = *number;
    for (int k = 0; k < 4; ++k, seconds /= 1000) {
        if (seconds >= 820e6 && seconds < 4e9) {
            return parsed_time{.value = seconds, .is_date = true};
        }
    }
    return parsed_time{.value = *number};
}

time_axis make_axis(std::span<const double> times, index_t rows, bool dates) {
    time_axis axis;
    const bool given = !times.empty();
    const auto not_increasing = [](double before, double after) { return !(after > before); };
    const bool known = given && std::none_of(times.begin(), times.end(),
                                             [](double time) { return std::isnan(time); });
    const bool usable =
        known && std::adjacent_find(times.begin(), times.end(), not_increasing) == times.end();
    if (usable) {
        axis.kind = dates ? time_axis::unit::time : time_axis::unit::number;
        axis.at.assign(times.begin(), times.end());
        if (times.size() > 1) {
            std::vector<double> steps;
            steps.reserve(times.size() - 1);
            for (std::size_t k = 1; k < times.size(); ++k) {
                steps.push_back(times[k] - times[k - 1]);
            }
            const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
            std::nth_element(steps.begin(), middle, steps.end());
            axis.usual_step = *middle;
            for (std::size_t k = 0; k < times.size() && axis.is_regular; ++k) {
                axis.is_regular = times[k] == times[0] + static_cast<double>(k) * axis.usual_step;
            }
        }
        return axis;
    }
    axis.at.resize(static_cast<std::size_t>(rows));
    for (index_t row = 0; row < rows; ++row) {
        axis.at[static_cast<std::size_t>(row)] = static_cast<double>(row + 1);
    }
    if (given) {
        axis.note = known ? "the times do not always increase, so the axis counts rows"
                          : "not all times were understood, so the axis counts rows";
    }
    return axis;
}

} // namespace tocsin_cli
