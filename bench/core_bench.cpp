// Random numbers: the cost of noise, initial weights and shuffled batches.
#include "tocsin/core/random.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <numeric>
#include <vector>

static void random_uniform(benchmark::State& state) {
    tocsin::random_generator random{1};
    for (auto _ : state) {
        benchmark::DoNotOptimize(random.uniform());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(random_uniform);

static void random_normal(benchmark::State& state) {
    tocsin::random_generator random{1};
    for (auto _ : state) {
        benchmark::DoNotOptimize(random.normal());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(random_normal);

static void random_shuffle(benchmark::State& state) {
    tocsin::random_generator random{1};
    std::vector<std::int32_t> order(static_cast<std::size_t>(state.range(0)));
    std::iota(order.begin(), order.end(), 0);
    for (auto _ : state) {
        tocsin::shuffle(std::span{order}, random);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(random_shuffle)->ArgName("items")->Arg(1024)->Arg(65536);
