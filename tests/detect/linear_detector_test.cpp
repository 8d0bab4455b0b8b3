// A detector whose model is linear: all phases with the trainer in closed form.
#include "tocsin/core/random.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::least_squares;
using tocsin_test::slow_waves;
using tocsin_test::windows_over;

using model = tocsin::linear_forecaster<float>;
using linear_detector = tocsin::detector<model>;
using fixed_model = tocsin::linear_forecaster<float, 3, 2, 4>;
using fixed_detector =
    tocsin::detector<fixed_model, tocsin::standard_scaler<float, 3>, tocsin::diagonal_gaussian<2>>;
using dynamic_detector =
    tocsin::detector<model, tocsin::standard_scaler<float>, tocsin::diagonal_gaussian<>>;

/// Forecasts two of the three features of slow_waves() from four samples.
template <class Detector>
Detector fitted(Detector fresh) {
    const auto values = slow_waves(600);
    const auto other = slow_waves(600, 2);
    const auto normal = windows_over(other, 300, 300);
    for (const tocsin::status& outcome :
         {fresh.train(windows_over(values, 30, 10), {}, least_squares{}), fresh.fit_errors(normal),
          fresh.tune(normal)}) {
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
    return fresh;
}
linear_detector fitted_linear() {
    return fitted(linear_detector{model{3, 2, 4}});
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("linear detector: a forecast is affine in the last samples; a step is an anomaly") {
        const auto detector = fitted_linear();
        auto values = slow_waves(200, 3);
        values(1, 150) += 1;
        auto stream = detector.make_stream();
        const tocsin::matrix_view<const float> weights(detector.parameters().data(), 2, 13);
        tocsin::matrix<float> scaled = values;
        detector.data_scaler().transform(scaled);
        int anomalies = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            const auto verdict = detector.push(stream, values.col(t));
            anomalies += t < 150 && verdict.is_anomaly() ? 1 : 0;
            CHECK((t != 150 || verdict.is_anomaly()));
            if (t < 4) {
                continue;
            }
            const auto past = scaled.middleCols(t - 3, 4).reshaped();
            tocsin::matrix<float> expected = tocsin::matrix<float>::Zero(3, 1);
            expected.topRows(2) = weights.leftCols(12) * past + weights.col(12);
            detector.data_scaler().inverse(expected);
            CHECK((detector.forecast(stream) - expected.topRows(2)).cwiseAbs().maxCoeff() <= 1e-4);
        }
        CHECK(anomalies <= 2);
        CHECK(detector.warm_up() >= 1);
    }

    TEST_CASE("linear detector: cross-fitting judges samples that were not learned from") {
        const auto values = slow_waves(800);
        const auto windows = windows_over(values, 20, 1);
        linear_detector detector{model{3, 2, 4}};
        const auto done = detector.fit(windows, least_squares{}, tocsin::cross_fit{.folds = 3});
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        CHECK(std::isfinite(detector.threshold()));
        auto stream = detector.make_stream();
        const auto verdicts = tocsin_test::push_each(detector, stream, slow_waves(400, 4));
        int anomalies = 0;
        for (const auto& verdict : verdicts) {
            anomalies += verdict.is_anomaly() ? 1 : 0;
        }
        CHECK(anomalies < 20);
    }

    TEST_CASE(
        "linear detector: windows hardly longer than the order give the threshold of long ones") {
        tocsin::random_generator random(2);
        tocsin::matrix<float> values(1, 3000);
        for (int t = 0; t < 3000; ++t) {
            values(0, t) = static_cast<float>(std::sin(0.2 * t) + 0.05 * random.normal());
        }
        const auto threshold_by = [&](int length) {
            const auto windows = windows_over(values, length);
            linear_detector detector{model{1, 1, 10}};
            for (const tocsin::status& outcome :
                 {detector.train(windows, {}, least_squares{}), detector.fit_errors(windows),
                  detector.tune(windows)}) {
                REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            }
            CHECK(detector.warm_up() >= 10);
            linear_detector cross_fitted{model{1, 1, 10}};
            REQUIRE(cross_fitted.fit(windows, least_squares{}, tocsin::cross_fit{}).ok());
            CHECK(cross_fitted.warm_up() >= 10);
            return detector.threshold();
        };
        // Forecasts from fewer samples than the model looks back on are worse, and had a part in it.
        const double usual = threshold_by(100);
        for (const int length : {11, 12, 14, 18}) {
            CAPTURE(length);
            CHECK(threshold_by(length) == doctest::Approx(usual).epsilon(0.1));
        }
        linear_detector too_short{model{1, 1, 10}};
        REQUIRE(too_short.train(windows_over(values, 100), {}, least_squares{}).ok());
        CHECK_FALSE(too_short.fit_errors(windows_over(values, 8)).ok());
    }

    TEST_CASE("linear detector: static sizes give the verdicts of dynamic ones, without a heap") {
        const auto fixed = fitted(fixed_detector{fixed_model{}});
        const auto other = fitted(dynamic_detector{model{3, 2, 4}});
        CHECK(fixed.stream_size() == sizeof(fixed_detector::stream_type));
        const auto values = slow_waves(100, 3);
        std::vector<tocsin::verdict> verdicts(100);
        const auto allocations = tocsin_test::allocations_during([&] {
            auto stream = fixed.make_stream();
            for (index_t t = 0; t < 100; ++t) {
                verdicts[static_cast<std::size_t>(t)] = fixed.push(stream, values.col(t));
            }
        });
        CHECK(allocations == 0);
        CHECK(tocsin_test::allocations_during([&] { other.make_stream(); }) >
              0); // the counter counts
        auto stream = other.make_stream();
        CHECK(tocsin_test::allocations_during([&] {
                  for (index_t t = 0; t < 100; ++t) {
                      const auto expected = other.push(stream, values.col(t));
                      const auto& got = verdicts[static_cast<std::size_t>(t)];
                      if (got.kind != expected.kind ||
                          std::abs(got.score - expected.score) > 1e-3 * (1 + expected.score)) {
                          CHECK(got.score == expected.score);
                      }
                  }
              }) == 0);
    }

    TEST_CASE("linear detector: many streams at once are as each alone") {
        const auto detector = fitted_linear();
        std::array<tocsin::matrix<float>, 3> values{slow_waves(80, 5), slow_waves(80, 6),
                                                    slow_waves(80, 7)};
        std::vector<linear_detector::stream_type> together(3, detector.make_stream());
        auto alone = together;
        auto workspace = detector.make_fleet_workspace(2);
        std::vector<tocsin::verdict> verdicts(3);
        tocsin::matrix<float> samples(3, 3);
        for (index_t t = 0; t < 80; ++t) {
            for (index_t k = 0; k < 3; ++k) {
                samples.col(k) = values[static_cast<std::size_t>(k)].col(t);
            }
            detector.push_all(together, {samples.data(), 3, 3}, verdicts, workspace);
            for (std::size_t k = 0; k < 3; ++k) {
                const auto expected = detector.push(alone[k], values[k].col(t));
                CHECK(verdicts[k].kind == expected.kind);
                if (expected.scored()) {
                    CHECK(std::abs(verdicts[k].score - expected.score) <=
                          1e-4 * (expected.score + detector.threshold()));
                }
            }
        }
    }

    TEST_CASE("linear detector: a missing value is read as its forecast; a stream can learn") {
        const auto detector = fitted_linear();
        auto values = slow_waves(400, 8);
        values(0, 60) = std::numeric_limits<float>::quiet_NaN();
        auto stream = detector.make_stream();
        const auto done = detector.enable_learning(
            stream, {.model = tocsin::online_training_settings{.every = 20, .steps = 16}});
        REQUIRE_MESSAGE(done.ok(), done.message());
        for (index_t t = 0; t < 400; ++t) {
            const auto verdict = detector.push(stream, values.col(t));
            if (t == 60) {
                CHECK(verdict.missing == 1);
                CHECK(verdict.scored());
            }
            CHECK((t < 60 || t > 70 || !verdict.is_anomaly()));
            detector.learn(stream);
        }
        auto brief = detector.make_stream();
        CHECK_FALSE(
            detector
                .enable_learning(
                    brief, {.model = tocsin::online_training_settings{.every = 20, .steps = 4}})
                .ok()); // a window of 4 samples has no forecast from 4
    }
}
