/// @file sequence_score.hpp
/// @brief One score for a sequence from the distances in it.
#pragma once

#include <cmath>
#include <limits>
#include <span>

namespace tocsin {

/// Largest of the distances that are not NaN: a sequence is flagged when any of its distances
/// exceeds the threshold, which is the same as the largest doing so. A rule fitted to these scores
/// therefore decides on sequences.
/// @return NaN, which exceeds no threshold, without any distance that is not NaN. Never allocates.
inline double sequence_score(std::span<const double> distances) noexcept {
    double largest = std::numeric_limits<double>::quiet_NaN();
    for (const double distance : distances) {
        largest = std::fmax(largest, distance); // the other one where one is NaN
    }
    return largest;
}

} // namespace tocsin
