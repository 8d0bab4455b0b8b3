// A user's translation unit with one detector, to time its compilation: training, tuning, a stream.
#include "tocsin/tocsin.hpp"

#include <cstdio>

using namespace tocsin;

int main() {
    constexpr int sensors = 3;
    constexpr int window = 20;
    random_generator random{7};
    matrix<float> values(sensors, 2000);
    for (float& value : values.reshaped()) {
        value = static_cast<float>(random.normal());
    }

    detector<encoder_decoder<float>> monitor{{lstm_stack<float>{{sensors, 32}},
                                              lstm_stack<float>{{sensors, 32}},
                                              dense_head<float>{{32, sensors}}},
                                             {.window = window}};
    const auto all = make_windows(values, window).value();
    const auto parts = split_chronologically(all, {0.7, 0.3}).value();
    for (const status& outcome : {monitor.train(parts[0], parts[1], trainer<>{.epochs = 2}),
                                  monitor.fit_errors(parts[1]), monitor.tune(parts[1])}) {
        if (!outcome.ok()) {
            std::fprintf(stderr, "%s\n", outcome.message());
            return 1;
        }
    }
    auto stream = monitor.make_stream();
    for (index_t t = 0; t < values.cols(); ++t) {
        const verdict verdict = monitor.push(stream, values.col(t));
        if (verdict.is_anomaly()) {
            std::printf("%td: %g\n", t, verdict.score);
        }
    }
}
