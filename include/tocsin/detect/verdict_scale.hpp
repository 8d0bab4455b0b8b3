/// @file verdict_scale.hpp
/// @brief What a verdict says beyond score and threshold, where the rule or alarm control knows it.
#pragma once

#include "tocsin/detect/verdict.hpp"
#include "tocsin/threshold/expectation.hpp"

#include <limits>

namespace tocsin::detail {

/// What verdict::expected_false_alarms says of a score, by what was learned or by the rule of a
/// stream. Never allocates.
/// @param learning of the stream, or null
template <class Learned>
double expected_false_alarms_of(const Learned& learned,
                                [[maybe_unused]] const typename Learned::learning_type* learning,
                                double score) noexcept {
    if constexpr (requires { learned.expected_false_alarms(score); }) {
        return learned.expected_false_alarms(score);
    } else if constexpr (rule_with_expectation<typename Learned::rule_type>) {
        const auto& rule = learning != nullptr && learning->rule_learns
                               ? learning->rule
                               : learned.thresholds.rule(learned.view());
        return rule.expected_false_alarms(score);
    } else {
        return std::numeric_limits<double>::quiet_NaN();
    }
}

/// Whether alarm control says that there are far more alarms than promised.
template <class Alarm>
bool rate_exceeded_by(const Alarm& alarm) noexcept {
    if constexpr (requires { alarm.rate_exceeded(); }) {
        return alarm.rate_exceeded();
    } else {
        return false;
    }
}

/// What bytes leave out of the last verdict, because it follows from the rest.
template <class Learned, class Stream>
void complete_last(const Learned& learned, Stream& stream) noexcept {
    verdict& last = stream.last;
    last.expected_false_alarms =
        last.scored() ? expected_false_alarms_of(learned, stream.learning.get(), last.score)
                      : std::numeric_limits<double>::quiet_NaN();
    last.rate_exceeded = rate_exceeded_by(stream.alarm);
}

} // namespace tocsin::detail
