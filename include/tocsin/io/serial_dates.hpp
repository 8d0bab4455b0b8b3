/// @file serial_dates.hpp
/// @brief Dates as spreadsheets keep them: numbers of days.
#pragma once

#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin {

/// When numbers in a column of times are days since 1899-12-30, of a clock on the wall: 45123.5 is
/// 2023-07-16 12:00.
enum class serial_dates : std::uint8_t {
    never,
    by_value, ///< from 2000 to 2100, if all fall on whole minutes or seconds and not by chance
    by_name,  ///< from 2000 to 2100: the column is called a date
    always    ///< from 1900 to 9999
};

namespace detail {

/// A number with a decimal point or comma.
inline std::optional<double> serial_number(std::string_view text) noexcept {
    const auto number = parse_comma_number<double>(trimmed(text), false);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

/// Seconds since 1970 of days since 1899-12-30, to the millisecond; NaN for what are none.
inline double seconds_of_serial_date(std::string_view text) noexcept {
    constexpr double days_before_1970 = 25569;
    constexpr double day_after_9999 = 2958466;
    const auto days = serial_number(text);
    return days && *days > 0 && *days < day_after_9999
               ? std::round((*days - days_before_1970) * 86400e3) / 1e3
               : std::nan("");
}

/// Whether numbers are serial dates, by all that some of them show.
class serial_date_study {
  public:
    serial_date_study() = default;
    explicit serial_date_study(serial_dates policy) noexcept : policy_{policy} {}
    /// @param samples some timestamps
    template <class Texts>
    serial_date_study(const Texts& samples, serial_dates policy) noexcept : policy_{policy} {
        for (const std::string_view text : samples) {
            add(text);
        }
    }

    /// Takes in a timestamp; one that is no number is passed over. Never allocates.
    void add(std::string_view text) noexcept {
        const bool any_year = policy_ == serial_dates::always;
        const double first = any_year ? 0 : 36526; // 2000-01-01
        const double end = any_year ? 2958466 : 73051;
        const auto days = serial_number(text);
        if (!days) {
            return;
        }
        possible_ = possible_ && *days > first && *days < end;
        if (possible_ && *days != last_) {
            take(*days, decimals_of(trimmed(text)));
            last_ = *days;
        }
    }

    bool are() const noexcept {
        const bool shown = std::any_of(units_.begin(), units_.end(), [](const unit& one) {
            return one.whole && one.log_chance < std::log(1e-3);
        });
        return may_be_any() && (policy_ != serial_dates::by_value || shown);
    }
    /// Whether they may be, or seconds since some start as well.
    bool may_be() const noexcept {
        return may_be_any() && !are() && (units_[0].whole || units_[1].whole);
    }

  private:
    bool may_be_any() const noexcept {
        return policy_ != serial_dates::never && possible_ && last_ != 0;
    }
    struct unit {
        double per_day;
        bool whole = true;     ///< whether all fall on whole ones, as exactly as they are written
        double log_chance = 0; ///< of that, for numbers that have nothing to do with it
    };

    /// Decimals without zeros at the end; those of an exponent are not known.
    static int decimals_of(std::string_view text) noexcept {
        const auto point = text.find_first_of(".,");
        if (point == std::string_view::npos ||
            text.find_first_not_of("0123456789", point + 1) != std::string_view::npos) {
            return 0;
        }
        const auto last = text.find_last_not_of('0');
        return static_cast<int>(std::min<std::size_t>(last - point, 9));
    }
    void take(double days, int decimals) noexcept {
        constexpr double rounding = 1e-6; // of a double, in seconds
        for (unit& one : units_) {
            const double count = days * one.per_day;
            const double tolerance = one.per_day * 0.5 * std::pow(10.0, -decimals) + rounding;
            one.whole = one.whole && std::abs(count - std::round(count)) <= tolerance;
            // Halves, quarters, ... of seconds would be whole minutes of a day, too.
            const bool dyadic = days * 64 == std::round(days * 64);
            one.log_chance += dyadic ? 0 : std::log(std::min(2 * tolerance, 1.0));
        }
    }

    std::array<unit, 2> units_{{{86400}, {1440}}};
    serial_dates policy_ = serial_dates::never;
    double last_ = 0;
    bool possible_ = true; // for all numbers so far
};

} // namespace detail
} // namespace tocsin
