// A fleet: one detector judges a thousand pumps. One pump has a fault, another loses a sensor; a
// third moves to another process in the middle of its stream.
//     05_fleet
#include "tocsin/io/stream_file.hpp"
#include "tocsin/tocsin.hpp"

#include "support/require.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <span>
#include <vector>

using namespace tocsin;

static constexpr index_t sensors = 3; // pressure, flow, temperature
static constexpr index_t pumps = 1000;
static constexpr const char* sensor_names[sensors] = {"pressure", "flow", "temperature"};

// All pumps follow the same equations, each with its own phase.
static column<float> sample_of(index_t pump, index_t t, random_generator& random) {
    const double load = std::sin(0.2 * static_cast<double>(t) + 0.7 * static_cast<double>(pump));
    column<float> sample(sensors);
    sample << static_cast<float>(4 + load + 0.1 * random.normal()),
        static_cast<float>(20 - 5 * load + 0.5 * random.normal()),
        static_cast<float>(60 + 2 * std::abs(load) + 0.2 * random.normal());
    return sample;
}

int main() {
    random_generator random{1};
    matrix<float> normal(sensors, 8000); // recordings of 20 pumps
    for (index_t t = 0; t < normal.cols(); ++t) {
        normal.col(t) = sample_of(t / 400, t % 400, random);
    }
    detector<forecaster<float>> monitor{forecaster<float>::with_layers(sensors, sensors, {16}),
                                        {.lost_after = 30},
                                        {},
                                        quantile_threshold{1, 2}}; // twice the largest normal score
    const auto all = make_windows(normal, 400, 400).value();
    const auto parts = split_chronologically(all, {0.6, 0.4}).value();
    const trainer<> trainer{
        .epochs = 30, .batch_size = 4, .truncation = 40, .optimiser = {.learning_rate = 1e-2}};
    support::require(monitor.train(parts[0], parts[1], trainer));
    support::require(monitor.fit_errors(parts[1]));
    support::require(monitor.tune(parts[1]));
    std::printf("%td pumps, one detector; a stream has %zu bytes and warms up for %d samples\n",
                pumps, monitor.stream_size(), monitor.warm_up());

    std::vector<decltype(monitor)::stream_type> streams(pumps, monitor.make_stream());
    std::vector<verdict> verdicts(pumps);
    std::vector<int> alarmed(pumps, 0);
    auto workspace = monitor.make_fleet_workspace();
    matrix<float> samples(sensors, pumps);
    std::vector<std::byte> saved; // pump 7 before sample 100,
    std::vector<float> after;     // and its samples from then on
    for (index_t t = 0; t < 200; ++t) {
        for (index_t pump = 0; pump < pumps; ++pump) {
            samples.col(pump) = sample_of(pump, t, random);
        }
        if (t >= 120) {
            samples(1, 314) = 12;                                      // a blocked valve
            samples(2, 628) = std::numeric_limits<float>::quiet_NaN(); // a broken wire
        }
        if (t == 100) {
            saved = save_stream(monitor, streams[7]).value();
        }
        if (t >= 100) {
            after.insert(after.end(), samples.col(7).begin(), samples.col(7).end());
        }
        monitor.push_all(streams, {samples.data(), sensors, pumps}, verdicts, workspace);
        for (std::size_t pump = 0; pump < pumps; ++pump) {
            if (!verdicts[pump].alarm || alarmed[pump]++ != 0) {
                continue; // print only the first alarm of each
            }
            std::printf("sample %td, pump %zu: %s", t, pump, to_string(verdicts[pump].kind));
            std::array<double, sensors> shares{};
            monitor.shares(streams[pump], shares);
            for (int s = 0; s < sensors; ++s) {
                std::printf(", %s %.0f %%%s", sensor_names[s],
                            100 * shares[static_cast<std::size_t>(s)],
                            streams[pump].missing_samples(s) > 0 ? " (missing)" : "");
            }
            std::printf(" of score %.1f\n", verdicts[pump].score);
        }
    }

    // Another process would do this with the same detector and the saved bytes.
    auto stream = load_stream(monitor, saved).value();
    verdict last;
    for (std::size_t k = 0; k < after.size(); k += sensors) {
        last = monitor.push(stream, std::span<const float>(after).subspan(k, sensors));
    }
    std::printf("pump 7 from its %zu bytes: score %.4f after sample %td; it was %.4f\n",
                saved.size(), last.score, static_cast<std::ptrdiff_t>(stream.position() - 1),
                verdicts[7].score);
}
