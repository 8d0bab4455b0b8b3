// Many streams of one model: push_all, push stream by stream, and what both replace: a detector
// with its own weights for each stream. With RTNEURAL_DIR also RTNeural's bare LSTM layers in turn,
// without scaler, head, statistic and verdict.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/forecaster.hpp"

#include <benchmark/benchmark.h>
#if TOCSIN_BENCH_RTNEURAL
#include <RTNeural/RTNeural.h>
#endif

#include "measure.hpp"
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace tocsin;

namespace {

using fleet_detector =
    detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>, quantile_threshold>;

matrix<float> noise(int features, index_t samples) {
    random_generator random{1};
    matrix<float> values(features, samples);
    for (index_t k = 0; k < values.size(); ++k) {
        values.data()[k] = static_cast<float>(random.normal());
    }
    return values;
}

/// A detector of these sizes, trained briefly: its verdicts do not matter here.
const fleet_detector& trained(int inputs, int hidden) {
    static std::map<std::pair<int, int>, fleet_detector> made;
    const auto found = made.find({inputs, hidden});
    if (found != made.end()) {
        return found->second;
    }
    const matrix<float> recording = noise(inputs, 600);
    const auto windows = make_windows(recording, 100, 50).value();
    fleet_detector fresh{forecaster<float>::with_layers(inputs, inputs, {hidden}), {.warm_up = 1}};
    trainer<> trainer;
    trainer.epochs = 1;
    for (const status& outcome :
         {fresh.train(windows, {}, trainer), fresh.fit_errors(windows), fresh.tune(windows)}) {
        if (!outcome.ok()) {
            detail::fail(outcome.message());
        }
    }
    return made.emplace(std::pair{inputs, hidden}, std::move(fresh)).first->second;
}

/// Samples of `streams` streams at some times, read in turn.
struct traffic {
    traffic(int inputs, int streams)
        : samples(noise(inputs, index_t{streams} * times)), count{streams} {}
    matrix_view<const float> next() {
        at = at + 1 == times ? 0 : at + 1;
        return {samples.data() + index_t{at} * count * samples.rows(), samples.rows(), count};
    }
    static constexpr int times = 4;
    matrix<float> samples;
    int count;
    int at = 0;
};

void report(benchmark::State& state, int streams, const fleet_detector& detector) {
    state.SetItemsProcessed(state.iterations() * streams);
    state.counters["bytes_per_stream"] = static_cast<double>(detector.stream_size());
}

void push_all(benchmark::State& state) {
    const int inputs = static_cast<int>(state.range(0));
    const int streams = static_cast<int>(state.range(2));
    const auto& detector = trained(inputs, static_cast<int>(state.range(1)));
    std::vector<fleet_detector::stream_type> fleet(static_cast<std::size_t>(streams),
                                                   detector.make_stream());
    std::vector<verdict> verdicts(fleet.size());
    auto workspace = detector.make_fleet_workspace();
    traffic samples(inputs, streams);
    for (auto _ : state) {
        detector.push_all(fleet, samples.next(), verdicts, workspace);
        benchmark::DoNotOptimize(verdicts.data());
    }
    report(state, streams, detector);
}

void push_each(benchmark::State& state) {
    const int inputs = static_cast<int>(state.range(0));
    const int streams = static_cast<int>(state.range(2));
    const auto& detector = trained(inputs, static_cast<int>(state.range(1)));
    std::vector<fleet_detector::stream_type> fleet(static_cast<std::size_t>(streams),
                                                   detector.make_stream());
    traffic samples(inputs, streams);
    for (auto _ : state) {
        const auto now = samples.next();
        for (int k = 0; k < streams; ++k) {
            benchmark::DoNotOptimize(detector.push(fleet[static_cast<std::size_t>(k)], now.col(k)));
        }
    }
    report(state, streams, detector);
}

void detector_each(benchmark::State& state) {
    const int inputs = static_cast<int>(state.range(0));
    const int streams = static_cast<int>(state.range(2));
    const auto& detector = trained(inputs, static_cast<int>(state.range(1)));
    std::vector<fleet_detector> detectors(static_cast<std::size_t>(streams), detector);
    std::vector<fleet_detector::stream_type> fleet(static_cast<std::size_t>(streams),
                                                   detector.make_stream());
    traffic samples(inputs, streams);
    for (auto _ : state) {
        const auto now = samples.next();
        for (std::size_t k = 0; k < fleet.size(); ++k) {
            benchmark::DoNotOptimize(detectors[k].push(fleet[k], now.col(static_cast<index_t>(k))));
        }
    }
    report(state, streams, detector);
}

#if TOCSIN_BENCH_RTNEURAL
template <int Inputs, int Hidden>
void rtneural_layers(benchmark::State& state) {
    using layer = RTNeural::LSTMLayerT<float, Inputs, Hidden>;
    const auto streams = static_cast<std::size_t>(state.range(0));
    std::vector<std::unique_ptr<layer>> layers;
    random_generator random{1};
    const auto weights = [&](int rows, int cols) {
        std::vector<std::vector<float>> values(static_cast<std::size_t>(rows));
        for (auto& row : values) {
            for (int c = 0; c < cols; ++c) {
                row.push_back(static_cast<float>(random.uniform(-0.1, 0.1)));
            }
        }
        return values;
    };
    const auto input = weights(Inputs, 4 * Hidden);
    const auto recurrent = weights(Hidden, 4 * Hidden);
    for (std::size_t k = 0; k < streams; ++k) {
        layers.push_back(std::make_unique<layer>());
        layers.back()->setWVals(input);
        layers.back()->setUVals(recurrent);
        layers.back()->setBVals(std::vector<float>(4 * Hidden));
        layers.back()->reset();
    }
    traffic samples(Inputs, static_cast<int>(streams));
    for (auto _ : state) {
        const auto now = samples.next();
        for (std::size_t k = 0; k < streams; ++k) {
            const Eigen::Matrix<float, Inputs, 1> sample = now.col(static_cast<index_t>(k));
            layers[k]->forward(sample);
            benchmark::DoNotOptimize(layers[k]->outs.data());
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(streams));
}
#endif

constexpr std::array<std::pair<int, int>, 6> shapes = {
    {{1, 8}, {1, 16}, {1, 32}, {8, 32}, {8, 64}, {38, 128}}};

/// A copy of the weights for each of ten thousand streams would fill the memory.
void register_all() {
    for (const auto& [inputs, hidden] : shapes) {
        const std::string size =
            "/in:" + std::to_string(inputs) + "/hidden:" + std::to_string(hidden) + "/streams:";
        for (const int streams : {1, 8, 64, 1000, 10000}) {
            const std::string name = size + std::to_string(streams);
            const std::vector<std::int64_t> arguments = {inputs, hidden, streams};
            benchmark::RegisterBenchmark(("fleet/push_all" + name).c_str(), push_all)
                ->Args(arguments);
            benchmark::RegisterBenchmark(("fleet/push_each" + name).c_str(), push_each)
                ->Args(arguments);
            if (streams <= 64) {
                benchmark::RegisterBenchmark(("fleet/detector_each" + name).c_str(), detector_each)
                    ->Args(arguments);
            }
        }
    }
#if TOCSIN_BENCH_RTNEURAL
    for (const int streams : {1, 8, 64, 1000}) {
        const auto add = [&]<int Inputs, int Hidden>() {
            const std::string name = "fleet/rtneural_layer/in:" + std::to_string(Inputs) +
                                     "/hidden:" + std::to_string(Hidden) +
                                     "/streams:" + std::to_string(streams);
            benchmark::RegisterBenchmark(name.c_str(), rtneural_layers<Inputs, Hidden>)
                ->Arg(streams);
        };
        add.operator()<1, 8>();
        add.operator()<1, 16>();
        add.operator()<1, 32>();
        add.operator()<8, 32>();
        add.operator()<8, 64>();
        add.operator()<38, 128>();
    }
#endif
}

} // namespace

int main(int count, char** arguments) {
    register_all();
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
