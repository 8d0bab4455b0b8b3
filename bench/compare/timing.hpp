/// @file timing.hpp
/// @brief Interleaved measurements of several jobs, and statistics of them.
#pragma once

#include "competitor.hpp"
#include <vector>

namespace tocsin_bench {

/// CPU time of the whole process is unaffected by other programs that use the same core; for work
/// on several threads, only wall-clock time shows the speed.
enum class clock_kind { cpu, wall };

struct timing_settings {
    int rounds = 31;               ///< samples of each job
    double minimum_seconds = 2e-3; ///< per sample
};

/// Nanoseconds per repetition of one job, one value per round.
using samples = std::vector<double>;

double median(samples values);
/// Interquartile range divided by the median.
double spread(samples values);
/// Median over the rounds of numerator / denominator: a temporary slowdown of the machine affects
/// both.
double median_ratio(const samples& numerator, const samples& denominator);

/// Measures all jobs once per round, each time in another order.
std::vector<samples> measure_interleaved(const std::vector<job*>& jobs,
                                         const timing_settings& settings, clock_kind clock);

} // namespace tocsin_bench
