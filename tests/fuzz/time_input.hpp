/// @file time_input.hpp
/// @brief Dates, times of day and timestamps from any bytes.
#pragma once

#include "tocsin/io/date_time.hpp"
#include "tocsin/io/timestamp_stream.hpp"
#include "tocsin/io/timestamps.hpp"

#include "fuzz_input.hpp"
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace tocsin_fuzz {

/// All readings of a date; the same one unless the text says that there are several.
inline void date(std::string_view text) {
    constexpr double ten_thousand_years = 3.2e11; // from 1970 to either end of what four digits say
    constexpr double million_days = 8.64e10;
    const auto usual = tocsin::parse_date_time(text);
    for (const tocsin::date_order order : tocsin::all_date_orders) {
        const auto time = tocsin::parse_date_time(text, order);
        require(!time || std::abs(time->seconds) < ten_thousand_years, "a date out of range");
        require(!time || time->has_date || time->has_offset ||
                    (time->seconds >= 0 && time->seconds < million_days + 1e6 * 3600),
                "a time of day, or hours that have passed, out of range");
        require(!time || !usual || time->seconds == usual->seconds || time->orders.count() > 1,
                "a date has several readings and does not say so");
    }
    const auto digits = tocsin::parse_date_of_digits(text);
    require(!digits || (digits->has_date && std::abs(digits->seconds) < ten_thousand_years),
            "a date of digits out of range");
}

/// Lines as the timestamps of a recording and of a stream.
inline void times(input bytes) {
    std::vector<std::string_view> lines;
    std::string_view rest = text_of(bytes);
    while (!rest.empty() && lines.size() < 64) {
        const std::size_t end = rest.find('\n');
        lines.push_back(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    const auto recording = tocsin::timestamp_reader::from_samples(lines);
    require(tocsin::to_string(recording.kind())[0] != '\0', "a kind without a name");
    require(recording.units_per_second() >= 1, "units of more than a second");
    tocsin::timestamp_stream stream;
    for (const std::string_view line : lines) {
        date(line);
        const double seconds = recording.seconds(line);
        require(!std::isinf(seconds), "a timestamp is infinite");
        require(!std::isinf(stream.seconds(line)), "a timestamp of a stream is infinite");
    }
}

} // namespace tocsin_fuzz
