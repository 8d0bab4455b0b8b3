/// @file date_orders.hpp
/// @brief In which order day, month and year may stand in dates such as 03/04/15.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>

namespace tocsin {

/// Which number comes first in a date such as 03/04/2015 or 15-04-03: day, month, year; month, day,
/// year; or year, month, day with a year of two digits.
enum class date_order : std::uint8_t { day_first, month_first, year_first };

/// All orders, in the order in which they are preferred where nothing decides.
inline constexpr std::array<date_order, 3> all_date_orders = {
    date_order::day_first, date_order::month_first, date_order::year_first};

/// A set of orders.
class date_orders {
  public:
    /// The empty set.
    constexpr date_orders() = default;
    /// A set of one.
    constexpr explicit date_orders(date_order one) noexcept { add(one); }
    /// The set of all.
    static constexpr date_orders all() noexcept {
        date_orders every;
        for (const date_order one : all_date_orders) {
            every.add(one);
        }
        return every;
    }

    /// Puts an order into the set.
    constexpr void add(date_order one) noexcept {
        bits_ = static_cast<std::uint8_t>(bits_ | 1U << static_cast<unsigned>(one));
    }
    /// Whether an order is in the set.
    constexpr bool has(date_order one) const noexcept {
        return (bits_ >> static_cast<unsigned>(one) & 1U) != 0;
    }
    /// Whether there is none.
    constexpr bool empty() const noexcept { return bits_ == 0; }
    /// How many there are.
    constexpr int count() const noexcept { return std::popcount(bits_); }
    /// The preferred one; day first for the empty set.
    constexpr date_order first() const noexcept {
        for (const date_order one : all_date_orders) {
            if (has(one)) {
                return one;
            }
        }
        return date_order::day_first;
    }
    /// What both sets have.
    constexpr date_orders operator&(date_orders other) const noexcept {
        date_orders both;
        both.bits_ = static_cast<std::uint8_t>(bits_ & other.bits_);
        return both;
    }
    /// Whether both sets have the same orders.
    bool operator==(const date_orders&) const = default;

  private:
    std::uint8_t bits_ = 0;
};

/// The order as options spell it: `day-first`, `month-first`, `year-first`.
constexpr const char* to_string(date_order order) noexcept {
    return order == date_order::day_first     ? "day-first"
           : order == date_order::month_first ? "month-first"
                                              : "year-first";
}

/// A set in words: `day first or year first`. Allocates.
inline std::string in_words(date_orders orders) {
    std::string text;
    for (const date_order one : all_date_orders) {
        if (orders.has(one)) {
            text += (text.empty() ? "" : " or ") + std::string{to_string(one)};
            text[text.rfind('-')] = ' ';
        }
    }
    return text;
}

/// The options that choose an order of a set: `--dates day-first or --dates year-first`. Allocates.
inline std::string options_of(date_orders orders) {
    std::string text;
    for (const date_order one : all_date_orders) {
        if (orders.has(one)) {
            text += (text.empty() ? "--dates " : " or --dates ") + std::string{to_string(one)};
        }
    }
    return text;
}

} // namespace tocsin
