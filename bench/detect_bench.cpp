// A detector on a stream: the cost of each new sample.
#include "tocsin/detect/detector.hpp"
#include "tocsin/models/encoder_decoder.hpp"

#include "measure.hpp"

namespace {

using namespace tocsin;
using namespace tocsin_bench;

constexpr index_t samples = 400;

/// A detector with fitted errors; how well it is trained does not change its speed.
struct setup {
    using detector_type = detector<encoder_decoder<float>>;

    explicit setup(benchmark::State& state)
        : features{argument(state, 0)}, window{argument(state, 2)},
          values(random_values<float>(features * samples)),
          monitor{{lstm_stack<float>{{features, argument(state, 1)}},
                   lstm_stack<float>{{features, argument(state, 1)}},
                   dense_head<float>{{argument(state, 1), features}}},
                  {.window = window}} {
        const auto all = make_windows<float>({values.data(), features, samples}, window).value();
        const trainer<> trainer{.epochs = 1};
        for (const status& done :
             {monitor.train(all, {}, trainer), monitor.fit_errors(all), monitor.tune(all)}) {
            if (!done.ok()) {
                state.SkipWithError(done.message());
            }
        }
    }

    int features;
    int window;
    aligned_vector<float> values;
    detector_type monitor;
};

void push(benchmark::State& state) {
    setup run(state);
    const auto sample =
        std::span<const float>(run.values).first(static_cast<std::size_t>(run.features));
    auto stream = run.monitor.make_stream();
    for (int t = 0; t < run.window; ++t) {
        (void)run.monitor.push(stream, sample); // past the warm-up
    }
    measure(state, 1, [&] { benchmark::DoNotOptimize(run.monitor.push(stream, sample).score); });
}

void score(benchmark::State& state) {
    setup run(state);
    const matrix_view<const float> window(run.values.data(), run.features, run.window);
    auto workspace = run.monitor.make_workspace();
    measure(state, 1,
            [&] { benchmark::DoNotOptimize(run.monitor.score(window, workspace).step_score); });
}

void sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"features", "hidden", "window"})->Unit(benchmark::kMicrosecond);
    bench->Args({1, 16, 10})->Args({3, 32, 20})->Args({8, 32, 30})->Args({8, 64, 100});
}

BENCHMARK(push)->Name("detector_push/float")->Apply(sizes);
BENCHMARK(score)->Name("detector_score/float")->Apply(sizes);

} // namespace
