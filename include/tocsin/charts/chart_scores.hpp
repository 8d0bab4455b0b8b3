/// @file chart_scores.hpp
/// @brief What the charts of a row say, by their kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tocsin {

/// The kinds of charts. They see different faults, so two that agree are worth more than one.
enum class chart_family : std::uint8_t { magnitude, level, variance };

/// Scores of the newest row, one per family, larger is less normal; about 1 on normal data, where
/// rare rows reach 3 to 5. NaN while no chart of the family has seen enough rows.
struct chart_scores {
    static constexpr std::size_t families = 3; ///< kinds of charts
    /// Where the largest value of a family was found.
    struct origin {
        int target = -1; ///< the forecast feature; -1 for none
        int rows = 0;    ///< length of the chart; 0 for the magnitude
    };

    /// The value of each kind of chart.
    std::array<double, families> values{std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::quiet_NaN()};
    std::array<origin, families> origins{}; ///< where each value comes from

    /// The value of a kind of chart.
    double of(chart_family family) const noexcept {
        return values[static_cast<std::size_t>(family)];
    }
    /// Where the value of a kind of chart comes from.
    origin origin_of(chart_family family) const noexcept {
        return origins[static_cast<std::size_t>(family)];
    }
};

} // namespace tocsin
