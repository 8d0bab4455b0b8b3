/// @file firmware_peaks.hpp
/// @brief A peaks-over-threshold rule in the form that firmware is generated from.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/firmware/peaks_over_threshold.hpp"
#include "tocsin/io/firmware_text.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin {

/// A rule that learns on a target, with what it has learned so far; see
/// firmware::detail::peaks_over_threshold.
struct firmware_peaks {
    int capacity = 0;                   ///< peaks that the target keeps
    std::vector<firmware::peak> kept;   ///< in ascending order of their excesses
    float level = 0;                    ///< scores above it are peaks
    generalised_pareto tail;            ///< of the excesses
    std::uint32_t remembered = 0;       ///< scores during which the peaks came
    float false_alarm_rate = 0;         ///< wanted, per score
    std::uint32_t alarm_separation = 0; ///< scores between alarms that are learned from
    std::uint32_t alarm_wait = 0;       ///< those before the next one
    bool learns_expected_alarms = true; ///< see spot_settings::learn_from_expected_alarms
};

namespace detail {

inline std::uint32_t count_of_scores(std::int64_t count) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(count, most));
}

/// What a header says of it.
inline std::string peaks_text(const firmware_peaks& peaks) {
    std::string tail = "{";
    tail += literal(static_cast<float>(peaks.tail.shape));
    tail += ", ";
    tail += literal(static_cast<float>(peaks.tail.scale));
    tail += '}';
    return constant_text("int", "peak_capacity", std::to_string(peaks.capacity)) +
           constant_text("float", "peak_level", literal(peaks.level)) +
           constant_text("tocsin::firmware::detail::pareto_tail", "peak_tail", tail) +
           constant_text("uint32_t", "remembered_scores", literal(peaks.remembered)) +
           constant_text("float", "false_alarm_rate", literal(peaks.false_alarm_rate)) +
           constant_text("uint32_t", "alarm_separation", literal(peaks.alarm_separation)) +
           constant_text("uint32_t", "alarm_wait", literal(peaks.alarm_wait)) +
           constant_text("bool", "learns_expected_alarms",
                         peaks.learns_expected_alarms ? "true" : "false") +
           array_text("tocsin::firmware::peak", "peaks", peaks.kept);
}

/// Continues a checksum over it, see firmware::detail::peaks_over_threshold::checksum().
inline std::uint32_t add_to_checksum(std::uint32_t crc, const firmware_peaks& peaks) noexcept {
    const auto add = [&crc](std::uint32_t word) { crc = firmware::detail::add_to_crc(crc, word); };
    const auto add_float = [&](float value) { add(std::bit_cast<std::uint32_t>(value)); };
    for (const firmware::peak& each : peaks.kept) {
        add_float(each.excess);
        add(each.age);
    }
    add_float(peaks.level);
    add(peaks.remembered);
    add_float(static_cast<float>(peaks.tail.shape));
    add_float(static_cast<float>(peaks.tail.scale));
    add_float(peaks.false_alarm_rate);
    add(peaks.alarm_separation);
    add(peaks.alarm_wait);
    return crc;
}

} // namespace detail

/// Takes what a target needs of a rule to learn from scores as spot_threshold_by_moments does.
/// @param capacity peaks that the target keeps, the newest ones, 20 to 4096; 0: as many as the rule
/// @return `not_ready` for a rule without a fit, `invalid_argument` naming a rule that a target cannot
///         compute, a capacity out of range, or numbers that no float holds. Allocates.
template <class Rule>
result<firmware_peaks> firmware_peaks_of(const Rule& rule, int capacity = 0) {
    if constexpr (std::is_same_v<Rule, spot_threshold_by_moments>) {
        constexpr int fewest = 20;
        constexpr int most = 4096;
        firmware_peaks peaks;
        peaks.capacity = capacity == 0 ? rule.settings().memory : capacity;
        if (peaks.capacity < fewest || peaks.capacity > most) {
            return status::error(error_code::invalid_argument, "firmware: ", peaks.capacity,
                                 " peaks of a threshold that learns; from ", fewest, " to ", most,
                                 " are possible");
        }
        if (!rule.fitted()) {
            return status::error(error_code::not_ready, "firmware: ", Rule::kind,
                                 " has no fit yet");
        }
        int left_out = std::max(rule.excesses() - peaks.capacity, 0);
        std::int64_t remembered = rule.remembered();
        rule.for_each_excess([&](double excess, std::int64_t age, bool censored) {
            if (left_out > 0) {
                --left_out;
                remembered = age; // what is kept came later
                return;
            }
            const auto size = static_cast<float>(excess);
            peaks.kept.push_back({censored ? -size : size, detail::count_of_scores(age)});
        });
        std::stable_sort(peaks.kept.begin(), peaks.kept.end(), [](const auto& a, const auto& b) {
            return std::abs(a.excess) < std::abs(b.excess);
        });
        peaks.level = static_cast<float>(rule.excess_threshold());
        peaks.tail = rule.tail();
        peaks.remembered = detail::count_of_scores(remembered);
        peaks.false_alarm_rate = static_cast<float>(rule.settings().q);
        peaks.alarm_separation = detail::count_of_scores(rule.alarm_separation());
        peaks.alarm_wait = detail::count_of_scores(rule.alarm_wait());
        peaks.learns_expected_alarms = rule.settings().learn_from_expected_alarms;
        const auto is_normal = [](float value) { return std::isnormal(value); };
        if (!std::isfinite(peaks.level) || !is_normal(static_cast<float>(peaks.tail.scale)) ||
            !is_normal(peaks.false_alarm_rate) || !std::isfinite(peaks.kept.back().excess)) {
            return status::error(error_code::invalid_argument, "firmware: ", Rule::kind, " above ",
                                 rule.excess_threshold(), " with scale ", rule.tail().scale,
                                 " and q ", rule.settings().q,
                                 " has numbers outside the normal range of float");
        }
        return peaks;
    } else if constexpr (requires {
                             std::visit([](const auto& /*inner*/) {}, rule.rule());
                         }) { // chosen at run time
        return std::visit(
            [capacity](const auto& inner) { return firmware_peaks_of(inner, capacity); },
            rule.rule());
    } else {
        return status::error(error_code::invalid_argument, "firmware: a threshold by '", Rule::kind,
                             "' cannot learn on a target; ", spot_threshold_by_moments::kind,
                             " can");
    }
}

} // namespace tocsin
