// A stream, sample by sample: warming up, normal, missing values, anomalies, a lost sensor.
//     02_stream [detector file]
// Without a file it trains a small detector and, if files are supported, saves and loads it.
#include "tocsin/io.hpp"
#include "tocsin/tocsin.hpp"

#include "support/recording.hpp"
#include "support/require.hpp"
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace tocsin;
using monitor_type = detector<encoder_decoder<float>>; // threshold: a quantile of normal scores

static constexpr int sensors = 3;
static constexpr int length = 20;

static monitor_type train(const sinusoid_generator<float>& generator, random_generator& random) {
    const auto normal = support::record(generator, 0, random);
    const auto all = make_windows(normal.values, length).value();
    const auto parts = split_chronologically(all, {0.6, 0.2, 0.2}).value();
    monitor_type monitor{encoder_decoder<float>::with_layers(sensors, {24}),
                         {.window = length},
                         {},
                         quantile_threshold{1, 1.2}}; // a fifth above the largest normal score
    const trainer<> trainer{.epochs = 25, .optimiser = {.learning_rate = 5e-3}};
    support::require(monitor.train(parts[0], parts[1], trainer));
    support::require(monitor.fit_errors(parts[1]));
    support::require(monitor.tune(parts[2]));
    return monitor;
}

static result<monitor_type> load_or_train([[maybe_unused]] const char* path,
                                          const sinusoid_generator<float>& generator,
                                          random_generator& random) {
#if __has_include(<nlohmann/json.hpp>)
    if (path != nullptr) {
        return load_detector<monitor_type>(path);
    }
    path = "stream.safetensors";
    support::require(save_detector(train(generator, random), path));
    return load_detector<monitor_type>(path);
#else
    return train(generator, random);
#endif
}

int main(int argc, char** argv) {
    random_generator random{3};
    const auto generator =
        sinusoid_generator<float>::make(
            {.features = sensors, .length = 2000, .frequency = {0.2, 0.4}, .noise = 0.3}, random)
            .value();
    const auto monitor = load_or_train(argc > 1 ? argv[1] : nullptr, generator, random);
    support::require(monitor.error());
    if (monitor->features() != sensors) {
        std::fprintf(stderr, "the detector is for %d sensors, not 3\n", monitor->features());
        return EXIT_FAILURE;
    }
    auto live = support::record(generator, 1, random); // a frozen sensor from sample 150 on
    const float missing = std::numeric_limits<float>::quiet_NaN();
    live.values.col(60).setConstant(missing);          // no value arrived
    live.values.row(2).segment(230, 70).fill(missing); // a sensor is lost
    auto stream = monitor->make_stream(); // one per machine; the detector serves them all
    verdict before;
    for (index_t t = 0; t < 320; ++t) {
        const auto verdict = monitor->push(stream, live.values.col(t));
        if (verdict.kind != before.kind || (verdict.missing > 0) != (before.missing > 0)) {
            std::printf("sample %3td: %-14s", t, to_string(verdict.kind)); // print changes only
            if (verdict.scored()) {
                std::array<double, sensors> shares{};
                monitor->shares(stream, shares);
                std::printf(" score %5.1f, shares %3.0f %% %3.0f %% %3.0f %%\n", verdict.score,
                            100 * shares[0], 100 * shares[1], 100 * shares[2]);
            } else {
                std::printf(" %s\n", to_string(verdict.reason));
            }
        }
        before = verdict;
    }
}
