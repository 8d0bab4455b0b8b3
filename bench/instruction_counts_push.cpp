// The cost of a sample of a stream; see instruction_counts.cpp.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/forecaster.hpp"

#include "instruction_counts.hpp"
#include <cstdio>
#include <span>

namespace tocsin_bench {
namespace {

/// 100 samples of a stream through a whole detector: scaler, forecaster, statistic, threshold.
void push(int features, int hidden) {
    detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>> monitor{
        forecaster<float>::with_layers(features, features, {hidden}), {.warm_up = 10}};
    const auto values = random_values(index_t{features} * 100, 1);
    const auto windows = make_windows<float>({values.data(), features, 100}, 25, 25).value();
    for (const status& done : {monitor.train(windows, {}, trainer<>{.epochs = 1}),
                               monitor.fit_errors(windows), monitor.tune(windows)}) {
        if (!done.ok()) {
            std::puts(done.message());
            return; // then its count is missing, which the comparison reports
        }
    }
    auto stream = monitor.make_stream();
    count(name_of("push", features, hidden), [&] {
        for (index_t t = 0; t < 100; ++t) {
            monitor.push(stream, std::span<const float>(values).subspan(
                                     static_cast<std::size_t>(t * features),
                                     static_cast<std::size_t>(features)));
        }
    });
}

} // namespace

void count_pushes() {
    push(1, 16);
    push(8, 64);
}

} // namespace tocsin_bench
