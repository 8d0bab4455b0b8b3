/// @file csv_hints.hpp
/// @brief What a single line or cell of CSV suggests.
#pragma once

#include "tocsin/io/csv_cells.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace tocsin::detail {

/// The delimiter that a line without rows suggests: the most frequent outside double quotes.
inline char likely_delimiter(std::string_view line) noexcept {
    char best = ',';
    std::size_t most = csv_cells::count(line, ',');
    for (const char candidate : {';', '\t', '|'}) {
        const std::size_t cells = csv_cells::count(line, candidate);
        if (cells > most) {
            most = cells;
            best = candidate;
        }
    }
    return best;
}

/// Whether a cell looks like a unit: `[V]`, `(m/s)`, or one of the usual symbols.
inline bool looks_like_unit(std::string_view cell) noexcept {
    if (cell.size() >= 2 && ((cell.front() == '[' && cell.back() == ']') ||
                             (cell.front() == '(' && cell.back() == ')'))) {
        return true;
    }
    constexpr std::string_view symbols[] = {
        "V",   "mV",    "kV",    "A",    "mA",   "W",    "kW",   "MW",  "kWh", "Wh", "Hz",
        "kHz", "MHz",   "rpm",   "RPM",  "%",    "degC", "degF", "deg", "C",   "F",  "K",
        "bar", "mbar",  "Pa",    "kPa",  "hPa",  "MPa",  "psi",  "m",   "mm",  "cm", "km",
        "m/s", "mm/s",  "km/h",  "m/s2", "g",    "kg",   "t",    "N",   "kN",  "Nm", "l",
        "L",   "l/min", "L/min", "l/s",  "m3/h", "kg/h", "s",    "ms",  "min", "h",  "ppm",
        "lux", "lx",    "dB",    "Ohm",  "pH",   "rad",  "J",    "kJ",  "VA",  "var"};
    return std::find(std::begin(symbols), std::end(symbols), cell) != std::end(symbols) ||
           cell.find("\xC2\xB0") != std::string_view::npos; // the degree sign
}

} // namespace tocsin::detail
