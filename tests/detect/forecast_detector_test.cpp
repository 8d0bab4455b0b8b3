#include "tocsin/detect/forecast_detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::forecast_stream_settings;
using tocsin::index_t;
using tocsin::verdict_kind;

using model = tocsin::forecaster<float>;
using watchdog = tocsin::forecast_detector<model>;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// Two sines, and a third feature that is read only.
tocsin::matrix<float> waves(index_t count, std::uint64_t seed = 1) {
    tocsin::random_generator random(seed);
    tocsin::matrix<float> values(3, count);
    for (index_t t = 0; t < count; ++t) {
        const double time = static_cast<double>(t);
        values(0, t) = static_cast<float>(5 * std::sin(0.2 * time) + 0.05 * random.normal());
        values(1, t) = static_cast<float>(std::cos(0.1 * time) + 0.01 * random.normal());
        values(2, t) = static_cast<float>(std::sin(0.1 * time));
    }
    return values;
}

model small_model(int look_ahead = 2) {
    return model::with_layers(3, 2, {8}, look_ahead);
}

/// A detector that went through all phases.
watchdog fitted(const forecast_stream_settings& settings = {}, int look_ahead = 2) {
    watchdog watch(small_model(look_ahead), settings);
    const auto values = waves(600);
    const auto training = tocsin::make_windows(values, 30, 10);
    tocsin::trainer<> how;
    how.epochs = 25;
    how.optimiser.learning_rate = 0.02;
    REQUIRE(training);
    REQUIRE(watch.train(*training, {}, how).ok());
    const auto other = waves(600, 2);
    const auto normal = tocsin::make_windows(other, 300, 300);
    REQUIRE(watch.fit_errors(*normal).ok());
    REQUIRE(watch.tune(*normal).ok());
    return watch;
}

std::span<const float> sample(const tocsin::matrix<float>& values, index_t t) {
    return {values.col(t).data(), static_cast<std::size_t>(values.rows())};
}

