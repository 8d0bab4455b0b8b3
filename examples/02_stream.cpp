// A stream, sample by sample: what push() can say, NaN and faults included.
//     02_stream [detector file]
// Without a file it trains a small detector and, where files can be read, saves and loads it.
#include "tocsin/io.hpp"
#include "tocsin/tocsin.hpp"

#include "support/recording.hpp"
#include "support/require.hpp"
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace tocsin;
using watchdog = detector<encoder_decoder<float>>; // threshold: a quantile of normal scores

static constexpr int sensors = 3;
static constexpr int length = 20;

static watchdog train(const sinusoid_generator<float>& generator, random_generator& random) {
    const auto normal = support::record(generator, 0, random);
    const auto all = make_windows(normal.values, length).value();
    const auto parts = split_chronologically(all, {0.6, 0.2, 0.2}).value();
    watchdog watch{{lstm_stack<float>{{sensors, 24}}, lstm_stack<float>{{sensors, 24}},
                    dense_head<float>{{24, sensors}}},
                   {.window = length},
                   {},
                   quantile_threshold{1, 1.2}}; // a fifth above the largest normal score
    const trainer<> how{.epochs = 25, .optimiser = {.learning_rate = 5e-3}};
    support::require(watch.train(parts[0], parts[1], how));
    support::require(watch.fit_errors(parts[1]));
    support::require(watch.tune(parts[2]));
    return watch;
}

static result<watchdog> load_or_train([[maybe_unused]] const char* path,
                                      const sinusoid_generator<float>& generator,
                                      random_generator& random) {
#if __has_include(<nlohmann/json.hpp>)
    if (path != nullptr) {
        return load_detector<watchdog>(path);
    }
    path = "stream.safetensors";
    support::require(save_detector(train(generator, random), path));
    return load_detector<watchdog>(path);
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
    auto watch = load_or_train(argc > 1 ? argv[1] : nullptr, generator, random);
    support::require(watch.error());
    if (watch->features() != sensors) {
        std::fprintf(stderr, "the detector is for %d sensors, not 3\n", watch->features());
        return EXIT_FAILURE;
    }
    auto live = support::record(generator, 1, random); // a frozen sensor from sample 150 on
    live.values(1, 60) = std::numeric_limits<float>::quiet_NaN();
    auto before = verdict_kind::not_ready;
    for (index_t t = 0; t < 230; ++t) {
        const verdict said = watch->push({live.values.col(t).data(), sensors});
        if (said.kind != before) { // tell changes only
            std::printf("sample %3td: %-14s", t, to_string(said.kind));
            for (const double share : said.shares) { // empty where there is no score
                std::printf("  %3.0f %%", 100 * share);
            }
            std::printf(said.shares.empty() ? "\n" : " of score %.1f\n", said.score);
        }
        before = said.kind;
        if (said.kind == verdict_kind::invalid_sample) {
            watch->restart_stream(); // or the window would join what does not belong together
        }
    }
}
