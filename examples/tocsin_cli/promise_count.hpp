/// @file promise_count.hpp
/// @brief Counts the anomalies of a stream as the rule alarm-rate promises them.
#pragma once

#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <cstdint>
#include <limits>

namespace tocsin_cli {

/// Clusters of anomalies of one stream beside the promised rate of false ones. A cluster lasts as long
/// as scores are above the level of the rule, so a fault is one, however long. Rows without a score
/// are left out, as by tune: they end no cluster, and the rate is one of rows with a score.
class promise_count {
  public:
    /// Waits to be loaded.
    promise_count() noexcept = default;
    /// @param rule fitted
    explicit promise_count(const tocsin::alarm_rate& rule) noexcept
        : promise_count{rule.gap(), rule.promised(), rule.level()} {}
    /// @param gap      rows that end a cluster
    /// @param promised clusters of false alarms in 10 000 rows
    /// @param level    score above which a cluster goes on; by default only anomalies keep it going
    promise_count(std::int64_t gap, double promised,
                  double level = std::numeric_limits<double>::max()) noexcept
        : level_{level}, clusters_{gap}, monitor_{promised} {}

    /// Takes the verdict on the next row.
    void push(const tocsin::verdict& verdict) noexcept {
        if (verdict.scored()) {
            monitor_.push(clusters_.push(verdict.is_anomaly(), verdict.score > level_));
        }
    }
    /// Whether there are ten times as many clusters as promised.
    bool rate_exceeded() const noexcept { return monitor_.rate_exceeded(); }
    const tocsin::rate_monitor& monitor() const noexcept { return monitor_; }
    /// Whether both count by the same rule.
    bool has_settings_of(const promise_count& other) const noexcept {
        return level_ == other.level_ && clusters_.gap() == other.clusters_.gap() &&
               monitor_.promised() == other.monitor_.promised();
    }

    static constexpr int version = 1;
    /// Settings and state, to an archive of bytes.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("level", level_);
        archive.object("clusters", clusters_);
        archive.object("monitor", monitor_);
    }

  private:
    double level_ = 0;
    tocsin::run_declustering clusters_;
    tocsin::rate_monitor monitor_;
};

} // namespace tocsin_cli
