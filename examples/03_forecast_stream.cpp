// A forecaster on a stream: constant time per sample, gaps, clock times, and learning that stops
// during an alarm. The first sensor follows a command that the network reads but does not forecast.
//     03_forecast_stream [folder for the picture]
#include "tocsin/tocsin.hpp"

#include "support/plots.hpp"
#include "support/require.hpp"
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

using namespace tocsin;
using network = forecaster<float>;

static constexpr int targets = 2;
static constexpr int features = 3; // and one command

// A motor's speed follows its command; its temperature follows the speed, slowly.
static matrix<float> record(index_t count, random_generator& random) {
    matrix<float> values(features, count);
    double command = 0;
    double speed = 0;
    double temperature = 0;
    for (index_t t = 0; t < count; ++t) {
        speed += 0.3 * (command - speed); // the command of the previous sample
        temperature += 0.05 * (speed - temperature);
        if (random.below(25) == 0) {
            command = static_cast<double>(random.below(4));
        }
        values.col(t) << static_cast<float>(speed + 0.03 * random.normal()),
            static_cast<float>(temperature + 0.03 * random.normal()), static_cast<float>(command);
    }
    return values;
}

int main(int argc, char** argv) {
    random_generator random{5};
    const auto training = record(6000, random);
    const auto normal = record(3000, random);

    // One step ahead. Recordings of 500 samples are read 25 at a time, the state is kept.
    detector<network, standard_scaler<float>, diagonal_gaussian<>> monitor{
        network::with_layers(features, targets, {24}),
        {.longest_gap = 5, .longest_pause = 60},
        {},
        quantile_threshold{1, 1.5}}; // half above the largest normal score
    const trainer<> trainer{
        .epochs = 30, .batch_size = 12, .truncation = 25, .optimiser = {.learning_rate = 1e-2}};
    support::require(monitor.train(make_windows(training, 500, 500).value(),
                                   make_windows(normal, 1000, 1000).value(), trainer));
    support::require(monitor.fit_errors(make_windows(normal, 1000, 1000).value()));
    support::require(monitor.tune(make_windows(normal, 1000, 1000).value()));

    auto live = record(400, random);
    live.row(0).segment(150, 60).array() *= 0.8F; // the motor slips
    live.col(300).setConstant(std::numeric_limits<float>::quiet_NaN());
    support::stream_record record_of_live{.samples = live, .window = 1};
    auto stream = monitor.make_stream();
    // Errors of 2000 samples ago have half the weight.
    support::require(monitor.enable_learning(stream, {.half_life = 2000}));
    double clock = 0;
    auto before = verdict_kind::not_ready;
    for (index_t t = 0; t < live.cols(); ++t) {
        clock += t == 350 ? 3600 : 1; // the gateway was off for an hour
        const auto verdict = monitor.push(stream, live.col(t), clock);
        monitor.learn(stream);        // leaves out anomalies by itself
        if (verdict.kind != before) { // print changes only
            std::printf("sample %3td: %-14s", t, to_string(verdict.kind));
            if (verdict.scored()) {
                std::printf(" score %.1f, threshold %.1f\n", verdict.score, verdict.threshold);
            } else {
                std::printf(" %s\n", to_string(verdict.reason));
            }
        }
        before = verdict.kind;
        record_of_live.add(verdict, t >= 150 && t < 210);
    }
    const auto next = monitor.forecast(stream);
    std::printf("next: speed %.2f, temperature %.2f\n", next(0, 0), next(1, 0));

    const auto folder = support::plot_folder::create(argc > 1 ? argv[1] : "tocsin_forecasts");
    support::require(folder.error());
    support::require(support::plot_detection(*folder, record_of_live));
    folder->report();
}
