/// @file spot_settings.hpp
/// @brief Settings of the rules that adapt to a stream, and their outcome for a score.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/moving_window.hpp"

#include <cstdint>
#include <string_view>

namespace tocsin {

/// The outcome of push() of a streaming rule.
enum class push_outcome : std::uint8_t {
    normal,  ///< an ordinary score
    excess,  ///< high, but not an alarm; the rule has learned from it
    alarm,   ///< above the threshold
    rejected ///< NaN, or no threshold yet: no verdict is possible
};

/// Settings of spot_threshold.
struct spot_settings {
    double q = 1e-4;     ///< desired probability of a false alarm per score, in (0, 1 - level)
    double level = 0.99; ///< scores above this quantile of the fitted scores are excesses
    int memory = 2000;   ///< excesses kept, the most recent ones; 20 to 2^24
    /// Whether alarms explained by q count as excesses of unknown size, see spot_threshold. If not
    /// (as in the paper), the rate of false alarms exceeds q: the tail beyond the threshold is
    /// never seen.
    bool learn_from_expected_alarms = true;

    /// `invalid_argument` naming the first setting that is out of range.
    status check(std::string_view caller) const noexcept {
        if (!(level >= 0 && level < 1)) {
            return status::error(error_code::invalid_argument, caller, ": level ", level,
                                 " must lie in [0, 1)");
        }
        if (!(q > 0 && q < 1 - level)) {
            return status::error(error_code::invalid_argument, caller, ": q ", q,
                                 " must lie in (0, ", 1 - level, "), the share of excesses");
        }
        if (memory < 20 || memory > detail::largest_ring) {
            return status::error(error_code::invalid_argument, caller, ": memory ", memory,
                                 " must lie in [20, ", detail::largest_ring, "]");
        }
        return {};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("q", q);
        archive.number("level", level);
        archive.integer("memory", memory);
        archive.integer("learn_from_expected_alarms", learn_from_expected_alarms);
    }
};

} // namespace tocsin
