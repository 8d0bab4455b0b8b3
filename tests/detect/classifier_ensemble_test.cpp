#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "labelled_recording.hpp"
#include "support/allocation_counter.hpp"
#include "support/rated_forecaster.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

// A classifier, which knows the faults that were labelled, beside a forecaster, which knows what is
// normal.

using namespace tocsin;

namespace {

using tocsin_test::rated_forecaster;
using tocsin_test::recording;
using tocsin_test::says;
using tocsin_test::small_network;

using plain = classifier_detector<decltype(small_network())>;
using pair = ensemble<plain, rated_forecaster>;

plain trained_classifier() {
    const recording training(600, 1);
    const recording validation(300, 2);
    classifier_trainer<> trainer{.epochs = 5};
    trainer.optimiser.learning_rate = 0.01;
    plain detector(small_network(), {.window = 10, .stride = 2});
    const status done = detector.train(training.view(), training.labels, validation.view(),
                                       validation.labels, trainer);
    REQUIRE_MESSAGE(done.ok(), done.message());
    REQUIRE(detector.tune(validation.view(), validation.labels, f_beta_threshold(1)).ok());
    return detector;
}
plain fitted_classifier() {
    plain detector = trained_classifier();
    const recording held_out(2000, 3);
    const status done = detector.fit_false_alarms(held_out.view(), held_out.labels);
    REQUIRE_MESSAGE(done.ok(), done.message());
    return detector;
}
/// Noise as in a recording, without events.
matrix<float> quiet(int rows, std::uint64_t seed) {
    random_generator random(seed);
    matrix<float> values(3, rows);
    for (index_t t = 0; t < rows; ++t) {
        for (int k = 0; k < 3; ++k) {
            values(k, t) = static_cast<float>(10 * k + random.normal());
        }
    }
    return values;
}
rated_forecaster fitted_forecaster() {
    rated_forecaster detector(forecaster<float>::with_layers(3, 3, {4}, 1), {.warm_up = 10}, {},
                              alarm_rate({.alarms = 10}));
    const matrix<float> values = quiet(600, 5);
    const matrix<float> other = quiet(1000, 6);
    const auto normal = tocsin_test::windows_over(other, 500, 500);
    for (const status& outcome : {detector.train(tocsin_test::windows_over(values, 30, 10), {},
                                                 tocsin_test::quick_trainer(2)),
                                  detector.fit_errors(normal), detector.tune(normal)}) {
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
    return detector;
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("classifier: expected false alarms are those of held-out normal windows") {
        plain detector = trained_classifier();
        const recording held_out(2000, 3);
        const recording few(25, 3);
        const double threshold = detector.threshold();
        auto stream = detector.make_stream();
        for (index_t t = 0; t < 10; ++t) {
            CHECK(std::isnan(detector.push(stream, few.sample(t)).expected_false_alarms));
        }
        CHECK(!detector.knows_false_alarms());
        CHECK(says(detector.fit_false_alarms(few.view(), few.labels), "16 normal scores"));
        CHECK(says(detector.fit_false_alarms(few.view(), {}), "0 labels for 25 samples"));
        const std::uint64_t before = detector.identity();
        REQUIRE(detector.fit_false_alarms(held_out.view(), held_out.labels).ok());
        CHECK(detector.knows_false_alarms());
        CHECK(detector.threshold() == threshold);
        CHECK(detector.identity() != before);
        // The stream still belongs to it: what it remembers does not depend on this.
        const recording fresh(5000, 4);
        stream = detector.make_stream();
        int normal = 0;
        int tenth = 0;
        int events = 0;
        int found = 0;
        double last_score = -1;
        double last_expected = 0;
        for (index_t t = 0; t < 5000; ++t) {
            const verdict said = detector.push(stream, fresh.sample(t));
            CHECK(said.scored() == !std::isnan(said.expected_false_alarms));
            if (!said.scored()) {
                continue;
            }
            if (last_score >= 0) { // the higher the score, the fewer
                CHECK((said.score >= last_score) <= (said.expected_false_alarms <= last_expected));
            }
            last_score = said.score;
            last_expected = said.expected_false_alarms;
            const double p = detector.false_alarms().p_value(detail::log_odds_of(said.score));
            if (t % 50 >= 9 && t % 50 < 40) {
                ++normal;
                tenth += p < 0.1 ? 1 : 0;
            } else if (t % 50 >= 45) {
                ++events;
                found += said.expected_false_alarms < 10 ? 1 : 0;
            }
        }
        CHECK(tenth > 0.05 * normal);
        CHECK(tenth < 0.15 * normal);
        CHECK(found > 0.9 * events);
        // The last verdict of a stream that was saved says the same.
        const auto loaded = load_stream(detector, save_stream(detector, stream).value());
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        CHECK(stream.last().scored());
        CHECK(loaded->last().expected_false_alarms == stream.last().expected_false_alarms);
        // Other weights have other probabilities.
        plain other = detector;
        REQUIRE(other.set_weights(detector.parameters(), detector.data_scaler()).ok());
        CHECK(!other.knows_false_alarms());
        classifier_trainer<> trainer{.epochs = 1};
        auto labels = few.labels;
        labels[labels.size() / 2] = 1; // both kinds are needed
        REQUIRE(detector.train(few.view(), labels, few.view(), labels, trainer).ok());
        CHECK(!detector.knows_false_alarms());
    }

    TEST_CASE("log_odds_of: finite for every probability, and rising") {
        CHECK(detail::log_odds_of(0.5) == 0);
        CHECK(detail::log_odds_of(0.75) == doctest::Approx(std::log(3.0)));
        double last = -1e9;
        for (const double p : {0.0, 1e-300, 1e-20, 0.1, 0.9, 1 - 1e-15, 1.0}) {
            const double odds = detail::log_odds_of(p);
            CHECK(std::isfinite(odds));
            CHECK(odds > last);
            last = odds;
        }
    }

    TEST_CASE("ensemble: a classifier and a forecaster add up their signs") {
        const pair waiting({}, trained_classifier(), fitted_forecaster());
        CHECK(says(waiting.check(), "member 0 expects no false alarms yet"));

        const pair both({.combine = combination::mean_log, .promised = 10}, fitted_classifier(),
                        fitted_forecaster());
        REQUIRE_MESSAGE(both.check().ok(), both.check().message());
        const recording fresh(1000, 9);
        auto stream = both.make_stream();
        auto classified = both.member<0>().make_stream();
        auto forecast = both.member<1>().make_stream();
        int events = 0;
        int found = 0;
        int false_alarms = 0;
        for (index_t t = 0; t < 1000; ++t) {
            ensemble_verdict said;
            CHECK(tocsin_test::allocations_during(
                      [&] { said = both.push(stream, fresh.sample(t)); }) == 0);
            const std::array<double, 2> expected = {
                both.member<0>().push(classified, fresh.sample(t)).expected_false_alarms,
                both.member<1>().push(forecast, fresh.sample(t)).expected_false_alarms};
            const double combined = combined_false_alarms(expected, combination::mean_log);
            CHECK((said.combined.expected_false_alarms == combined ||
                   (std::isnan(combined) && said.member == -1)));
            if (t % 50 >= 42) {
                ++events;
                found += said.is_anomaly() ? 1 : 0;
            } else if (t % 50 >= 9 && t % 50 < 40) {
                false_alarms += said.is_anomaly() ? 1 : 0;
            }
        }
        CHECK(found > 0.9 * events);
        CHECK(false_alarms < 10);

        const tocsin_test::temporary_directory folder;
        REQUIRE(save_detector(both, folder / "both").ok());
        const auto twin = load_detector<pair>(folder / "both");
        REQUIRE_MESSAGE(twin.ok(), twin.error().message());
        CHECK(twin->identity() == both.identity());
        auto moved = load_stream(*twin, save_stream(both, stream).value());
        REQUIRE_MESSAGE(moved.ok(), moved.error().message());
        for (index_t t = 0; t < 100; ++t) {
            const auto expected = both.push(stream, fresh.sample(t));
            const auto said = twin->push(*moved, fresh.sample(t));
            CHECK(said.combined.expected_false_alarms == expected.combined.expected_false_alarms);
            CHECK(said.member == expected.member);
        }
        CHECK(says(save_detector(waiting, folder / "waiting"), "expects no false alarms yet"));
    }
}
