#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/noise.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using tocsin_test::says;
using tocsin_test::windows_over;

namespace {

tocsin::windows<float> window_pieces(const tocsin::matrix<float>& values, int length, int stride) {
    return windows_over(values, length, stride);
}

/// A statistic of one's own that cannot be merged.
struct unmergeable : tocsin::diagonal_gaussian<> {
    using diagonal_gaussian::diagonal_gaussian;
    tocsin::status merge(const unmergeable& other) = delete;
};
static_assert(tocsin::leave_out_statistic<unmergeable>);
static_assert(!tocsin::mergeable_error_statistic<unmergeable>);

} // namespace

static_assert(tocsin::held_out_plan<tocsin::cross_fit>);
static_assert(tocsin::held_out_plan<tocsin::rolling_origin>);

TEST_SUITE("detect") {

    TEST_CASE("cross_fit: the blocks cover everything once, in order") {
        const auto blocks = tocsin::cross_fit{.folds = 4}.blocks(10);
        REQUIRE(blocks.size() == 4);
        tocsin::index_t next = 0;
        for (const auto& block : blocks) {
            CHECK(block.begin == next);
            CHECK(block.end > block.begin);
            CHECK_FALSE(block.only_before);
            next = block.end;
        }
        CHECK(next == 10);
        CHECK(tocsin::cross_fit{.folds = 5}.blocks(3).size() == 3);
        CHECK_FALSE(tocsin::cross_fit{.folds = 1}.check().ok());
        CHECK_FALSE(tocsin::cross_fit{.guard = -2}.check().ok());
    }

    TEST_CASE("rolling_origin: each block follows what is learned from") {
        const auto blocks = tocsin::rolling_origin{}.blocks(100);
        REQUIRE(blocks.size() == 3);
        CHECK(blocks[0].begin == 40);
        CHECK(blocks[0].end == 60);
        CHECK(blocks[2].end == 100);
        CHECK(blocks[1].only_before);
        CHECK_FALSE(tocsin::rolling_origin{.shares = {0.5, 0.4, 0.8}}.check().ok());
        CHECK_FALSE(tocsin::rolling_origin{.shares = {0.5, 0.6, 1}}.check().ok());
    }

    TEST_CASE("held-out windows share no row with those learned from, nor come near") {
        const tocsin::matrix<float> values = tocsin::matrix<float>::Zero(1, 100);
        const auto all = window_pieces(values, 8, 1);
        for (const auto& block : tocsin::cross_fit{.folds = 5}.blocks(all.count())) {
            const tocsin::detail::split_windows<float> split(all, all, block, 8);
            CHECK(split.judged.count() == block.end - block.begin);
            for (const auto learned : split.learned.first_columns()) {
                for (const auto judged : split.judged.first_columns()) {
                    REQUIRE((learned + 8 + 8 <= judged || judged + 8 + 8 <= learned));
                }
            }
            CHECK(split.learned.count() + split.judged.count() + 2 * 16 >= all.count());
        }
        const tocsin::detail::split_windows<float> past(all, all, {40, 60, true}, 8);
        for (const auto learned : past.learned.first_columns()) {
            CHECK(learned + 16 <= 40);
        }
    }

    TEST_CASE_TEMPLATE("fit: one call makes a detector whose thresholds hold on new rows", Plan,
                       tocsin::cross_fit, tocsin::rolling_origin) {
        using detector_type =
            tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, tocsin::alarm_rate>;
        detector_type detector(tocsin_test::small_forecaster(1), {}, {},
                               tocsin::alarm_rate({.alarms = 100}));
        const auto values = tocsin_test::slow_waves(3000);
        const auto done =
            detector.fit(windows_over(values, 100, 50), tocsin_test::quick_trainer(3), Plan{});
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        auto stream = detector.make_stream();
        const auto other = tocsin_test::slow_waves(3000, 7);
        int anomalies = 0;
        for (int t = 0; t < 3000; ++t) {
            anomalies += detector.push(stream, other.col(t)).is_anomaly() ? 1 : 0;
        }
        CHECK(anomalies < 120); // 30 are promised
        // Held-out errors are no smaller than errors of rows that were learned from.
        CHECK(detector.step_statistic().accumulated().count() > 1000);
    }

    TEST_CASE("fit: a forecaster never runs from one recording into the next") {
        const auto values = tocsin_test::slow_waves(900);
        tocsin::matrix<float> apart(3, 902);
        apart << values.leftCols(400), tocsin::matrix<float>::Constant(3, 1, 100),
            values.middleCols(400, 500), tocsin::matrix<float>::Constant(3, 1, 100);
        const std::vector<tocsin::index_t> touching{400, 500};
        const auto fitted = [](const tocsin::windows<float>& windows) {
            tocsin::detector<tocsin::forecaster<float>> detector(tocsin_test::small_forecaster(1),
                                                                 {.warm_up = 10});
            const auto done =
                detector.fit(windows, tocsin_test::quick_trainer(1), tocsin::cross_fit{});
            REQUIRE_MESSAGE(done.ok(), done.message());
            return detector;
        };
        const auto windows = tocsin::make_windows(values, touching, 50, 10);
        const auto joined = fitted(*windows);
        std::vector<tocsin::index_t> first(windows->first_columns().begin(),
                                           windows->first_columns().end());
        for (auto& column : first) {
            column += column >= 400 ? 1 : 0;
        }
        const auto separate =
            fitted(tocsin::windows<float>({apart.data(), 3, 902}, std::move(first), 50));
        CHECK(joined.step_statistic().accumulated().count() ==
              separate.step_statistic().accumulated().count());
        CHECK(joined.step_statistic().accumulated().mean() ==
              separate.step_statistic().accumulated().mean());
    }

    TEST_CASE("fit: models of windows, and what is refused") {
        tocsin::detector<tocsin::encoder_decoder<float>> detector(tocsin_test::small_lstm<float>(2),
                                                                  {.window = 10});
        const auto values = tocsin_test::waves<float>(2, 300, 1);
        const auto windows = windows_over(values, 10, 2);
        const auto done = detector.fit(windows, tocsin_test::quick_trainer(1), tocsin::cross_fit{});
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        CHECK(detector.step_statistic().accumulated().count() == windows.count() * 10);
        const auto identity = detector.identity();
        CHECK(says(
            detector.fit(windows, tocsin_test::quick_trainer(1), tocsin::cross_fit{.folds = 1}),
            "1 folds"));
        CHECK(says(
            detector.fit(windows, tocsin_test::quick_trainer(1), tocsin::cross_fit{.guard = 1000}),
            "nothing is left to learn from"));
        CHECK(says(detector.fit({windows.slice(0, 30), windows}, tocsin_test::quick_trainer(1),
                                tocsin::cross_fit{}),
                   "for the windows 0 to 29 of 146, with a guard of 10 rows"));
        CHECK(says(detector.fit(windows_over(values, 9, 1), tocsin_test::quick_trainer(1),
                                tocsin::cross_fit{}),
                   "windows of 2 features and 9 steps"));
        CHECK(detector.identity() == identity);
    }

    TEST_CASE("fit: a failure of a held-out model names the windows it lacks") {
        auto values = tocsin_test::waves<float>(2, 400, 1);
        values.row(1).tail(330).setConstant(std::numeric_limits<float>::quiet_NaN());
        tocsin::detector<tocsin::linear_forecaster<float>> detector({2, 2, 5});
        const auto windows = windows_over(values, 10);
        CHECK(says(detector.fit(windows, tocsin::least_squares{}, tocsin::cross_fit{.folds = 4}),
                   "(learning without the windows 0 to 97 of 391)"));
        CHECK(detector.phase() == tocsin::detector_phase::created);
    }

    TEST_CASE("fit: fewer windows to learn from, labels, missing values") {
        auto values = tocsin_test::with_holes(tocsin_test::waves<float>(2, 400, 1), 0.05, 3);
        std::vector<std::uint8_t> labels(400, 0);
        for (int t = 200; t < 220; ++t) {
            values.col(t).array() += 8;
            labels[static_cast<std::size_t>(t)] = 1;
        }
        using detector_type =
            tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, tocsin::f_beta_threshold>;
        detector_type detector(tocsin_test::small_lstm<float>(2),
                               {.window = 10, .scored = tocsin::scored_steps::newest});
        const auto judged = windows_over(values, 10, 1);
        const auto training = windows_over(values, 10, 4);
        int epochs = 0;
        const auto done =
            detector.fit({training, judged, labels}, tocsin_test::quick_trainer(2),
                         tocsin::cross_fit{.folds = 3}, [&](const auto& /*event*/) { ++epochs; });
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(epochs == 2 * (1 + 3));
        // Windows with an anomalous row are not in the statistics; their newest rows are in the tuning.
        CHECK(detector.step_statistic().accumulated().count() == judged.count() - 29);
        auto stream = detector.make_stream();
        int found = 0;
        int wrong = 0;
        for (int t = 0; t < 400; ++t) {
            const bool anomaly = detector.push(stream, values.col(t)).is_anomaly();
            found += anomaly && labels[static_cast<std::size_t>(t)] != 0 ? 1 : 0;
            wrong += anomaly && (t < 200 || t >= 230) ? 1 : 0;
        }
        CHECK(found >= 15);
        CHECK(wrong < 10);

        const auto identity = detector.identity();
        const auto fit = [&](const tocsin::held_out_data<float>& data) {
            return detector.fit(data, tocsin_test::quick_trainer(1), tocsin::cross_fit{});
        };
        const auto other = tocsin_test::waves<float>(2, 400, 2);
        CHECK(says(fit({windows_over(other, 10, 4), judged}), "not of the same samples"));
        labels.pop_back();
        CHECK(says(fit({training, judged, labels}), "399 labels for 400 samples"));
        labels.assign(400, 1);
        CHECK(says(fit({training, judged, labels}), "labelled anomalous"));
        CHECK(detector.identity() == identity);
    }

    TEST_CASE("fit: a statistic that cannot be merged; scores of anomalies are as they are") {
        auto values = tocsin_test::slow_waves(1200);
        std::vector<std::uint8_t> labels(1200, 0);
        for (int t = 700; t < 720; ++t) {
            values.col(t).array() += 3;
            labels[static_cast<std::size_t>(t)] = 1;
        }
        const auto fitted = [&]<class Statistic>(Statistic) {
            tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>, Statistic,
                             tocsin::f_beta_threshold>
                detector(tocsin_test::small_forecaster(1), {.warm_up = 20});
            const auto windows = windows_over(values, 30, 1);
            const auto done = detector.fit({windows_over(values, 30, 5), windows, labels},
                                           tocsin_test::quick_trainer(3), tocsin::cross_fit{});
            REQUIRE_MESSAGE(done.ok(), done.message());
            return detector.threshold();
        };
        const double with_merge = fitted(tocsin::diagonal_gaussian<>{});
        const double without = fitted(unmergeable{});
        CHECK(without > with_merge / 3);
        CHECK(without < 3 * with_merge);
    }

    // Errors that follow each other resemble each other. When each row was scored as if it alone had
    // been left out, 69 per cent of new rows were anomalies with cross_fit, 86 with rolling_origin.
    TEST_CASE_TEMPLATE("fit: few rows of many sensors that change slowly", Plan, tocsin::cross_fit,
                       tocsin::rolling_origin) {
        const int features = 38;
        tocsin::detector<tocsin::forecaster<float>> detector(
            tocsin::forecaster<float>::with_layers(features, features, {4}));
        const auto normal = tocsin_test::slow_noise(features, 200, 10);
        const auto fitted = detector.fit({windows_over(normal, 20, 4), windows_over(normal, 20, 1)},
                                         tocsin_test::quick_trainer(3), Plan{});
        REQUIRE_MESSAGE(fitted.ok(), fitted.message());
        const auto live = tocsin_test::slow_noise(features, 5000, 100);
        const auto scores = detector.scores(windows_over(live, 5000));
        REQUIRE(scores.has_value());
        const auto above =
            std::count_if(scores->per_step.begin(), scores->per_step.end(),
                          [&](double score) { return score > detector.threshold(); });
        MESSAGE(above, " of 5000 rows are above the threshold, 50 are promised");
        CHECK(above < 150);
        CHECK(above > 0);
    }

    TEST_CASE("fit: a forecaster with labels tunes by samples") {
        auto values = tocsin_test::slow_waves(1200);
        std::vector<std::uint8_t> labels(1200, 0);
        for (int t = 700; t < 720; ++t) {
            values.col(t).array() += 3;
            labels[static_cast<std::size_t>(t)] = 1;
        }
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::mahalanobis<>, tocsin::f_beta_threshold>
            detector(tocsin_test::small_forecaster(1));
        const auto windows = windows_over(values, 50, 10);
        const auto done = detector.fit({windows, windows, labels}, tocsin_test::quick_trainer(2),
                                       tocsin::cross_fit{.folds = 3});
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(std::isfinite(detector.threshold()));
        // Windows of two blocks may share 40 rows; none has one of the 20 labelled.
        CHECK(detector.step_statistic().accumulated().count() <= 1200 + 2 * 40 - 20);
    }
}
