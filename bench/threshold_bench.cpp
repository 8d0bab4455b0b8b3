// Tuning of thresholds on a million labelled scores.
#include "tocsin/metrics/roc.hpp"
#include "tocsin/threshold/f_beta_grid.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include "measure.hpp"
#include <vector>

namespace {

using namespace tocsin;
using namespace tocsin_bench;

/// Exponentially distributed scores of which one in ten is anomalous, with a larger mean.
struct labelled {
    explicit labelled(std::int64_t count) {
        random_generator random{1};
        for (std::int64_t k = 0; k < count; ++k) {
            labels.push_back(random.below(10) == 0);
            scores.push_back(-std::log(1 - random.uniform()) * (labels.back() != 0 ? 5 : 1));
        }
    }
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
};

void sweep(benchmark::State& state) {
    const labelled data(state.range(0));
    measure(state, state.range(0), [&] {
        const auto points = f_beta_sweep(data.scores, data.labels);
        benchmark::DoNotOptimize(best_by_f_beta(*points, 1).threshold);
    });
}

void grid(benchmark::State& state) {
    const labelled data(state.range(0));
    auto counts = f_beta_grid::make(0, 60, static_cast<int>(state.range(1))).value();
    measure(state, state.range(0),
            [&] { benchmark::DoNotOptimize(counts.add(data.scores, data.labels).ok()); });
}

void grid_best(benchmark::State& state) {
    const labelled data(1000);
    auto counts = f_beta_grid::make(0, 60, static_cast<int>(state.range(0))).value();
    benchmark::DoNotOptimize(counts.add(data.scores, data.labels).ok());
    measure(state, state.range(0), [&] { benchmark::DoNotOptimize(counts.best(1).threshold); });
}

void quantile(benchmark::State& state) {
    const labelled data(state.range(0));
    quantile_threshold rule;
    measure(state, state.range(0),
            [&] { benchmark::DoNotOptimize(rule.fit(data.scores, data.labels).ok()); });
}

void area(benchmark::State& state) {
    const labelled data(state.range(0));
    measure(state, state.range(0),
            [&] { benchmark::DoNotOptimize(auc_roc(data.scores, data.labels).value()); });
}

constexpr std::int64_t million = 1'000'000;
constexpr auto unit = benchmark::kMillisecond;

BENCHMARK(sweep)->Name("f_beta_sweep")->ArgName("scores")->Arg(million)->Unit(unit);
BENCHMARK(grid)
    ->Name("f_beta_grid_add")
    ->ArgNames({"scores", "thresholds"})
    ->Args({million, 100})
    ->Args({million, 10'000})
    ->Unit(unit);
BENCHMARK(grid_best)->Name("f_beta_grid_best")->ArgName("thresholds")->Arg(100)->Arg(10'000);
BENCHMARK(quantile)->Name("quantile_threshold")->ArgName("scores")->Arg(million)->Unit(unit);
BENCHMARK(area)->Name("auc_roc")->ArgName("scores")->Arg(million)->Unit(unit);

} // namespace
