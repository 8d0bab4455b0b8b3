#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/warm_up.hpp"
#include "tocsin/series/generator.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cmath>
#include <vector>

using tocsin::index_t;
using tocsin::verdict_kind;
using tocsin::detail::cold_start_scores;
using tocsin::detail::longest_warm_up;

namespace {

using forecasting = tocsin::detector<tocsin::forecaster<float>>;

/// Three sinusoids, as a machine that runs for weeks.
struct long_recording {
    long_recording() {
        tocsin::random_generator random(1);
        const auto generator =
            tocsin::sinusoid_generator<float>::make(
                {.features = 3, .length = 6300, .frequency = {0.1, 0.4}, .noise = 0.1}, random)
                .value();
        training = generator.normal(1, random).value().values;
        live = generator.normal(1, random).value().values;
    }
    tocsin::matrix<float> training;
    tocsin::matrix<float> live;
};

forecasting learned(const long_recording& recording, double quantile,
                    const tocsin::detector_settings& settings = {}) {
    forecasting detector(tocsin::forecaster<float>::with_layers(3, 3, {32}), settings, {},
                         tocsin::quantile_threshold(quantile));
    auto how = tocsin_test::quick_trainer(12);
    how.optimiser.learning_rate = 5e-3;
    how.truncation = 50;
    tocsin_test::run_all_phases(detector, tocsin_test::windows_over(recording.training, 300, 150),
                                how);
    return detector;
}

/// Share of anomalies among the first scored samples after 30 starts, and among the later ones.
struct alarm_shares {
    double first = 0;
    double later = 0;
};
alarm_shares alarms_after_starts(const forecasting& detector, const tocsin::matrix<float>& live) {
    constexpr int starts = 30;
    constexpr int early = 40;
    auto stream = detector.make_stream();
    alarm_shares shares;
    int first = 0;
    int later = 0;
    for (int start = 0; start < starts; ++start) {
        stream.restart();
        for (int t = 0; t < 200; ++t) {
            const auto outcome = detector.push(stream, live.col(200 * start + t));
            CHECK((outcome.kind == verdict_kind::warming_up) == (t < detector.warm_up()));
            if (!outcome.scored()) {
                continue;
            }
            const bool is_early = t < detector.warm_up() + early;
            (is_early ? first : later) += 1;
            (is_early ? shares.first : shares.later) += outcome.is_anomaly() ? 1 : 0;
        }
    }
    shares.first /= first;
    shares.later /= later;
    return shares;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("warm-up: by default few alarms follow a start") {
        const long_recording recording;
        for (const double quantile : {1.0, 0.99}) {
            const auto detector = learned(recording, quantile);
            const auto shares = alarms_after_starts(detector, recording.live);
            MESSAGE("quantile ", quantile, ": warm-up ", detector.warm_up(), ", alarms ",
                    shares.first, " at first, ", shares.later, " later");
            CHECK(detector.warm_up() >= 1);
            CHECK(detector.warm_up() <= 150);
            CHECK(shares.first <= 0.05);
            CHECK(shares.later <= 0.05);
        }
        // Without one there are many: the measurement matters.
        const auto eager = learned(recording, 0.99, {.warm_up = 0});
        CHECK(eager.warm_up() == 1); // there is nothing to compare the first sample with
        auto stream = eager.make_stream();
        int alarms = 0;
        for (int start = 0; start < 30; ++start) {
            stream.restart();
            eager.push(stream, recording.live.col(200 * start));
            for (int t = 1; t <= 3; ++t) {
                const auto outcome = eager.push(stream, recording.live.col(200 * start + t));
                alarms += outcome.is_anomaly() ? 1 : 0;
            }
        }
        CHECK(alarms > 20);
    }

    TEST_CASE("warm-up: a gap and a reset clock warm up as a start does") {
        const long_recording recording;
        const auto detector = learned(recording, 0.99);
        const int warm_up = detector.warm_up();
        auto stream = detector.make_stream();
        const auto count_warming = [&](index_t first, double time) {
            int warming = 0;
            for (index_t t = first; t < first + 200; ++t) {
                const auto outcome =
                    detector.push(stream, recording.live.col(t), time + static_cast<double>(t));
                warming += outcome.kind == verdict_kind::warming_up ? 1 : 0;
            }
            return warming;
        };
        CHECK(count_warming(0, 0) == warm_up);
        CHECK(count_warming(200, 0) == 0);
        CHECK(count_warming(400, 5000) == warm_up);  // a pause
        CHECK(count_warming(600, -5000) == warm_up); // a clock set back
        for (int k = 0; k < 30; ++k) {
            detector.push(stream, {NAN, NAN, NAN});
        }
        CHECK(count_warming(800, -5000) == warm_up); // a gap, and a pause
    }

    TEST_CASE("warm-up: at most half a window, at least what the model needs") {
        CHECK(longest_warm_up(300, 1) == 150);
        CHECK(longest_warm_up(10000, 1) == 256);
        CHECK(longest_warm_up(10, 8) == 8);
        CHECK(longest_warm_up(6, 8) == 5);
        CHECK(longest_warm_up(1, 1) == 0);
    }

    TEST_CASE("warm-up: ends where the share of large errors is normal") {
        const auto settled = [](int cold, double share) {
            cold_start_scores scores(40);
            tocsin::random_generator random(2);
            for (int start = 0; start < 100; ++start) {
                for (int age = 0; age < 40; ++age) {
                    scores.add(age, random.uniform() < (age < cold ? share : 0.05));
                }
            }
            return scores.settled(0.05);
        };
        CHECK(settled(0, 1) == 0);
        CHECK(settled(1, 1) == 1);
        for (const int cold : {4, 7, 20}) {
            CHECK(settled(cold, 0.9) == cold);
            CHECK(settled(cold, 0.3) >= cold - 3);
            CHECK(settled(cold, 0.3) <= cold + 1);
        }
        CHECK(cold_start_scores(8).settled(0.05) == 0); // nothing known
    }

    TEST_CASE("warm-up: windows that are short or few still give one") {
        const auto values = tocsin_test::slow_waves(120);
        for (const int length : {4, 8, 20, 60}) {
            CAPTURE(length);
            forecasting detector(tocsin_test::small_forecaster(2));
            REQUIRE(detector
                        .train(tocsin_test::windows_over(values, 20, 10), {},
                               tocsin_test::quick_trainer(2))
                        .ok());
            const auto outcome =
                detector.fit_errors(tocsin_test::windows_over(values, length, length));
            REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            CHECK(detector.warm_up() >= 2);
            CHECK(detector.warm_up() <= std::max(length / 2, 2));
            auto stream = detector.make_stream();
            const auto outcomes = tocsin_test::push_each(detector, stream, values);
            CHECK(outcomes.back().scored());
        }
    }
}
