#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cmath>
#include <limits>
#include <vector>

// Scores of recorded data are, to the last bit, those that a stream gets.

using tocsin::detector_settings;
using tocsin::error_view;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::scored_steps;
using tocsin_test::push_each;
using tocsin_test::slow_waves;
using tocsin_test::waves;
using tocsin_test::windows_over;
using tocsin_test::with_holes;

namespace {

/// Compares a stream with the windows that end with each of its samples.
/// @return samples that were compared
template <class Detector, class Scalar>
int check_windows(const Detector& detector, const matrix<Scalar>& values) {
    const int length = detector.settings().window;
    const auto scores = detector.scores(windows_over(values, length));
    REQUIRE(scores.has_value());
    const auto& expected =
        detector.settings().view == error_view::per_step ? scores->per_step : scores->per_feature;
    auto stream = detector.make_stream();
    int compared = 0;
    int different = 0;
    for (index_t t = 0; t < values.cols(); ++t) {
        const auto outcome = detector.push(stream, values.col(t));
        if (outcome.scored()) {
            ++compared;
            const double score = expected[static_cast<std::size_t>(t + 1 - length)];
            different += outcome.score == score ? 0 : 1;
        }
    }
    CHECK(different == 0);
    return compared;
}

/// The same for a forecaster, which reads the whole recording as one window.
template <class Detector, class Scalar>
int check_forecasts(const Detector& detector, const matrix<Scalar>& values) {
    const auto scores = detector.scores(windows_over(values, static_cast<int>(values.cols())));
    REQUIRE(scores.has_value());
    REQUIRE(static_cast<index_t>(scores->per_step.size()) == values.cols());
    CHECK(scores->per_feature.empty());
    auto stream = detector.make_stream();
    int compared = 0;
    int different = 0;
    for (index_t t = 0; t < values.cols(); ++t) {
        const auto outcome = detector.push(stream, values.col(t));
        const double score = scores->per_step[static_cast<std::size_t>(t)];
        different += outcome.scored() == std::isfinite(score) ? 0 : 1;
        if (outcome.scored()) {
            ++compared;
            different += outcome.score == score ? 0 : 1;
        }
    }
    CHECK(different == 0);
    return compared;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("scores: a stream's equal the window's that ends with each sample", Scalar,
                       float, double) {
        const auto training = waves<Scalar>(3, 80, 1);
        // A batch of one, because a batch of many adds in another order.
        for (const auto scored : {scored_steps::newest, scored_steps::all}) {
            for (const auto view : {error_view::per_step, error_view::per_feature}) {
                tocsin::detector<tocsin::encoder_decoder<Scalar>> detector(
                    tocsin_test::small_lstm<Scalar>(3),
                    {.window = 6, .scored = scored, .view = view, .batch_size = 1});
                tocsin_test::run_all_phases(detector, windows_over(training, 6));
                auto values = waves<Scalar>(3, 300, 2);
                values(1, 30) += 20;
                CHECK(check_windows(detector, values) == 295);
                for (const double share : {0.1, 0.5}) {
                    const auto broken = with_holes(values, share, 3);
                    CHECK(check_windows(detector, broken) > 150);
                }
            }
        }
    }

    TEST_CASE("scores: batches agree with a stream but for rounding") {
        const auto training = waves<double>(3, 80, 1);
        tocsin::detector<tocsin::encoder_decoder<double>> detector(
            tocsin_test::small_lstm<double>(3), {.window = 6});
        tocsin_test::run_all_phases(detector, windows_over(training, 6));
        const auto values = with_holes(waves<double>(3, 100, 2), 0.1, 3);
        const auto scores = detector.scores(windows_over(values, 6));
        REQUIRE(scores.has_value());
        auto stream = detector.make_stream();
        int compared = 0;
        for (index_t t = 0; t < 100; ++t) {
            const auto outcome = detector.push(stream, values.col(t));
            if (outcome.scored()) {
                ++compared;
                CHECK(outcome.score ==
                      doctest::Approx(scores->per_step[static_cast<std::size_t>(t - 5)])
                          .epsilon(1e-9));
            }
        }
        CHECK(compared > 80);
    }

    TEST_CASE_TEMPLATE("scores: a forecaster's equal a stream's, also with missing values", Scalar,
                       float, double) {
        for (const auto policy : {tocsin::missing_value::hold, tocsin::missing_value::forecast,
                                  tocsin::missing_value::mean}) {
            for (const int ahead : {1, 3}) {
                tocsin::detector<tocsin::forecaster<Scalar>> detector(
                    tocsin_test::small_forecaster<Scalar>(ahead), {.missing = policy});
                tocsin_test::learn_slow_waves(detector, 3);
                const auto values = slow_waves<Scalar>(300, 5);
                CHECK(check_forecasts(detector, values) == 300 - detector.warm_up());
                for (const double share : {0.1, 0.5}) {
                    CHECK(check_forecasts(detector, with_holes(values, share, 4)) > 100);
                }
            }
        }
    }

    TEST_CASE("scores: each window of a forecaster starts afresh, whatever its length") {
        tocsin::detector<tocsin::forecaster<float>> detector(tocsin_test::small_forecaster(1));
        tocsin_test::learn_slow_waves(detector, 3);
        const auto values = slow_waves(90, 5);
        const auto parts = detector.scores(windows_over(values, 45, 45));
        REQUIRE(parts.has_value());
        for (const int part : {0, 1}) {
            const matrix<float> half = values.middleCols(45 * part, 45);
            const auto alone = detector.scores(windows_over(half, 45));
            REQUIRE(alone.has_value());
            const auto got =
                std::span(parts->per_step).subspan(45 * static_cast<std::size_t>(part), 45);
            CHECK(tocsin_test::same_bits(std::vector<double>(got.begin(), got.end()),
                                         alone->per_step));
        }
    }

    TEST_CASE("scores: a spike in the past of a gap is not part of the windows after it") {
        // A stream restarts after a long gap: its windows never hold samples from before.
        const auto training = waves<float>(3, 80, 1);
        tocsin::detector<tocsin::encoder_decoder<float>> detector(tocsin_test::small_lstm<float>(3),
                                                                  {.window = 6, .longest_gap = 3});
        tocsin_test::run_all_phases(detector, windows_over(training, 6));
        auto values = waves<float>(3, 60, 2);
        auto stream = detector.make_stream();
        push_each(detector, stream, values.leftCols(20));
        const matrix<float> nothing =
            matrix<float>::Constant(3, 4, std::numeric_limits<float>::quiet_NaN());
        push_each(detector, stream, nothing);
        auto fresh = detector.make_stream();
        CHECK(tocsin_test::same_verdicts(push_each(detector, stream, values.rightCols(30)),
                                         push_each(detector, fresh, values.rightCols(30))));
    }
}
