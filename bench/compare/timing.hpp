/// @file timing.hpp
/// @brief Interleaved measurements of several jobs and what is read off them.
#pragma once

#include "competitor.hpp"
#include <vector>

namespace tocsin_bench {

/// CPU time of the whole process is not disturbed by other programs that want the same core; of
/// work on several threads only the time on the wall says how fast it is.
enum class clock_kind { cpu, wall };

struct timing_settings {
    int rounds = 31;               ///< samples of each job
    double minimum_seconds = 2e-3; ///< of one sample
};

/// Nanoseconds per repetition of one job, one value per round.
using samples = std::vector<double>;

double median(samples values);
/// Interquartile range divided by the median.
double spread(samples values);
/// Median over the rounds of numerator / denominator: what slows the machine down for a while slows
/// down both.
double median_ratio(const samples& numerator, const samples& denominator);

/// Measures all jobs once in each round, in another order every time.
std::vector<samples> measure_interleaved(const std::vector<job*>& jobs,
                                         const timing_settings& settings, clock_kind clock);

} // namespace tocsin_bench
