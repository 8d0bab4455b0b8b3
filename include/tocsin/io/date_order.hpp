/// @file date_order.hpp
/// @brief Whether the day, the month or the year stands first in dates such as 03/04/15.
#pragma once

#include "tocsin/io/date_orders.hpp"
#include "tocsin/io/date_time.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

namespace tocsin {

/// What is known of the order of day, month and year before dates are seen.
struct date_order_choice {
    std::optional<date_order> asked = {};     ///< it is this one, whatever the dates show
    std::optional<date_order> otherwise = {}; ///< this one where they show nothing
};

/// A date in each order, in seconds.
using date_readings = std::array<double, all_date_orders.size()>;

namespace detail {

/// Orders of a set that have the smallest value; whole days apart, so that rounding does not matter. A
/// year of two digits first is rare: it must have less than half of what others have, which no month
/// has that is a day shorter.
inline date_orders smallest_of(date_orders orders, const date_readings& values) noexcept {
    constexpr double half_a_day = 43200;
    const auto value_of = [&](date_order one) { return values[static_cast<std::size_t>(one)]; };
    double least = std::numeric_limits<double>::infinity();
    for (const date_order one : {date_order::day_first, date_order::month_first}) {
        least = orders.has(one) ? std::min(least, value_of(one)) : least;
    }
    if (orders.has(date_order::year_first) &&
        (value_of(date_order::year_first) < least / 2 - half_a_day || std::isinf(least))) {
        return date_orders{date_order::year_first};
    }
    date_orders smallest;
    for (const date_order one : all_date_orders) {
        if (orders.has(one) && value_of(one) < least + half_a_day) {
            smallest.add(one);
        }
    }
    return smallest;
}

/// A date read in each order; NaN in those in which it does not exist.
struct ordered_date {
    date_readings seconds = {};
    date_orders possible = {}; // none where its form says what is what

    explicit ordered_date(std::string_view text) noexcept {
        for (const date_order one : all_date_orders) {
            const auto time = parse_date_time(text, one);
            const bool dated = time && time->has_date;
            seconds[static_cast<std::size_t>(one)] = dated ? time->seconds : std::nan("");
            possible = dated ? time->orders : possible;
        }
    }
    /// Whether it exists in each order that its form allows: `31.04.24` does not.
    bool is_whole() const noexcept {
        return std::none_of(seconds.begin(), seconds.end(),
                            [](double time) { return std::isnan(time); });
    }
};

} // namespace detail

/// Finds the order of day, month and year from dates, one after the other. Those that cannot be read
/// in each order decide, as by a number above 12; without them, the order in which time makes the
/// smaller steps.
class date_order_study {
  public:
    date_order_study() = default;
    explicit date_order_study(date_order_choice choice) noexcept : choice_{choice} {}

    /// Takes in a date; other text is passed over. Never allocates.
    void add(std::string_view text) noexcept {
        const detail::ordered_date date{text};
        if (!date.is_whole()) {
            return;
        }
        if (!date.possible.empty()) {
            depends_ = true;
            possible_ = possible_ & date.possible;
        }
        constexpr double day = 86400;
        const auto year_first = static_cast<std::size_t>(date_order::year_first);
        dotted_ = dotted_ || text.substr(0, 3).find('.') != std::string_view::npos;
        in_days_ =
            in_days_ && (!begun_ || std::abs(date.seconds[year_first] - last_[year_first]) >= day);
        for (std::size_t k = 0; k < last_.size() && begun_; ++k) {
            const double step = date.seconds[k] - last_[k];
            steps_[k] += std::abs(step);
            rises_[k] = rises_[k] && step >= 0;
            falls_[k] = falls_[k] && step <= 0;
        }
        last_ = date.seconds;
        begun_ = true;
    }

    /// Whether some dates can be read in several orders, or have day and month before the year.
    bool depends() const noexcept { return depends_; }
    /// Whether no further date can show another order: it was asked for, or dates have shown it.
    bool is_sure() const noexcept { return choice_.asked || possible_.count() <= 1; }
    /// Whether no order fits all dates, and none was asked for.
    bool contradicts() const noexcept { return !choice_.asked && possible_.empty(); }
    /// Whether nothing shows the order, also where day and month were the same number throughout.
    bool ambiguous() const noexcept {
        return depends_ && !is_sure() && open().count() > 1 &&
               !(choice_.otherwise && open().has(*choice_.otherwise));
    }
    /// The orders among which nothing decides; one where something does. Smaller steps alone do not
    /// show that the year comes first where time goes on in another order as well and each step is one
    /// of days, or dates have dots: 31.12.21, 31.12.22 may be a day or a year apart.
    date_orders open() const noexcept {
        date_orders left = by_steps();
        if (!choice_.asked && left == date_orders{date_order::year_first}) {
            for (const date_order one : {date_order::day_first, date_order::month_first}) {
                const auto k = static_cast<std::size_t>(one);
                if ((in_days_ || dotted_) && possible_.has(one) && (rises_[k] || falls_[k])) {
                    left.add(one);
                }
            }
        }
        return left;
    }
    /// The order; where nothing shows it, day first, or the year where it cannot be the day.
    date_order order() const noexcept {
        return choice_.otherwise && open().has(*choice_.otherwise) ? *choice_.otherwise
                                                                   : by_steps().first();
    }
    /// Whether a date can only be read in other orders.
    bool refuses(const date_time& time) const noexcept {
        return !time.orders.empty() && !time.orders.has(order());
    }

  private:
    date_orders by_steps() const noexcept {
        return choice_.asked ? date_orders{*choice_.asked}
                             : detail::smallest_of(
                                   possible_.empty() ? date_orders::all() : possible_, steps_);
    }

    date_order_choice choice_;
    date_readings steps_ = {}; // sums of their sizes in each order
    std::array<bool, all_date_orders.size()> rises_ = {true, true, true}; // no step back so far
    std::array<bool, all_date_orders.size()> falls_ = {true, true, true}; // no step forward
    date_readings last_ = {};
    date_orders possible_ = date_orders::all(); // for all dates so far
    bool in_days_ = true;                       // each step, with the year first
    bool dotted_ = false;                       // 31.12.21
    bool begun_ = false;
    bool depends_ = false;
};

} // namespace tocsin
