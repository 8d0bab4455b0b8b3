/// @file date_order.hpp
/// @brief Whether the day or the month stands first in dates such as 03/04/2015.
#pragma once

#include "tocsin/io/date_time.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tocsin {

/// What is known of the order of day and month before dates are seen.
struct date_order_choice {
    std::optional<date_order> asked = {};     ///< it is this one, whatever the dates show
    std::optional<date_order> otherwise = {}; ///< this one where they show nothing
};

/// Finds the order of day and month from dates, one after the other. Those with a number above 12
/// decide; without one, the order in which time makes the smaller steps.
class date_order_study {
  public:
    date_order_study() = default;
    explicit date_order_study(date_order_choice choice) noexcept : choice_{choice} {}

    /// Takes in a date; other text is passed over. Never allocates.
    void add(std::string_view text) noexcept {
        std::array<double, 2> now{};
        for (std::size_t k = 0; k < 2; ++k) {
            const auto time = parse_date_time(text, static_cast<date_order>(k));
            if (!time || !time->has_date) {
                return;
            }
            now[k] = time->seconds;
            depends_ = depends_ || time->ordered;
            day_first_ = day_first_ || time->sure_order == 1;
            month_first_ = month_first_ || time->sure_order == 2;
        }
        for (std::size_t k = 0; k < 2; ++k) {
            steps_[k] += begun_ ? std::abs(now[k] - last_[k]) : 0;
        }
        last_ = now;
        begun_ = true;
    }

    /// Whether some dates have day and month as two numbers before the year.
    bool depends() const noexcept { return depends_; }
    /// Whether no further date can show another order: it was asked for, or a date has shown it.
    bool is_sure() const noexcept { return choice_.asked || day_first_ || month_first_; }
    /// Whether some dates can only be day first, others only month first, and none was asked for.
    bool contradicts() const noexcept { return !choice_.asked && day_first_ && month_first_; }
    /// Whether nothing shows the order, also where day and month were the same number throughout.
    bool ambiguous() const noexcept {
        return depends_ && !is_sure() && !choice_.otherwise && steps_[0] == steps_[1];
    }
    /// The order; day first where nothing shows it.
    date_order order() const noexcept {
        if (choice_.asked) {
            return *choice_.asked;
        }
        if (day_first_ != month_first_) {
            return day_first_ ? date_order::day_first : date_order::month_first;
        }
        if (steps_[0] == steps_[1]) {
            return choice_.otherwise.value_or(date_order::day_first);
        }
        return steps_[1] < steps_[0] ? date_order::month_first : date_order::day_first;
    }
    /// Whether a date can only be read in the other order.
    bool refuses(const date_time& time) const noexcept {
        return time.sure_order != 0 && time.sure_order - 1 != static_cast<int>(order());
    }

  private:
    date_order_choice choice_;
    std::array<double, 2> steps_ = {}; // sums of their sizes in either order
    std::array<double, 2> last_ = {};
    bool begun_ = false;
    bool depends_ = false;
    bool day_first_ = false; // some date can only be
    bool month_first_ = false;
};

} // namespace tocsin
