/// @file instruction_counts.hpp
/// @brief Counting of instructions in programs with fixed work.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"

#include <string>
#include <valgrind/callgrind.h>

namespace tocsin_bench {

using namespace tocsin;

/// Counts the second call: the first one touches all memory and resolves library functions.
template <class Work>
void count(const std::string& name, Work&& work) {
    work();
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
    work();
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(name.c_str());
}

inline aligned_vector<float> random_values(index_t size, double radius) {
    random_generator random{1};
    aligned_vector<float> values(static_cast<std::size_t>(size));
    for (float& value : values) {
        value = static_cast<float>(random.uniform(-radius, radius));
    }
    return values;
}

inline std::string name_of(const char* kind, int inputs, int hidden) {
    std::string name(kind);
    name.append("/in:").append(std::to_string(inputs));
    name.append("/hidden:").append(std::to_string(hidden));
    return name;
}

/// Samples of whole detectors. In a separate file: next to another user of the same layers the
/// compiler inlines less of both.
void count_pushes();

} // namespace tocsin_bench
