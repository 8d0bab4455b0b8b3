#include "timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

namespace tocsin_bench {
namespace {

double seconds_of(job& work, std::int64_t repetitions) {
    const auto begin = std::chrono::steady_clock::now();
    work.run(repetitions);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double quantile(samples& values, double part) {
    std::sort(values.begin(), values.end());
    const double place = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

/// How often a job has to run for one sample; warms it up.
std::int64_t repetitions_for(job& work, double minimum_seconds) {
    std::int64_t repetitions = 1;
    seconds_of(work, 1);
    for (;;) {
        const double took = seconds_of(work, repetitions);
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
                                         const timing_settings& settings) {
    std::vector<std::int64_t> repetitions;
    for (job* const work : jobs) {
        repetitions.push_back(repetitions_for(*work, settings.minimum_seconds));
    }
    std::vector<samples> times(jobs.size());
    for (int round = 0; round < settings.rounds; ++round) {
        for (std::size_t k = 0; k < jobs.size(); ++k) {
            // A fixed order would leave each job the same neighbour's caches.
            const std::size_t next = round % 2 == 0
                                         ? (k + static_cast<std::size_t>(round / 2)) % jobs.size()
                                         : (2 * jobs.size() - k - 1 -
                                            static_cast<std::size_t>(round / 2) % jobs.size()) %
                                               jobs.size();
            times[next].push_back(1e9 * seconds_of(*jobs[next], repetitions[next]) /
                                  static_cast<double>(repetitions[next]));
        }
    }
    return times;
}

} // namespace tocsin_bench
