/// @file successive_halving.hpp
/// @brief Which trials deserve more epochs: asynchronous successive halving.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/search_trial.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// Stops a trial at a rung (after `first`, first * factor, first * factor^2, ... epochs, or whatever
/// it counts) unless its lowest value so far is among the best 1/factor of all trials that have come
/// this far. Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
/// optimization", 2016; without waiting for each other, as in Li et al., "A system for massively
/// parallel hyperparameter tuning", 2020. Unlike there, a stopped trial is never resumed.
struct successive_halving {
    int first = 0;  ///< resource of the first rung; 0: every trial runs to its end
    int factor = 3; ///< at least 2

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (first < 0 || factor < 2) {
            return status::error(error_code::invalid_argument, "successive_halving: first rung ",
                                 first, " and factor ", factor, " must be at least 0 and 2");
        }
        return {};
    }

    /// Whether a trial continues after its newest report. It does where it has reached no new rung, and
    /// where fewer than factor - 1 others have come as far. Never allocates.
    /// @param reports of the trial in order of resource, the newest included
    /// @param others  trials to compare with, whether they finished or not
    bool promotes(std::span<const trial_report> reports,
                  std::span<const search_trial> others) const noexcept {
        if (first == 0 || reports.empty()) {
            return true;
        }
        const std::int64_t now = reports.back().resource;
        const std::int64_t before = reports.size() > 1 ? reports[reports.size() - 2].resource : 0;
        std::int64_t rung = 0; // the highest one that this report has reached
        for (std::int64_t next = first; next <= now; next *= factor) {
            rung = next > before ? next : 0;
            if (next > now / factor) { // before the product overflows
                break;
            }
        }
        if (rung == 0) {
            return true;
        }
        const double own = lowest_within(reports, now);
        std::int64_t came = 1;
        std::int64_t better = 0;
        for (const search_trial& other : others) {
            if (!other.reports.empty() && other.reports.back().resource >= rung) {
                ++came;
                better += lowest_within(other.reports, rung) < own ? 1 : 0;
            }
        }
        return came < factor || better < came / factor;
    }

  private:
    /// The lowest value up to a resource, or of the first report beyond it where there is none
    /// at it.
    static double lowest_within(std::span<const trial_report> reports,
                                std::int64_t resource) noexcept {
        double lowest = reports.front().value;
        for (const trial_report& report : reports) {
            lowest = std::min(lowest, report.value);
            if (report.resource >= resource) {
                break;
            }
        }
        return lowest;
    }
};

} // namespace tocsin
