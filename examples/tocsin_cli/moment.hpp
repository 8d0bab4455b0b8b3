/// @file moment.hpp
/// @brief A time for people.
#pragma once

#include "tocsin/io/timestamps.hpp"

#include "console.hpp"
#include <cmath>
#include <ctime>
#include <string>

namespace tocsin_cli {

/// Date and time of day, the time of day alone where no more is known, or the number.
inline std::string moment(double seconds, tocsin::timestamp_kind clock) {
    if (clock == tocsin::timestamp_kind::plain || std::abs(seconds) > 2e11) {
        return shown(seconds);
    }
    const auto whole = static_cast<std::time_t>(std::floor(seconds));
    char text[40] = "";
    if (const std::tm* const parts = std::gmtime(&whole); parts != nullptr) {
        std::strftime(
            text, sizeof text,
            clock == tocsin::timestamp_kind::time_of_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", parts);
    }
    return text;
}

} // namespace tocsin_cli
