/// @file time_unit.hpp
/// @brief What numbers in a column of times count.
#pragma once

#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_number.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

/// The unit of times that are numbers.
enum class time_unit : std::uint8_t { seconds, milliseconds, microseconds, nanoseconds };

/// The unit in words.
constexpr const char* to_string(time_unit unit) noexcept {
    constexpr const char* names[] = {"seconds", "milliseconds", "microseconds", "nanoseconds"};
    return names[static_cast<std::size_t>(unit)];
}

/// How many make a second.
constexpr double units_per_second(time_unit unit) noexcept {
    constexpr double numbers[] = {1, 1e3, 1e6, 1e9};
    return numbers[static_cast<std::size_t>(unit)];
}

/// The unit that the name of a column says, in brackets or as its last word: `Time [us]`, `time_ms`,
/// `timems`. Nothing where it says none. Allocates.
inline std::optional<time_unit> time_unit_of(std::string_view name) {
    const std::string plain = detail::plain_name(name);
    std::string_view word = name;
    if (const auto open = name.find_first_of("[("); open != std::string_view::npos) {
        word = name.substr(open + 1);
        word = detail::trimmed(word.substr(0, word.find_first_of("])")));
    } else if (const auto last = name.find_last_of("_ -"); last != std::string_view::npos) {
        word = name.substr(last + 1);
    } else {
        word = {};
    }
    if (detail::is_any_of(word, {"s", "sec", "secs", "second", "seconds"})) {
        return time_unit::seconds;
    }
    if (detail::is_any_of(word, {"ms", "msec", "millis", "millisecond", "milliseconds"}) ||
        detail::is_any_of(plain, {"timems", "epochms", "timestampms"})) {
        return time_unit::milliseconds;
    }
    if (detail::is_any_of(word, {"us", "usec", "micros", "microsecond", "microseconds", "\xC2\xB5s",
                                 "\xCE\xBCs"}) || // both letters that look like mu
        detail::is_any_of(plain, {"timeus", "epochus", "timestampus"})) {
        return time_unit::microseconds;
    }
    if (detail::is_any_of(word, {"ns", "nsec", "nanos", "nanosecond", "nanoseconds"}) ||
        detail::is_any_of(plain, {"timens", "epochns", "timestampns"})) {
        return time_unit::nanoseconds;
    }
    return std::nullopt;
}

} // namespace tocsin
