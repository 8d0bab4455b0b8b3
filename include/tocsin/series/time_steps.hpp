/// @file time_steps.hpp
/// @brief What the times of a recording show: span, step, order.
#pragma once

#include "tocsin/core/extents.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Facts about the times of a recording, in the order in which its rows stand. NaN where there is
/// nothing to tell.
struct time_facts {
    double first = std::numeric_limits<double>::quiet_NaN(); ///< earliest time
    double last = std::numeric_limits<double>::quiet_NaN();  ///< latest time
    double step = std::numeric_limits<double>::quiet_NaN();  ///< median of the steps that are not 0
    double wide_step = std::numeric_limits<double>::quiet_NaN();  ///< 0.9 quantile of them
    double short_step = std::numeric_limits<double>::quiet_NaN(); ///< 0.1 quantile of them
    index_t unknown = 0;                                          ///< times that are not known
    bool descending = false; ///< most steps go back: the newest row stands first
    index_t steps = 0;       ///< from one time to another
    index_t reversed = 0;    ///< those that go against most others and begin no new recording

    /// The longest step between neighbours by default: three times the usual step, or twice the
    /// 0.9 quantile where steps vary.
    double longest_gap() const noexcept { return std::max(3 * step, 2 * wide_step); }
    /// Whether rows do not stand in the order of time: three steps or more, and one in fifty, go
    /// against the others, more than where a clock was set back. Recordings that follow each other, of
    /// five rows or more, are in order.
    bool disordered() const noexcept { return reversed >= 3 && reversed * 50 > steps; }
    /// Whether the steps vary so much that rows should be put on a regular grid: see resample().
    bool irregular() const noexcept { return wide_step > 2 * short_step; }
};

/// Whether two steps differ so much, by half of the shorter one, that a window means another length
/// of time with each. False where one is not known.
inline bool unlike_steps(double one, double other) noexcept {
    return one > 0 && other > 0 && std::max(one, other) > 1.5 * std::min(one, other);
}

namespace detail {

/// Whether a step against the others begins a new recording: it is longer than three usual ones, and
/// the one before and the two after go on by less than it went back, as they do not around a single
/// row in a wrong place.
/// @param steps from row to row, of which most are positive; none is 0
/// @param usual their median size
inline bool begins_recording(std::span<const double> steps, std::size_t at, double usual) noexcept {
    const double back = -steps[at];
    const auto goes_on = [&](std::size_t k) {
        return k >= steps.size() || (steps[k] > 0 && steps[k] < back);
    };
    return back > 3 * usual && (at == 0 || goes_on(at - 1)) && goes_on(at + 1) && goes_on(at + 2);
}

} // namespace detail

/// Finds the facts. Allocates.
/// @param times one per row, in any unit; NaN: not known
inline time_facts study_times(std::span<const double> times) {
    time_facts facts;
    std::vector<double> steps;
    double before = std::numeric_limits<double>::quiet_NaN();
    std::size_t back = 0;
    for (const double time : times) {
        if (!std::isfinite(time)) {
            ++facts.unknown;
            continue;
        }
        facts.first = std::fmin(facts.first, time);
        facts.last = std::fmax(facts.last, time);
        if (const double step = time - before; std::isfinite(step) && step != 0) {
            back += step < 0 ? 1 : 0;
            steps.push_back(step);
        }
        before = time;
    }
    if (steps.empty()) {
        return facts;
    }
    facts.descending = 2 * back > steps.size();
    facts.steps = static_cast<index_t>(steps.size());
    std::vector<double> sizes(steps.size());
    for (std::size_t k = 0; k < steps.size(); ++k) {
        sizes[k] = std::abs(steps[k]);
        steps[k] = facts.descending ? -steps[k] : steps[k];
    }
    const auto quantile = [&](double share) {
        const auto at = sizes.begin() +
                        static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size() - 1));
        std::nth_element(sizes.begin(), at, sizes.end());
        return *at;
    };
    facts.step = quantile(0.5);
    facts.wide_step = quantile(0.9);
    facts.short_step = quantile(0.1);
    for (std::size_t k = 0; k < steps.size(); ++k) {
        facts.reversed += steps[k] < 0 && !detail::begins_recording(steps, k, facts.step) ? 1 : 0;
    }
    return facts;
}

} // namespace tocsin
