// Values that are missing at random change neither the alarms on normal data nor the hits by much.
#include "tocsin/detect/detector.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace {

using tocsin_test::windows_over;
using tocsin_test::with_holes;

constexpr int features = 3;
constexpr int shift_every = 100; // rows
constexpr int shift_rows = 10;

/// Sinusoids whose noise remembers the last value, so that a model has something to forecast.
tocsin::matrix<float> plant(tocsin::index_t rows, std::uint64_t seed, bool shifted = false) {
    tocsin::random_generator random(seed);
    tocsin::matrix<float> values(features, rows);
    const double phase = 6.28 * random.uniform();
    double noise[features] = {};
    for (tocsin::index_t t = 0; t < rows; ++t) {
        for (int f = 0; f < features; ++f) {
            noise[f] = 0.7 * noise[f] + 0.2 * random.normal();
            const double angle = 0.2 * (1 + 0.5 * (f % 2)) * static_cast<double>(t) + phase + f;
            values(f, t) = static_cast<float>(2 * std::sin(angle) + noise[f]);
        }
        const tocsin::index_t period = t / shift_every;
        if (shifted && period > 0 && t % shift_every < shift_rows) {
            values(period % features, t) += 1.2F;
        }
    }
    return values;
}

template <class Model>
constexpr bool is_linear = false;
template <class Scalar>
constexpr bool is_linear<tocsin::linear_forecaster<Scalar>> = true;

struct outcome {
    int false_alarms = 0;
    int hits = 0;
};

/// Learns from data of which a share is missing, and judges data of which another share is.
template <class Detector>
void add_outcome(Detector detector, double learned, double judged, std::uint64_t seed,
                 outcome& sum) {
    const auto seen = [&](tocsin::index_t rows, std::uint64_t kind) {
        return with_holes(plant(rows, 10 * seed + kind), learned, 100 * seed + kind);
    };
    const auto training = seen(1200, 1);
    const auto fitting = seen(2000, 2);
    const auto tuning = seen(2000, 3);
    const int length = Detector::reconstructs ? detector.settings().window : 2000;
    const auto train = [&] {
        const auto windows = windows_over(training, 16, 2);
        if constexpr (is_linear<std::remove_cvref_t<decltype(detector.model())>>) {
            return detector.train(windows, {}, tocsin::least_squares{});
        } else {
            tocsin::trainer<> how = tocsin_test::quick_trainer(7, seed);
            how.optimiser.learning_rate = 0.01;
            return detector.train(windows, {}, how);
        }
    };
    for (const tocsin::status& phase :
         {train(), detector.fit_errors(windows_over(fitting, length, 1)),
          detector.tune(windows_over(tuning, length, 1))}) {
        REQUIRE_MESSAGE(phase.ok(), phase.message());
    }
    for (const bool shifted : {false, true}) {
        const auto values = with_holes(plant(3000, 10 * seed + 4, shifted), judged, 100 * seed + 5);
        auto stream = detector.make_stream();
        for (int t = 0; t < 3000; ++t) {
            const bool anomaly = detector.push(stream, values.col(t)).is_anomaly();
            sum.false_alarms += anomaly && !shifted ? 1 : 0;
            sum.hits += anomaly && shifted && t >= shift_every && t % shift_every < shift_rows;
        }
    }
}

template <class Detector>
outcome outcome_of(const Detector& detector, double learned, double judged) {
    outcome sum;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        add_outcome(detector, learned, judged, seed, sum);
    }
    return sum;
}

void check_close(const outcome& found, const outcome& complete) {
    REQUIRE(complete.false_alarms > 100);
    REQUIRE(complete.hits > 100);
    const auto check = [](int with, int without) {
        INFO(with << " of " << without);
        CHECK(2 * with <= 3 * without);
        CHECK(3 * with >= 2 * without);
    };
    check(found.false_alarms, complete.false_alarms);
    check(found.hits, complete.hits);
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("missing cells: alarms and hits of a model of windows stay within a factor 1.5") {
        const tocsin::detector<tocsin::encoder_decoder<float>> detector(
            tocsin_test::small_lstm<float>(features, 12),
            {.window = 16, .scored = tocsin::scored_steps::newest}, {},
            tocsin::quantile_threshold{0.98, 1});
        const outcome complete = outcome_of(detector, 0, 0);
        for (const double share : {0.01, 0.2}) {
            INFO(share);
            check_close(outcome_of(detector, 0, share), complete); // found in later data
            check_close(outcome_of(detector, share, share), complete);
        }
    }

    TEST_CASE("missing cells: so do those of a forecaster that has seen as many") {
        const tocsin::detector<tocsin::forecaster<float>> detector(
            tocsin::forecaster<float>::with_layers(features, features, {12}, 1), {}, {},
            tocsin::quantile_threshold{0.98, 1});
        const outcome complete = outcome_of(detector, 0, 0);
        for (const double share : {0.01, 0.2}) {
            INFO(share);
            check_close(outcome_of(detector, share, share), complete);
        }
    }

    TEST_CASE("missing cells: so do those of a linear forecaster, whatever it has learned from") {
        const tocsin::detector<tocsin::linear_forecaster<float>> detector(
            tocsin::linear_forecaster<float>{features, features, 8}, {}, {},
            tocsin::quantile_threshold{0.98, 1});
        const outcome complete = outcome_of(detector, 0, 0);
        for (const double share : {0.01, 0.2}) {
            INFO(share);
            check_close(outcome_of(detector, 0, share), complete);
            check_close(outcome_of(detector, share, share), complete);
        }
    }
}