std::string message(const tocsin::status& outcome) {
    return std::string(outcome.message());
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("forecast_detector: normal samples pass, a frozen sensor raises the alarm") {
        watchdog watch = fitted();
        auto values = waves(400, 3);
        values.row(0).segment(200, 40).setConstant(values(0, 200));
        int false_alarms = 0;
        int hits = 0;
        double first_share = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            const auto outcome = watch.push(sample(values, t));
            CHECK(outcome.threshold == watch.threshold());
            if (t < 2) {
                CHECK(outcome.kind == verdict_kind::warming_up);
                CHECK(outcome.shares.empty());
            } else if (t < 200) {
                false_alarms += outcome.is_anomaly() ? 1 : 0;
            } else if (t < 240 && outcome.is_anomaly()) {
                first_share += hits == 0 ? outcome.shares[0] : 0;
                ++hits;
                CHECK(outcome.shares.size() == 3);
                CHECK(outcome.shares[2] == 0); // not forecast
            }
        }
        CHECK(false_alarms <= 6);
        CHECK(hits >= 10);
        CHECK(first_share > 0.8);
    }

    TEST_CASE("forecast_detector: a threshold on the log density gives the verdicts of one on the "
              "distance") {
        using by_density =
            tocsin::forecast_detector<model, tocsin::standard_scaler<float>, tocsin::mahalanobis<>,
                                      tocsin::manual_threshold>;
        const double tau = -20;
        by_density watch(small_model(), {}, {}, tocsin::manual_threshold(1));
        const auto values = waves(600);
        const auto recordings = tocsin::make_windows(values, 300, 300);
        tocsin::trainer<> how;
        how.epochs = 2;
        REQUIRE(watch.train(*recordings, {}, how).ok());
        REQUIRE(watch.fit_errors(*recordings).ok());
        const tocsin::gaussian_log_density density = watch.statistic().density();
        watch.set_rule(tocsin::manual_threshold(density.squared_distance(tau)));
        CHECK(watch.phase() == tocsin::detector_phase::tuned);
        auto changed = waves(300, 3);
        changed.row(0).segment(200, 50).array() *= 3;
        int anomalies = 0;
        for (index_t t = 0; t < changed.cols(); ++t) {
            const auto outcome = watch.push(sample(changed, t));
            if (outcome.kind == verdict_kind::normal || outcome.is_anomaly()) {
                CHECK(outcome.is_anomaly() == (density.at(outcome.score) < tau));
                anomalies += outcome.is_anomaly() ? 1 : 0;
            }
        }
        CHECK(anomalies > 0);
        CHECK(anomalies < 200);
    }

    TEST_CASE("forecast_detector: a stream gets the scores of a window, bit for bit") {
        watchdog watch = fitted();
        const auto values = waves(120, 4);
        const auto whole = tocsin::make_windows(values, 120);
        std::vector<double> expected;
        REQUIRE(watch.scores(*whole, expected).ok());
        REQUIRE(expected.size() == 120);
        for (const bool again : {false, true}) {
            for (index_t t = 0; t < 120; ++t) {
                const auto outcome = watch.push(sample(values, t));
                const double score = expected[static_cast<std::size_t>(t)];
                CHECK(std::isnan(score) == (t < 2));
                CHECK((std::isnan(score) || outcome.score == score));
            }
            if (!again) {
                watch.restart_stream();
            }
        }
    }

    TEST_CASE("forecast_detector: the errors of a sample are those of the forecasts made for it") {
        const model shape = small_model(3);
        const auto parameters = tocsin_test::random_values<float>(shape.parameter_count(), 5, 0.5);
        tocsin::aligned_vector<float> packed(static_cast<std::size_t>(shape.packed_size()));
        shape.pack(parameters, packed);
        tocsin::forecast_stream<float> stream(shape, {});
        const auto values = waves(20);
        std::vector<std::vector<float>> forecasts;
        for (index_t t = 0; t < 20; ++t) {
            const auto outcome = stream.push(shape, {packed}, sample(values, t));
            CHECK((outcome == tocsin::sample_outcome::scored) == (t >= 3));
            for (int before = 1; t >= 3 && before <= 3; ++before) {
                const auto& forecast = forecasts[static_cast<std::size_t>(t - before)];
                for (int f = 0; f < 2; ++f) {
                    const int at = (before - 1) * 2 + f;
                    CHECK(stream.errors()[at] ==
                          static_cast<double>(values(f, t)) -
                              static_cast<double>(forecast[static_cast<std::size_t>(at)]));
                }
            }
            forecasts.emplace_back(stream.forecast().begin(), stream.forecast().end());
        }
    }

    TEST_CASE("forecast_detector: a missing value is reported, replaced, and not scored") {
        for (const auto policy : {tocsin::missing_value::hold, tocsin::missing_value::forecast}) {
            watchdog watch = fitted({.missing = policy, .longest_gap = 3});
            const auto values = waves(60, 6);
            auto broken = values;
            broken(0, 40) = missing;
            broken(1, 41) = std::numeric_limits<float>::infinity();
            for (index_t t = 0; t < 60; ++t) {
                const auto outcome = watch.push(sample(broken, t));
                if (t == 40 || t == 41) {
                    CHECK(outcome.kind == verdict_kind::invalid_sample);
                    CHECK(outcome.score == 0);
                } else if (t >= 2) {
                    CHECK(outcome.kind != verdict_kind::invalid_sample);
                    CHECK(outcome.kind != verdict_kind::warming_up);
                    CHECK(std::isfinite(outcome.score));
                }
            }
        }
    }

    TEST_CASE("forecast_detector: after too long a gap the stream starts anew") {
        watchdog watch = fitted({.longest_gap = 3});
        const auto values = waves(60, 6);
        const std::vector<float> nothing(3, missing);
        for (index_t t = 0; t < 20; ++t) {
            watch.push(sample(values, t));
        }
        for (int k = 0; k < 10; ++k) {
            CHECK(watch.push(nothing).kind == verdict_kind::invalid_sample);
        }
        std::vector<double> anew;
        for (index_t t = 20; t < 40; ++t) {
            const auto outcome = watch.push(sample(values, t));
            CHECK((outcome.kind == verdict_kind::warming_up) == (t < 22));
            anew.push_back(outcome.score);
        }
        watch.restart_stream();
        for (index_t t = 20; t < 40; ++t) {
            CHECK(watch.push(sample(values, t)).score == anew[static_cast<std::size_t>(t - 20)]);
        }
    }

    TEST_CASE(
        "forecast_detector: a stream that begins with missing values waits for a whole sample") {
        watchdog watch = fitted();
        const auto values = waves(10);
        CHECK(watch.push(std::vector<float>(3, missing)).kind == verdict_kind::invalid_sample);
        CHECK(watch.push(std::vector<float>{1, missing, 0}).kind == verdict_kind::invalid_sample);
        CHECK(watch.push(sample(values, 0)).kind == verdict_kind::warming_up);
        CHECK(watch.push(sample(values, 1)).kind == verdict_kind::warming_up);
        CHECK(watch.push(sample(values, 2)).kind != verdict_kind::warming_up);
    }

    TEST_CASE("forecast_detector: times that do not go forward are refused, long pauses restart") {
        watchdog watch = fitted({.longest_pause = 5});
        const auto values = waves(40, 7);
        for (index_t t = 0; t < 20; ++t) {
            CHECK(watch.push(sample(values, t), static_cast<double>(t)).kind !=
                  verdict_kind::invalid_sample);
        }
        const double before = watch.push(sample(values, 20), 20).score;
        CHECK(before > 0);
        CHECK(watch.push(sample(values, 5), 20).kind == verdict_kind::invalid_sample);
        CHECK(watch.push(sample(values, 5), 3).kind == verdict_kind::invalid_sample);
        const auto next = watch.push(sample(values, 21), 21); // as if nothing had been in between
        CHECK((next.kind == verdict_kind::normal || next.is_anomaly()));
        CHECK(watch.push(sample(values, 22), 40).kind == verdict_kind::warming_up);
        CHECK(watch.push(sample(values, 23)).kind == verdict_kind::warming_up); // no time: no check
    }

    TEST_CASE("forecast_detector: push allocates nothing") {
        watchdog watch = fitted();
        const auto values = waves(50);
        const std::vector<float> nothing(3, missing);
        double sum = 0;
        const long allocations = tocsin_test::allocations_during([&] {
            for (index_t t = 0; t < 50; ++t) {
                sum += watch.push(sample(values, t), static_cast<double>(t)).score;
                sum += watch.push(nothing).score;
            }
        });
        CHECK(allocations == 0);
        CHECK(sum > 0);
        CHECK(tocsin_test::allocations_during([&] { static_cast<void>(watch.forecast()); }) > 0);
    }

    TEST_CASE("forecast_detector: the forecast is in original units, next sample first") {
        watchdog watch = fitted();
        const auto values = waves(100, 8);
        for (index_t t = 0; t < 99; ++t) {
            watch.push(sample(values, t));
        }
        const auto forecast = watch.forecast();
        CHECK(forecast.rows() == 3);
        CHECK(forecast.cols() == 2);
        CHECK(forecast(0, 0) == doctest::Approx(values(0, 99)).epsilon(0.3));
        CHECK(std::abs(forecast(1, 0) - values(1, 99)) < 0.3F);
    }

    TEST_CASE("forecast_detector: other policies fit in, warm-up is counted") {
        tocsin::forecast_detector<model, tocsin::standard_scaler<float>,
                                  tocsin::diagonal_gaussian<>, tocsin::sigma_threshold>
            watch(small_model(1), {.warm_up = 5});
        const auto values = waves(200);
        const auto windows = tocsin::make_windows(values, 50, 25);
        tocsin::trainer<> how;
        how.epochs = 1;
        REQUIRE(watch.train(*windows, {}, how).ok());
        REQUIRE(watch.fit_errors(*windows).ok());
        REQUIRE(watch.tune(*windows).ok());
        for (index_t t = 0; t < 8; ++t) {
            CHECK((watch.push(sample(values, t)).kind == verdict_kind::warming_up) == (t < 5));
        }
    }

    TEST_CASE("forecast_detector: wrong order, sizes and settings are refused by name") {
        watchdog watch(small_model());
        const auto values = waves(100);
        const auto windows = tocsin::make_windows(values, 50);
        CHECK(message(watch.fit_errors(*windows)) == "fit_errors: call train() first");
        CHECK(message(watch.tune(*windows)) == "scores: call fit_errors() first");
        CHECK(watch.push(sample(values, 0)).kind == verdict_kind::not_ready);
        CHECK(message(watch.train({}, {}, tocsin::trainer<>{})) == "train: there are no windows");
        const tocsin::matrix<float> two = values.topRows(2);
        CHECK(message(watch.train(*tocsin::make_windows(two, 50), {}, tocsin::trainer<>{})) ==
              "train: windows of 2 features do not fit a detector of 3");
        CHECK(message(watchdog(small_model(), {.warm_up = -1}).check()) ==
              "forecast_stream: warm-up -1 and longest gap 10 must not be negative, longest pause "
              "inf "
              "must be positive");
        CHECK_FALSE(watchdog(small_model(), {.longest_pause = missing}).check().ok());

        watchdog ready = fitted();
        const double threshold = ready.threshold();
        const std::vector<std::uint8_t> labels(3);
        CHECK(message(ready.tune(*windows, labels)) == "tune: 2550 samples but 3 labels");
        CHECK(ready.threshold() == threshold);
    }

    TEST_CASE_TEMPLATE(
        "forecast_detector: errors that grow slowly are learned, unless an alarm is on", Statistic,
        tocsin::diagonal_gaussian<>, tocsin::mahalanobis<>) {
        using adaptive =
            tocsin::forecast_detector<model, tocsin::standard_scaler<float>, Statistic>;
        const auto training = waves(600);
        const auto windows = tocsin::make_windows(training, 60, 30);
        tocsin::trainer<> how;
        how.epochs = 15;
        how.optimiser.learning_rate = 0.02;
        adaptive fixed(small_model(1));
        REQUIRE(fixed.train(*windows, {}, how).ok());
        REQUIRE(fixed.fit_errors(*windows).ok());
        REQUIRE(fixed.tune(*windows).ok());
        adaptive learning = fixed;
        adaptive careful = fixed;
        REQUIRE(learning.enable_learning(100).ok());
        REQUIRE(careful.enable_learning(100).ok());

        auto noisy = waves(2000, 9);
        tocsin::random_generator random(4);
        for (index_t t = 0; t < noisy.cols(); ++t) {
            const double growth = static_cast<double>(t) / 200;
            noisy(0, t) += static_cast<float>(growth * random.normal());
        }
        int alarms[3] = {};
        for (index_t t = 0; t < noisy.cols(); ++t) {
            alarms[0] += fixed.push(sample(noisy, t)).is_anomaly() ? 1 : 0;
            alarms[1] += learning.push(sample(noisy, t)).is_anomaly() ? 1 : 0;
            learning.learn();
            const bool alarm = careful.push(sample(noisy, t)).is_anomaly();
            alarms[2] += alarm ? 1 : 0;
            if (!alarm) {
                careful.learn();
            }
        }
        CHECK(alarms[0] > 500);
        CHECK(alarms[1] < alarms[0] / 4);
        CHECK(alarms[2] > alarms[1]);
    }

    TEST_CASE("forecast_detector: a model that goes on learning follows a signal that changes") {
        watchdog fixed = fitted();
        watchdog learning = fixed;
        REQUIRE(learning
                    .enable_learning(1e6, tocsin::online_training_settings{.every = 4,
                                                                           .steps = 40,
                                                                           .learning_rate = 5e-3})
                    .ok());
        auto faster = waves(4000, 9);
        for (index_t t = 0; t < faster.cols(); ++t) {
            faster(0, t) = static_cast<float>(5 * std::sin(0.45 * static_cast<double>(t)));
        }
        double error_fixed = 0;
        double error_learning = 0;
        for (index_t t = 0; t < faster.cols(); ++t) {
            if (t >= 3000) {
                error_fixed += std::abs(fixed.forecast()(0, 0) - faster(0, t));
                error_learning += std::abs(learning.forecast()(0, 0) - faster(0, t));
            }
            fixed.push(sample(faster, t));
            learning.push(sample(faster, t));
            learning.learn();
        }
        CHECK(error_learning < 0.6 * error_fixed);
    }

    TEST_CASE("forecast_detector: learning allocates nothing, skips what is not a sample") {
        watchdog watch = fitted();
        CHECK(message(watchdog(small_model()).enable_learning(10)) ==
              "enable_learning: call fit_errors() first");
        CHECK_FALSE(watch.enable_learning(0.5).ok());
        CHECK_FALSE(watch.enable_learning(10, tocsin::online_training_settings{.every = 0}).ok());
        CHECK(message(watch.enable_learning(10, tocsin::online_training_settings{.steps = 2})) ==
              "enable_learning: updates of 2 samples are shorter than the 3 that the model needs");
        watch.learn(); // nothing yet: no effect
        REQUIRE(
            watch.enable_learning(100, tocsin::online_training_settings{.every = 2, .steps = 10})
                .ok());
        const auto values = waves(60);
        const std::vector<float> nothing(3, missing);
        const std::vector<float> before(watch.parameters().begin(), watch.parameters().end());
        const long allocations = tocsin_test::allocations_during([&] {
            for (index_t t = 0; t < 60; ++t) {
                watch.push(sample(values, t));
                watch.learn();
                if (t == 30) {
                    watch.push(nothing);
                    watch.learn();
                }
            }
        });
        CHECK(allocations == 0);
        CHECK(std::vector<float>(watch.parameters().begin(), watch.parameters().end()) != before);
        for (const float parameter : watch.parameters()) {
            CHECK(std::isfinite(parameter));
        }
    }
}
