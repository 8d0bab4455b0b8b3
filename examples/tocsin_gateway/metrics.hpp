/// @file metrics.hpp
/// @brief The gateway's counters, in the format of Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin_gateway {

/// Counts durations in buckets that grow by a fifth, from 1 microsecond to 10 minutes, and longer ones.
/// Any thread may read while one adds.
class latency_histogram {
  public:
    static constexpr std::size_t buckets = 112;

    void add(std::chrono::nanoseconds latency) noexcept;
    /// Upper limit of a bucket in seconds; there is a further bucket, `buckets`, without a limit.
    static double limit(std::size_t bucket) noexcept;
    std::int64_t count() const noexcept;
    double sum() const noexcept { return 1e-9 * static_cast<double>(nanoseconds_.load()); }
    std::int64_t in_bucket(std::size_t bucket) const noexcept { return counts_[bucket].load(); }
    /// A limit in seconds below which the share `quantile` of all durations is; at most a fifth too
    /// large. 0 without any, infinity beyond the last limit.
    double quantile(double quantile) const noexcept;

  private:
    std::array<std::atomic<std::int64_t>, buckets + 1> counts_{};
    std::atomic<std::int64_t> nanoseconds_{0};
};

/// The numbers of one worker.
struct metrics {
    std::atomic<std::int64_t> samples{0};       ///< judged
    std::atomic<std::int64_t> anomalies{0};     ///< verdicts
    std::atomic<std::int64_t> alarms{0};        ///< alarms that started
    std::atomic<std::int64_t> dead_letters{0};  ///< invalid messages
    std::atomic<std::int64_t> skipped{0};       ///< judged before, by this worker or another
    std::atomic<std::int64_t> fresh_streams{0}; ///< streams whose state belonged to another model
    std::atomic<std::int64_t> checkpoints{0};   ///< of states and offsets
    std::atomic<std::int64_t> state_bytes{0};   ///< written by them
    std::atomic<std::int64_t> model_changes{0}; ///< reloads of the rules
    std::atomic<std::int64_t> devices{0};       ///< now
    std::atomic<std::int64_t> partitions{0};    ///< now
    std::atomic<std::int64_t> lag{0};           ///< waiting messages, now
    latency_histogram latency;                  ///< from the creation of a message to its verdict
    /// Text in the exposition format 0.0.4.
    std::string prometheus() const;
};

} // namespace tocsin_gateway
