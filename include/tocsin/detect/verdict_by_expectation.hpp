/// @file verdict_by_expectation.hpp
/// @brief Verdicts by expected false alarms instead of a score and its threshold.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/verdict_scale.hpp"
#include "tocsin/threshold/expectation.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace tocsin::detail {

/// Whether false alarms can be promised, in 10 000 rows.
inline status check_promised(std::string_view owner, double promised) noexcept {
    return promised > 0 && promised <= rows_of_expectation
               ? status{}
               : status::error(error_code::invalid_argument, owner, ": promised ", promised,
                               " false alarms per 10000 rows must lie in (0, 10000]");
}

/// Judges by false alarms that are expected in 10 000 rows. The score becomes -log10 of them, the
/// threshold the same of the promised. Kind and reason stay where nothing is expected (NaN).
inline void judge_by_expectation(verdict& outcome, double expected, double promised) noexcept {
    outcome.expected_false_alarms = expected;
    outcome.threshold = -std::log10(promised);
    outcome.score = 0;
    if (!std::isnan(expected)) {
        constexpr double least = 1e-300; // its logarithm is finite
        outcome.score = -std::log10(std::max(expected, least));
        outcome.reason = sample_reason::scored;
        outcome.kind = expected < promised ? verdict_kind::anomaly
                       : outcome.lost > 0  ? verdict_kind::sensor_lost
                                           : verdict_kind::normal;
    }
}

/// Alarm control over such a verdict.
/// @param before whether there was an alarm: nothing is known that would end it where a verdict has
///               no score and no sensor is lost
template <class Alarm>
void control_alarm(Alarm& alarm, bool before, verdict& outcome) noexcept {
    outcome.alarm = !std::isnan(outcome.expected_false_alarms) || outcome.lost > 0
                        ? alarm.push(outcome.kind == verdict_kind::anomaly ||
                                     outcome.kind == verdict_kind::sensor_lost)
                        : before;
    outcome.rate_exceeded = rate_exceeded_by(alarm);
}

} // namespace tocsin::detail
