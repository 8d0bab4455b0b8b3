/// @file cases.hpp
/// @brief All measured cases.
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
    bool same_outputs = true; ///< false for a measure that is not a peer, such as a copy
};

/// All competitors for one problem.
struct competition {
    std::shared_ptr<void> data; ///< data that the jobs refer to
    job_pointer ours;           ///< null: not in tocsin
    job_pointer bound;          ///< null: no bound is known
    std::vector<competitor> others;
    clock_kind clock = clock_kind::cpu;
};

struct bench_case {
    std::string name;
    double work;      ///< per repetition, in the unit below times 1e-9 s
    const char* unit; ///< GFLOP/s, GB/s
    /// Largest relative 2-norm of the differences with which a peer agrees with ours.
    double tolerance;
    std::function<competition(const std::vector<const peer*>&)> make;
};

std::vector<bench_case> all_cases();

/// Writes the inputs of the cases that Python libraries also solve, and our results.
/// @return whether all files could be written
bool export_for_python(const std::string& folder);

} // namespace tocsin_bench
