/// @file alarm_rate_settings.hpp
/// @brief How many false alarms are promised, and which scores are the tail.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/threshold/expectation.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tocsin {

/// What alarm_rate promises: `alarms` false alarms per so many rows, or per so much time.
///     alarm_rate{{.per_rows = 10000}}
///     alarm_rate{{.per = std::chrono::weeks{1}, .interval = std::chrono::minutes{5}}}
struct alarm_rate_settings {
    /// A time span in seconds.
    using seconds = std::chrono::duration<double>;

    double alarms = 1;       ///< clusters of false alarms, positive
    double per_rows = 10000; ///< rows in which so many are promised; unless `per` is given
    seconds per{0};          ///< time in which so many are promised; then `interval` must be given
    seconds interval{0};     ///< from one row to the next
    double level = 0.9;      ///< scores above this quantile are the tail, in [0.5, 0.999]
    /// Rows at or below the level that end a cluster, see find_clusters(). 0: found in the scores.
    std::int64_t gap = 0;

    /// Promised alarms per 10 000 rows.
    double promised() const noexcept {
        const double rows = per.count() > 0 ? per / interval : per_rows;
        return rows_of_expectation * alarms / rows;
    }
    /// `invalid_argument` naming the first setting that is out of range.
    status check() const noexcept {
        const bool timed = per.count() != 0;
        if (timed && !(per.count() > 0 && interval.count() > 0 && per >= interval)) {
            return status::error(error_code::invalid_argument, "alarm_rate: per ", per.count(),
                                 " s needs the interval between rows, which is ", interval.count(),
                                 " s");
        }
        if (!(promised() > 0) || !(promised() <= rows_of_expectation)) {
            return status::error(error_code::invalid_argument, "alarm_rate: ", alarms,
                                 " alarms per ", timed ? per / interval : per_rows,
                                 " rows; there must be some, and at most one a row");
        }
        if (!(level >= 0.5 && level <= 0.999) || gap < 0 || gap > most_gap) {
            return status::error(error_code::invalid_argument, "alarm_rate: level ", level,
                                 " must lie in [0.5, 0.999], gap ", gap, " in [0, ", most_gap, "]");
        }
        return {};
    }
    /// Normal scores that a fit needs, so that about 10 lie above the level: 100 by default, 20 at
    /// level .5, 10 000 at .999. From fewer the tail is a guess, which on average raises many times
    /// the promised alarms.
    std::size_t fewest_scores() const noexcept {
        constexpr double fewest_above = 10;
        constexpr double rounding = 1e-9;
        const double above = level <= 0.999 ? 1 - level : 0.001; // check() refuses others
        return static_cast<std::size_t>(std::ceil((1 - rounding) * fewest_above / above));
    }
    /// Rows between two alarms that are counted at most.
    static constexpr std::int64_t most_gap = std::int64_t{1} << 40;

    template <class Archive>
    void exchange(Archive& archive) {
        double per_seconds = per.count();
        double interval_seconds = interval.count();
        archive.number("alarms", alarms);
        archive.number("per_rows", per_rows);
        archive.number("per_seconds", per_seconds);
        archive.number("interval_seconds", interval_seconds);
        archive.number("level", level);
        archive.integer("gap", gap);
        if constexpr (Archive::loading) {
            per = seconds{per_seconds};
            interval = seconds{interval_seconds};
        }
    }
};

} // namespace tocsin
