// The cost of an optimiser step in addition to the gradient: Adam, clipping.
#include "tocsin/training/adam.hpp"
#include "tocsin/training/clipping.hpp"

#include "measure.hpp"

namespace {

using namespace tocsin;
using namespace tocsin_bench;

template <class Scalar, bool Amsgrad>
void adam_step(benchmark::State& state) {
    const adam rule{.amsgrad = Amsgrad};
    const index_t count = state.range(0);
    auto parameters = random_values<Scalar>(count);
    const auto gradients = random_values<Scalar>(count);
    aligned_vector<Scalar> rule_state(static_cast<std::size_t>(rule.state_size(count)));
    std::int64_t step = 0;
    measure(state, count, [&] {
        rule.update(std::span<Scalar>(parameters), std::span<const Scalar>(gradients),
                    std::span<Scalar>(rule_state), ++step, 1);
    });
    // Parameters and rule state are read and written, gradients read.
    const index_t moved = 2 * (count + rule.state_size(count)) + count;
    state.SetBytesProcessed(state.iterations() * moved * static_cast<index_t>(sizeof(Scalar)));
}

template <class Scalar>
void clip(benchmark::State& state) {
    auto gradients = random_values<Scalar>(state.range(0));
    measure(state, state.range(0), [&] {
        benchmark::DoNotOptimize(clip_by_global_norm(std::span<Scalar>(gradients), 1e9));
    });
    state.SetBytesProcessed(state.iterations() * state.range(0) *
                            static_cast<index_t>(sizeof(Scalar)));
}

void sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgName("parameters")->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
    bench->Unit(benchmark::kMicrosecond);
}

BENCHMARK(adam_step<float, false>)->Name("adam/float")->Apply(sizes);
BENCHMARK(adam_step<double, false>)->Name("adam/double")->Apply(sizes);
BENCHMARK(adam_step<float, true>)->Name("adam_amsgrad/float")->Apply(sizes);
BENCHMARK(clip<float>)->Name("clip_by_global_norm/float")->Apply(sizes);

} // namespace
