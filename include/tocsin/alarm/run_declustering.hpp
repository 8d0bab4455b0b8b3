/// @file run_declustering.hpp
/// @brief One alarm for each cluster of flags, as find_clusters() counts clusters.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"

#include <algorithm>
#include <cstdint>

namespace tocsin {

/// Passes the first flag of each cluster. A cluster ends only after `gap` rows without a flag, so a
/// fault is one alarm however long it lasts: of flags `score > level` as many pass as
/// find_clusters(scores, level, gap) finds peaks. (Runs declustering: Smith and Weissman, "Estimating
/// the extremal index", JRSS B 56, 1994.)
///
/// alarm_rate promises clusters of scores above its level() whose peaks exceed its threshold(). With
/// the score at hand, exactly these are counted:
///
///     run_declustering clusters(rule.gap());
///     rate_monitor monitor(rule.promised());
///     monitor.push(clusters.push(rule.exceeds(score), score > rule.level()));
///
/// Flags alone, which is all that a detector passes to its alarm control, count a cluster again where
/// it stays at or below the threshold for `gap` rows without ending: never fewer alarms than
/// promised ones.
///
/// Time passes with every push. For a row without a score push false, as NaN exceeds nothing in
/// find_clusters(); or leave it out, as tune() and the alarm control of a detector do.
class run_declustering {
  public:
    static constexpr const char* kind = "run_declustering";
    static constexpr int version = 1;

    /// @param gap rows without a flag that end a cluster, such as alarm_rate::gap(); at least 1,
    ///            otherwise check() reports it and all flags pass
    explicit run_declustering(std::int64_t gap = 1) noexcept
        : gap_{gap}, low_rows_{std::max<std::int64_t>(gap, 0)} {}

    status check() const noexcept {
        return detail::check_rows("run_declustering", "gap", gap_, 1, detail::most_rows);
    }
    /// Rows without a flag that end a cluster.
    std::int64_t gap() const noexcept { return gap_; }
    /// Takes the next flag. Never allocates.
    /// @return whether it is the first of a cluster
    bool push(bool flag) noexcept { return push(flag, flag); }
    /// The same where a lower level than that of the flags decides what a cluster is.
    /// @param high whether the score is above that level and keeps a cluster going; a flag does too
    /// @return whether it is the first flag of a cluster
    bool push(bool flag, bool high) noexcept {
        if (high || flag) {
            passed_ = passed_ && low_rows_ < gap_;
            low_rows_ = 0;
        } else {
            low_rows_ = std::min(low_rows_ + 1, std::max<std::int64_t>(gap_, 0));
        }
        const bool passes = flag && !passed_;
        passed_ = passed_ || passes;
        return passes;
    }
    /// Forgets the rows, for a stream that starts anew.
    void reset() noexcept { *this = run_declustering(gap_); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("gap", gap_);
        archive.integer("low_rows", low_rows_);
        archive.integer("passed", passed_);
        detail::keep_if(archive, check());
        detail::keep_if(archive,
                        detail::check_rows("run_declustering", "low_rows", low_rows_, 0, gap_));
    }

  private:
    std::int64_t gap_;
    std::int64_t low_rows_; ///< since the last high one, at most gap; gap at the start
    bool passed_ = false;   ///< whether a flag of the newest cluster has
};

} // namespace tocsin
