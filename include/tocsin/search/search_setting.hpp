/// @file search_setting.hpp
/// @brief One setting that is searched: a range of numbers or a list of choices.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

/// What values a setting has, and which of them count as near each other.
enum class setting_kind : std::uint8_t {
    real,        ///< any number of a range
    log_real,    ///< the same; equal ratios are equal steps
    integer,     ///< whole numbers of a range
    log_integer, ///< the same; equal ratios are equal steps
    choice       ///< one of several names, without an order
};

/// The kind as text, for messages and files.
constexpr const char* name_of(setting_kind kind) noexcept {
    constexpr const char* names[] = {"real", "logarithmic real", "integer", "logarithmic integer",
                                     "choice"};
    return names[static_cast<std::size_t>(kind)];
}

/// A setting with its name and range. A value is one double: the number, or the position of a choice.
///
/// from_unit() spreads the unit interval over the range, each whole number and each choice with an
/// equal part (of the logarithm, where that is asked for).
struct search_setting {
    std::string name;                       ///< unique in its space
    setting_kind kind = setting_kind::real; ///< what it is
    double low = 0;                         ///< smallest value; of choices 0
    double high = 1;                        ///< largest value; of choices their number less 1
    std::vector<std::string> choices{};     ///< their names; none for numbers

    /// Whether it takes whole numbers only.
    bool is_discrete() const noexcept {
        return kind != setting_kind::real && kind != setting_kind::log_real;
    }
    /// Whether equal ratios are equal steps.
    bool is_logarithmic() const noexcept {
        return kind == setting_kind::log_real || kind == setting_kind::log_integer;
    }

    /// Names what is wrong with the range, the name or the choices.
    status check() const noexcept {
        const auto refuse = [&](const auto&... parts) {
            return status::error(error_code::invalid_argument, "search: setting '", name, "' ",
                                 parts...);
        };
        if (name.empty()) {
            return refuse("has no name");
        }
        if (kind == setting_kind::choice) {
            if (choices.empty()) {
                return refuse("has no choices");
            }
            for (std::size_t k = 0; k < choices.size(); ++k) {
                if (std::find(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(k),
                              choices[k]) != choices.begin() + static_cast<std::ptrdiff_t>(k)) {
                    return refuse("has the choice '", choices[k], "' twice");
                }
            }
            return {};
        }
        if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) ||
            !std::isfinite(high - low)) {
            return refuse("goes from ", low, " to ", high, "; needed is low < high, both finite");
        }
        constexpr double largest = 1e9; // every position of the unit interval is another number
        if (is_discrete() && (low != std::floor(low) || high != std::floor(high) ||
                              std::abs(low) > largest || std::abs(high) > largest)) {
            return refuse("goes from ", low, " to ", high, "; both must be whole numbers up to ",
                          largest);
        }
        if (is_logarithmic() && !(low > 0)) {
            return refuse("is logarithmic and goes from ", low, "; that must be positive");
        }
        return {};
    }

    /// The value at a position of the unit interval, within the range for any position; NaN is taken
    /// as 0. Never allocates.
    double from_unit(double unit) const noexcept {
        unit = unit > 0 ? std::min(unit, 1.0) : 0.0;
        if (!is_discrete() && (unit == 0 || unit == 1)) {
            return unit == 0 ? low : high; // exactly, whatever the logarithm does
        }
        const auto [begin, end] = edges();
        const double place = std::lerp(begin, end, unit);
        const double value = is_logarithmic() ? std::exp(place) : place;
        return std::clamp(is_discrete() ? std::round(value) : value, low, high);
    }
    /// The position of a value; of whole numbers and choices one that from_unit() gives back. Never
    /// allocates.
    double to_unit(double value) const noexcept {
        const auto [begin, end] = edges();
        const double place = is_logarithmic() ? std::log(value) : value;
        return std::clamp((place - begin) / (end - begin), 0.0, 1.0);
    }
    /// Whether it can have this value.
    bool contains(double value) const noexcept {
        return value >= low && value <= high && (!is_discrete() || value == std::round(value));
    }

  private:
    /// Both ends on the scale of steps; whole numbers have half a step more on each side.
    std::pair<double, double> edges() const noexcept {
        const double margin = is_discrete() ? 0.5 : 0.0;
        if (is_logarithmic()) {
            return {std::log(low - margin), std::log(high + margin)};
        }
        return {low - margin, high + margin};
    }
};

} // namespace tocsin
