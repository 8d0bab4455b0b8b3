/// @file combination.hpp
/// @brief One number from the expected false alarms of several detectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// How the expected numbers of false alarms e_1 .. e_J of J detectors become one.
enum class combination : std::uint8_t {
    bonferroni,      ///< J times the smallest: the promise holds however they depend on each other
    second_smallest, ///< two must agree: fewer false alarms than promised, and fewer anomalies
    mean_log         ///< exp(mean of log e): weak signs in many add up; not calibrated
};

/// @param expected false alarms as high that are expected in 10 000 rows, at least 0, of each
///                 detector; NaN: it has no score, and does not count
/// @return NaN where none has a score. Of a single score every combination is that score.
inline double combined_false_alarms(std::span<const double> expected, combination rule) noexcept {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    double smallest = none;
    double second = none;
    double logs = 0;
    double count = 0;
    for (const double each : expected) {
        if (std::isnan(each)) {
            continue;
        }
        ++count;
        logs += std::log(std::max(each, std::numeric_limits<double>::min()));
        if (!(each >= smallest)) {
            second = smallest;
            smallest = each;
        } else if (!(each >= second)) {
            second = each;
        }
    }
    switch (rule) {
    case combination::second_smallest:
        return count > 1 ? second : smallest;
    case combination::mean_log:
        return count > 0 ? std::exp(logs / count) : none;
    case combination::bonferroni:
        break;
    }
    return count * smallest;
}

} // namespace tocsin
