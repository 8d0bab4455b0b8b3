/// @file measure.hpp
/// @brief What every benchmark reports in addition to its time.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"

#include <benchmark/benchmark.h>

#include "support/allocation_counter.hpp"
#include <cstdint>
#include <utility>

namespace tocsin_bench {

/// Repeats `body()` and reports items per second with the heap allocations of one call.
/// @param items what one call works through: time steps, parameters, samples, scores
template <class Body>
void measure(benchmark::State& state, std::int64_t items, Body&& body) {
    body(); // touches all memory once
    const long allocations = tocsin_test::allocations_during(body);
    for (auto _ : state) {
        body();
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * items);
    state.counters["allocations"] = static_cast<double>(allocations);
}

/// Numbers in [-1, 1), the same in every run.
template <class Scalar>
tocsin::aligned_vector<Scalar> random_values(tocsin::index_t count) {
    tocsin::random_generator random{1};
    tocsin::aligned_vector<Scalar> values(static_cast<std::size_t>(count));
    for (auto& value : values) {
        value = static_cast<Scalar>(random.uniform(-1, 1));
    }
    return values;
}

/// A benchmark argument as int, the type of sizes.
inline int argument(const benchmark::State& state, std::size_t position) {
    return static_cast<int>(state.range(position));
}

} // namespace tocsin_bench
