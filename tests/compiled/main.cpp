// Built twice, header-only and with tocsin::compiled: CTest compares what both print.
#include "tocsin/tocsin.hpp"

#include <bit>
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>

using namespace tocsin;

namespace {

/// A hash of everything that a detector learns from two noisy waves, and of its verdicts on a stream
/// on which it continues to learn; 0 where a phase fails.
template <class Model>
std::uint64_t hash_of(detector<Model> monitor, int window) {
    random_generator random{4};
    matrix<float> values(2, 900);
    for (index_t t = 0; t < values.cols(); ++t) {
        const auto time = static_cast<float>(t);
        values(0, t) = std::sin(0.2F * time) + 0.1F * static_cast<float>(random.normal());
        values(1, t) = std::cos(0.1F * time) + 0.1F * static_cast<float>(random.normal());
    }
    const auto all = make_windows(values.leftCols(600), window, window / 4).value();
    const auto parts = split_chronologically(all, {0.7, 0.3}).value();
    int epochs = 0;
    const auto count = [&](const epoch_event<float>&) { ++epochs; };
    if (!monitor.train(parts[0], parts[1], trainer<>{.epochs = 3, .batch_size = 16}, count).ok() ||
        epochs != 3 || !monitor.fit_errors(parts[1]).ok() || !monitor.tune(parts[1]).ok()) {
        return 0;
    }
    auto stream = monitor.make_stream();
    if (!monitor.enable_learning(stream, {.half_life = 100}).ok()) {
        return 0;
    }
    std::uint64_t hash = monitor.identity();
    for (index_t t = 600; t < values.cols(); ++t) {
        const verdict said = monitor.push(stream, values.col(t));
        monitor.learn(stream);
        hash = (hash ^ std::bit_cast<std::uint64_t>(said.score)) * 0x100000001B3U;
    }
    return hash;
}

} // namespace

int main() {
    const std::uint64_t windows =
        hash_of(detector<encoder_decoder<float>>(encoder_decoder<float>::with_layers(2, {9}),
                                                 {.window = 20, .scored = scored_steps::newest}),
                20);
    const std::uint64_t forecasts =
        hash_of(detector<forecaster<float>>(forecaster<float>::with_layers(2, 2, {35})), 40);
    std::printf("%016" PRIx64 " %016" PRIx64 "\n", windows, forecasts);
    return windows == 0 || forecasts == 0 ? 1 : 0;
}
