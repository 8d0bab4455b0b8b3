#include "metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace tocsin_gateway {
namespace {

constexpr double smallest = 1e-6;
constexpr double growth = 1.2;

} // namespace

double latency_histogram::limit(std::size_t bucket) noexcept {
    return smallest * std::pow(growth, static_cast<double>(bucket));
}

void latency_histogram::add(std::chrono::nanoseconds latency) noexcept {
    const double seconds = 1e-9 * static_cast<double>(std::max<std::int64_t>(latency.count(), 0));
    static const double per_bucket = 1 / std::log(growth);
    const double place =
        seconds <= smallest ? 0 : std::ceil(per_bucket * std::log(seconds / smallest));
    const auto bucket = std::min(static_cast<std::size_t>(place), buckets);
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(std::max<std::int64_t>(latency.count(), 0), std::memory_order_relaxed);
}

std::int64_t latency_histogram::count() const noexcept {
    std::int64_t total = 0;
    for (const auto& bucket : counts_) {
        total += bucket.load(std::memory_order_relaxed);
    }
    return total;
}

double latency_histogram::quantile(double quantile) const noexcept {
    const double wanted = quantile * static_cast<double>(count());
    if (!(wanted > 0)) {
        return 0;
    }
    double below = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        below += static_cast<double>(in_bucket(bucket));
        if (below >= wanted) {
            return limit(bucket);
        }
    }
    return std::numeric_limits<double>::infinity();
}

std::string metrics::prometheus() const {
    std::string text;
    const auto line = [&](const char* name, const char* kind, const char* help,
                          std::int64_t value) {
        text += std::string{"# HELP tocsin_gateway_"} + name + ' ' + help +
                "\n# TYPE tocsin_gateway_" + name + ' ' + kind + "\ntocsin_gateway_" + name + ' ' +
                std::to_string(value) + '\n';
    };
    line("samples_total", "counter", "Samples judged.", samples);
    line("anomalies_total", "counter", "Verdicts that are anomalies.", anomalies);
    line("alarms_total", "counter", "Alarms that started.", alarms);
    line("dead_letters_total", "counter", "Invalid messages.", dead_letters);
    line("skipped_total", "counter", "Messages judged before.", skipped);
    line("fresh_streams_total", "counter", "Restarted streams: saved by another model.",
         fresh_streams);
    line("checkpoints_total", "counter", "Checkpoints of states and offsets.", checkpoints);
    line("state_bytes_total", "counter", "Bytes of state written.", state_bytes);
    line("model_changes_total", "counter", "Reloads of the rules.", model_changes);
    line("devices", "gauge", "Devices with a stream here.", devices);
    line("partitions", "gauge", "Partitions owned.", partitions);
    line("lag", "gauge", "Waiting messages, as far as the source tells.", lag);
    text += "# HELP tocsin_gateway_latency_seconds From the creation of a message to its verdict.\n"
            "# TYPE tocsin_gateway_latency_seconds histogram\n";
    std::int64_t below = 0;
    std::array<char, 96> number{};
    for (std::size_t bucket = 0; bucket < latency_histogram::buckets; ++bucket) {
        below += latency.in_bucket(bucket);
        // Every fourth limit is enough for a graph.
        if (bucket % 4 == 3) {
            std::snprintf(number.data(), number.size(),
                          "tocsin_gateway_latency_seconds_bucket{le=\"%.4g\"} %lld\n",
                          latency_histogram::limit(bucket), static_cast<long long>(below));
            text += number.data();
        }
    }
    below += latency.in_bucket(latency_histogram::buckets);
    std::snprintf(number.data(), number.size(),
                  "tocsin_gateway_latency_seconds_bucket{le=\"+Inf\"} %lld\n",
                  static_cast<long long>(below));
    text += number.data();
    std::snprintf(number.data(), number.size(), "tocsin_gateway_latency_seconds_sum %.9g\n",
                  latency.sum());
    text += number.data();
    return text + "tocsin_gateway_latency_seconds_count " + std::to_string(below) + '\n';
}

} // namespace tocsin_gateway
