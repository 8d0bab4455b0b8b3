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

/// A score from false alarms that are expected in 10 000 rows: -log10 of those expected in one row, at
/// least 0, which is one in each row; finite.
inline double score_of_expectation(double expected) noexcept {
    constexpr double least = 1e-300; // its logarithm is finite
    return std::max(0.0, -std::log10(std::max(expected, least) / rows_of_expectation));
}

/// Judges by false alarms that are expected in 10 000 rows. The score becomes -log10 of those
/// expected in one row, the threshold the same of the promised: both at least 0, like any verdict's.
/// Where nothing is expected (NaN), the score is 0, which exceeds nothing.
/// @param outcome   what the detector says by itself; kind and reason stay where it has no score either
/// @param unjudged  the reason where it has one, but nothing is expected: warming_up or not_ready
inline void judge_by_expectation(verdict& outcome, double expected, double promised,
                                 sample_reason unjudged) noexcept {
    outcome.expected_false_alarms = expected;
    outcome.threshold = score_of_expectation(promised);
    outcome.score = 0;
    if (std::isnan(expected)) {
        if (outcome.scored()) {
            outcome.reason = unjudged;
            outcome.kind = outcome.lost > 0                        ? verdict_kind::sensor_lost
                           : unjudged == sample_reason::warming_up ? verdict_kind::warming_up
                                                                   : verdict_kind::not_ready;
        }
    } else {
        outcome.score = score_of_expectation(expected);
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
