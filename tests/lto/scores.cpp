// A detector in a translation unit of its own: see main.cpp.
#include "scores.hpp"

#include "tocsin/tocsin.hpp"

#include <bit>
#include <cmath>

std::uint64_t hash_of_scores() {
    tocsin::random_generator random{4};
    tocsin::matrix<float> values(2, 1200);
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        const auto time = static_cast<float>(t);
        values(0, t) = std::sin(0.2F * time) + 0.1F * static_cast<float>(random.normal());
        values(1, t) = std::cos(0.1F * time) + 0.1F * static_cast<float>(random.normal());
    }
    const auto windows = tocsin::make_windows(values.leftCols(800), 20, 5).value();
    tocsin::detector<tocsin::encoder_decoder<float>> detector(
        tocsin::encoder_decoder<float>::with_layers(2, {9}),
        {.window = 20, .scored = tocsin::scored_steps::newest});
    const tocsin::trainer<> how{.epochs = 3, .batch_size = 16};
    if (!detector.train(windows, {}, how).ok() || !detector.fit_errors(windows).ok() ||
        !detector.tune(windows).ok()) {
        return 0;
    }
    std::uint64_t hash = detector.identity();
    auto stream = detector.make_stream();
    if (!detector.enable_learning(stream, {.half_life = 100}).ok()) {
        return 0;
    }
    for (tocsin::index_t t = 800; t < values.cols(); ++t) {
        const auto said = detector.push(stream, values.col(t));
        detector.learn(stream);
        hash = (hash ^ std::bit_cast<std::uint64_t>(said.score)) * 0x100000001B3U;
    }
    return hash;
}
