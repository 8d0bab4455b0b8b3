// The final model of detector::fit() is the mean of the models of the folds.
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

using tocsin::cross_fit;
using tocsin::mean_of_models;
using tocsin_test::quick_trainer;
using tocsin_test::says;
using tocsin_test::slow_waves;
using tocsin_test::windows_over;

namespace {

template <class Model>
using rated = tocsin::detector<Model, tocsin::standard_scaler<float>, tocsin::mahalanobis<>,
                               tocsin::alarm_rate>;
using mean_of_forecasters = mean_of_models<tocsin::forecaster<float>>;

rated<mean_of_forecasters> new_detector(int members) {
    return rated<mean_of_forecasters>({tocsin_test::small_forecaster(1), members}, {}, {},
                                      tocsin::alarm_rate({.alarms = 100}));
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("fit: the mean of the folds keeps its thresholds on new rows") {
        auto detector = new_detector(4);
        const auto values = slow_waves(3000);
        int epochs = 0;
        const auto done =
            detector.fit(windows_over(values, 100, 50), quick_trainer(3), cross_fit{.folds = 4},
                         [&](const auto& /*event*/) { ++epochs; });
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(epochs == 4 * 3); // no further model is trained
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        CHECK(detector.step_statistic().accumulated().count() > 2500);
        auto stream = detector.make_stream();
        const auto other = slow_waves(3000, 7);
        int anomalies = 0;
        const long allocated = tocsin_test::allocations_during([&] {
            for (int t = 0; t < 3000; ++t) {
                anomalies += detector.push(stream, other.col(t)).is_anomaly() ? 1 : 0;
            }
        });
        CHECK(allocated == 0);
        CHECK(anomalies < 120); // 30 are promised
        const std::vector<float> faulty{9, 1, 0};
        CHECK(detector.push(stream, faulty).is_anomaly());
    }

    TEST_CASE("fit: members are the models of the folds, forecasts their mean") {
        auto detector = new_detector(3);
        const auto values = slow_waves(900);
        const auto windows = windows_over(values, 30, 10);
        REQUIRE(detector.fit(windows, quick_trainer(2), cross_fit{.folds = 3}).ok());
        const auto& model = detector.model();
        std::vector<tocsin::matrix<float>> forecasts;
        for (int k = 0; k < 3; ++k) {
            tocsin::detector<tocsin::forecaster<float>> one(model.member());
            const auto own = model.parameters_of(detector.parameters(), k);
            REQUIRE(one.borrow({.parameters = own}, detector.data_scaler(), std::vector<float>(3))
                        .ok());
            REQUIRE(one.fit_errors(windows).ok()); // a stream needs them
            auto stream = one.make_stream();
            for (int t = 0; t < 100; ++t) {
                one.push(stream, values.col(t));
            }
            forecasts.push_back(one.forecast(stream));
        }
        auto stream = detector.make_stream();
        for (int t = 0; t < 100; ++t) {
            detector.push(stream, values.col(t));
        }
        const tocsin::matrix<float> mean = (forecasts[0] + forecasts[1] + forecasts[2]) / 3;
        CHECK((detector.forecast(stream) - mean).cwiseAbs().maxCoeff() <= 1e-5);
        CHECK((forecasts[0] - forecasts[1]).cwiseAbs().maxCoeff() > 1e-3);

        // Values of the last third have no influence on the last member. The scaler must not see them
        // either: the two recordings have the same mean and variance there.
        tocsin::matrix<float> changed = values;
        for (int t = 0; t < 150; ++t) {
            changed.col(700 + t).swap(changed.col(899 - t % 199));
        }
        auto again = new_detector(3);
        REQUIRE(
            again.fit(windows_over(changed, 30, 10), quick_trainer(2), cross_fit{.folds = 3}).ok());
        const auto same_start = [&](int k) {
            const auto one = model.parameters_of(detector.parameters(), k);
            const auto other = again.model().parameters_of(again.parameters(), k);
            double worst = 0;
            for (std::size_t at = 0; at < one.size(); ++at) {
                worst = std::max(worst, std::abs(static_cast<double>(one[at] - other[at])));
            }
            return worst;
        };
        CHECK(same_start(2) < 1e-4);
        CHECK(same_start(0) > 1e-3);
    }

    TEST_CASE("fit: the mean of the folds of a model of windows, with labels") {
        auto values = tocsin_test::waves<float>(2, 400, 1);
        std::vector<std::uint8_t> labels(400, 0);
        for (int t = 200; t < 220; ++t) {
            values.col(t).array() += 8;
            labels[static_cast<std::size_t>(t)] = 1;
        }
        tocsin::detector<mean_of_models<tocsin::encoder_decoder<float>>> detector(
            {tocsin_test::small_lstm<float>(2), 3},
            {.window = 10, .scored = tocsin::scored_steps::newest});
        const auto judged = windows_over(values, 10, 1);
        const auto done = detector.fit({windows_over(values, 10, 4), judged, labels},
                                       quick_trainer(2), cross_fit{.folds = 3});
        REQUIRE_MESSAGE(done.ok(), done.message());
        CHECK(detector.step_statistic().accumulated().count() == judged.count() - 29);
        auto stream = detector.make_stream();
        int found = 0;
        for (int t = 0; t < 400; ++t) {
            found += detector.push(stream, values.col(t)).is_anomaly() &&
                             labels[static_cast<std::size_t>(t)] != 0
                         ? 1
                         : 0;
        }
        CHECK(found >= 15);
    }

    TEST_CASE("fit: a mean needs as many folds as it has members") {
        auto detector = new_detector(4);
        const auto values = slow_waves(900);
        const auto windows = windows_over(values, 30, 10);
        const auto identity = detector.identity();
        CHECK(says(detector.fit(windows, quick_trainer(1), cross_fit{}),
                   "a mean of 4 models needs as many blocks, the plan has 5 for 88 windows"));
        CHECK(says(detector.fit(windows, quick_trainer(1), tocsin::rolling_origin{}),
                   "the plan has 3"));
        CHECK(detector.identity() == identity);
    }

    TEST_CASE("train: the members of a mean learn side by side, from starts of their own") {
        tocsin::detector<mean_of_forecasters> detector({tocsin_test::small_forecaster(), 3});
        tocsin_test::learn_slow_waves(detector, 10);
        const auto first = detector.model().parameters_of(detector.parameters(), 0);
        const auto second = detector.model().parameters_of(detector.parameters(), 1);
        CHECK_FALSE(tocsin_test::same_bits(first, second));
        CHECK(std::isfinite(detector.threshold()));
    }

    // 20 members have 40 parts of a state: there is no limit.
    TEST_CASE("push_all: many members, and members that are linear") {
        const auto values = slow_waves(700);
        const auto check = [&](auto detector, const auto& trainer, int folds) {
            const auto done =
                detector.fit(windows_over(values, 30, 10), trainer, cross_fit{.folds = folds});
            REQUIRE_MESSAGE(done.ok(), done.message());
            std::vector streams(9, detector.make_stream());
            auto alone = streams;
            auto workspace = detector.make_fleet_workspace(4);
            std::vector<tocsin::verdict> verdicts(streams.size());
            tocsin::matrix<float> samples(3, 9);
            double worst = 0;
            for (tocsin::index_t t = 0; t < 300; ++t) {
                for (tocsin::index_t k = 0; k < 9; ++k) {
                    samples.col(k) = values.col(t + 7 * k);
                }
                detector.push_all(streams, samples, verdicts, workspace);
                for (std::size_t k = 0; k < alone.size(); ++k) {
                    const auto one =
                        detector.push(alone[k], samples.col(static_cast<tocsin::index_t>(k)));
                    CHECK(one.scored() == verdicts[k].scored());
                    if (one.scored()) {
                        worst = std::max(worst, std::abs(one.score - verdicts[k].score) /
                                                    std::max(one.score, one.threshold));
                    }
                }
            }
            CHECK(worst <= 1e-5);
        };
        check(tocsin::detector<mean_of_forecasters>({tocsin_test::small_forecaster(), 20}),
              quick_trainer(1), 20);
        check(tocsin::detector<mean_of_models<tocsin::linear_forecaster<float>>>({{3, 2, 4}, 5}),
              tocsin::least_squares{}, 5);
    }
}
