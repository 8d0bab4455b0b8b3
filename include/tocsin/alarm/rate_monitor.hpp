/// @file rate_monitor.hpp
/// @brief Counts the alarms of a stream and compares their rate with the promised one.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Passes every flag on and counts where runs of flags begin, so that a promise can be checked while
/// it is made. Put it last in an alarm_chain. Older rows count less: after the rows in which
/// `memory` alarms were promised, half as much.
///
/// A stream whose alarms are ten times as many as promised has changed, or the promise was wrong;
/// either way the detector must be fitted anew. A few alarms prove nothing: at least
/// `fewest_alarms` in the rows that count are needed. With independent alarms at the promised rate
/// and the default memory, fewer than one stream in 5000 ever gets there by chance.
class rate_monitor {
  public:
    static constexpr const char* kind = "rate_monitor";
    static constexpr int version = 1;
    static constexpr double excess = 10;       ///< times the promised rate
    static constexpr double fewest_alarms = 5; ///< P(5 or more) < 1 in 5000 where 0.5 are due
    /// The largest promise that rate_exceeded() watches over: an alarm needs a row with a flag and one
    /// without, so that 10 000 rows have room for 5000.
    static constexpr double largest_promise = 5000 / excess;

    /// Passes flags and counts; no rate is too high.
    rate_monitor() noexcept = default;
    /// @param promised alarms per 10 000 rows, such as alarm_rate::promised(); in [0, 10 000],
    ///                 otherwise check() reports it; with 0, or more than largest_promise, no rate
    ///                 is too high
    /// @param memory   promised alarms after which a row counts half, positive
    explicit rate_monitor(double promised, double memory = 10) noexcept
        : promised_{promised}, memory_{memory} {}

    status check() const noexcept {
        if (!(promised_ >= 0 && promised_ <= 10000) || !(memory_ > 0 && memory_ <= 1e9)) {
            return status::error(error_code::invalid_argument, "rate_monitor: promised ", promised_,
                                 " must lie in [0, 10000], memory ", memory_, " in (0, 1e9]");
        }
        return {};
    }

    /// Counts the next flag.
    /// @return the flag, unchanged
    bool push(bool flag) noexcept {
        const double keep = weight_of_last();
        recent_rows_ = keep * recent_rows_ + 1;
        recent_alarms_ = keep * recent_alarms_ + (flag && !active_ ? 1 : 0);
        rows_ = std::min(rows_ + 1, detail::most_rows);
        alarms_ += flag && !active_ && rows_ < detail::most_rows ? 1 : 0;
        active_ = flag;
        return flag;
    }
    /// Forgets the rows, for a stream that starts anew.
    void reset() noexcept { *this = rate_monitor(promised_, memory_); }

    /// Promised alarms per 10 000 rows.
    double promised() const noexcept { return promised_; }
    /// Alarms per 10 000 rows, weighted towards recent rows; NaN before the first row.
    double realised() const noexcept {
        return recent_rows_ > 0 ? 10000 * recent_alarms_ / recent_rows_
                                : std::numeric_limits<double>::quiet_NaN();
    }
    /// Alarms and rows since the start.
    std::int64_t alarms() const noexcept { return alarms_; }
    /// Rows since the start.
    std::int64_t rows() const noexcept { return rows_; }
    /// Whether there are ten times the promised alarms, and enough to say so. Never where more than
    /// largest_promise are promised: 10 000 rows have no room for ten times as many. Behind
    /// run_declustering(gap) they have none above 1000 / (gap + 1): compare realised() with the promise
    /// yourself.
    bool rate_exceeded() const noexcept {
        return promised_ > 0 && promised_ <= largest_promise &&
               recent_alarms_ >= fewest_alarms - 0.5 && realised() >= excess * promised_;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("promised", promised_);
        archive.number("memory", memory_);
        archive.number("recent_rows", recent_rows_);
        archive.number("recent_alarms", recent_alarms_);
        archive.integer("alarms", alarms_);
        archive.integer("rows", rows_);
        archive.integer("active", active_);
        detail::keep_if(archive, check());
        detail::keep_if(archive, detail::check_rows("rate_monitor", "alarms", alarms_, 0, rows_));
        detail::keep_if(archive,
                        detail::check_rows("rate_monitor", "rows", rows_, 0, detail::most_rows));
        const bool counted = rows_ < detail::most_rows; // then weights of at most 1 sum up to less
        const double most = (1 + 1e-6) / (1 - weight_of_last()); // the sum of all weights
        if (!(recent_alarms_ >= 0 && recent_alarms_ <= recent_rows_ && recent_rows_ <= 1e16 &&
              recent_rows_ <= most) ||
            (counted && !(recent_alarms_ <= static_cast<double>(alarms_) &&
                          recent_rows_ <= static_cast<double>(rows_)))) {
            detail::keep_if(
                archive, status::error(error_code::format_error, "rate_monitor: ", recent_alarms_,
                                       " recent alarms in ", recent_rows_, " recent rows, of ",
                                       rows_, " in all, are impossible"));
        }
    }

  private:
    /// Of the row before the newest, which weighs 1.
    double weight_of_last() const noexcept {
        return promised_ > 0 && memory_ > 0 ? std::exp2(-promised_ / (10000 * memory_)) : 1;
    }

    double promised_ = 0;
    double memory_ = 10;
    double recent_rows_ = 0; ///< weights of the rows that count
    double recent_alarms_ = 0;
    std::int64_t alarms_ = 0;
    std::int64_t rows_ = 0;
    bool active_ = false;
};

} // namespace tocsin
