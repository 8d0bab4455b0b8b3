/// @file cases.hpp
/// @brief Everything that is measured.
#pragma once

#include "competitor.hpp"
#include "timing.hpp"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_bench {

struct competitor {
    std::string name;
    std::string family; ///< the best of a family counts; see peer::family()
    job_pointer work;
    bool same_outputs = true; ///< false for what is no peer but a measure, such as a copy
};

/// All who solve one problem.
struct competition {
    std::shared_ptr<void> data; ///< what the jobs point at
    job_pointer ours;           ///< null: tocsin does not have it
    job_pointer bound;          ///< null: no bound is known
    std::vector<competitor> others;
    clock_kind clock = clock_kind::cpu;
};

struct bench_case {
    std::string name;
    double work;      ///< of one repetition, in the unit below times 1e-9 s
    const char* unit; ///< GFLOP/s, GB/s
    /// Relative 2-norm of the differences up to which peers agree with ours.
    double tolerance;
    std::function<competition(const std::vector<const peer*>&)> make;
};

std::vector<bench_case> all_cases();

/// Writes the inputs of the cases that Python libraries solve too, and our results.
/// @return whether all files could be written
bool export_for_python(const std::string& folder);

} // namespace tocsin_bench
