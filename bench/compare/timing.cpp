#include "timing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>

namespace tocsin_bench {
namespace {

double now(clock_kind clock) {
    timespec time{};
    clock_gettime(clock == clock_kind::cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_of(job& work, std::int64_t repetitions, clock_kind clock) {
    const double begin = now(clock);
    work.run(repetitions);
    return now(clock) - begin;
}

double quantile(samples& values, double part) {
    std::sort(values.begin(), values.end());
    const double place = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

/// Number of repetitions of a job per sample; warms it up.
std::int64_t repetitions_for(job& work, double minimum_seconds, clock_kind clock) {
    std::int64_t repetitions = 1;
    seconds_of(work, 1, clock);
    for (;;) {
        const double took = seconds_of(work, repetitions, clock);
        if (took >= minimum_seconds) {
            return repetitions;
        }
        const double wanted = 1.2 * minimum_seconds / std::max(took, 1e-9);
        repetitions *= static_cast<std::int64_t>(std::clamp(std::ceil(wanted), 2.0, 100.0));
    }
}

} // namespace

double median(samples values) {
    return quantile(values, 0.5);
}

double spread(samples values) {
    return (quantile(values, 0.75) - quantile(values, 0.25)) / quantile(values, 0.5);
}

double median_ratio(const samples& numerator, const samples& denominator) {
    samples ratios(numerator.size());
    std::transform(numerator.begin(), numerator.end(), denominator.begin(), ratios.begin(),
                   [](double above, double below) { return above / below; });
    return median(std::move(ratios));
}

std::vector<samples> measure_interleaved(const std::vector<job*>& jobs,
                                         const timing_settings& settings, clock_kind clock) {
    std::vector<std::int64_t> repetitions;
    for (job* const work : jobs) {
        repetitions.push_back(repetitions_for(*work, settings.minimum_seconds, clock));
    }
    std::vector<samples> times(jobs.size());
    const std::size_t count = jobs.size();
    for (int round = 0; round < settings.rounds; ++round) {
        // In a fixed order, each job would always find the caches as left by the same other job.
        const bool backwards = round % 2 != 0;
        const std::size_t shift = static_cast<std::size_t>(round / 2);
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t next = ((backwards ? count - 1 - k : k) + shift) % count;
            times[next].push_back(1e9 * seconds_of(*jobs[next], repetitions[next], clock) /
                                  static_cast<double>(repetitions[next]));
        }
    }
    return times;
}

} // namespace tocsin_bench
