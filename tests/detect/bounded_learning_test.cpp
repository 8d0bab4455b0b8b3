// learn() is bounded: one sample cannot blind a stream, and what learning does to alarms is counted.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin::matrix;
using tocsin_test::slow_waves;
using tocsin_test::windows_over;

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

template <class Statistic, class Rule = tocsin::quantile_threshold>
using forecasting =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>, Statistic, Rule>;

/// Fitted, not tuned: no threshold keeps anything from being learned.
template <class Detector>
Detector fitted(int epochs = 15) {
    Detector detector(tocsin_test::small_forecaster(1));
    const auto values = slow_waves(600);
    REQUIRE(
        detector.train(windows_over(values, 30, 10), {}, tocsin_test::quick_trainer(epochs)).ok());
    const auto other = slow_waves(600, 2);
    REQUIRE(detector.fit_errors(windows_over(other, 300, 300)).ok());
    return detector;
}

/// Score of a spike on a copy of the stream.
template <class Detector>
double score_of_spike(const Detector& detector, typename Detector::stream_type stream,
                      index_t next) {
    const auto values = slow_waves(next + 1);
    auto sample = values.col(next).eval();
    sample[0] += 3;
    return detector.push(stream, sample).score;
}

/// Pushes and learns `count` ordinary samples from position `first` on.
template <class Detector>
void learn_ordinary(const Detector& detector, typename Detector::stream_type& stream, index_t first,
                    index_t count) {
    const auto values = slow_waves(first + count);
    for (index_t t = first; t < first + count; ++t) {
        detector.push(stream, values.col(t));
        detector.learn(stream);
    }
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("learning: one huge error does not blind a stream", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        using detector_type = forecasting<Statistic>;
        const auto detector = fitted<detector_type>();
        for (const double half_life : {500.0, 10000.0}) {
            for (const float huge : {50.0F, 1e4F, 1e9F, 3e38F}) {
                CAPTURE(half_life);
                CAPTURE(huge);
                auto stream = detector.make_stream();
                REQUIRE(detector.enable_learning(stream, {.half_life = half_life}).ok());
                learn_ordinary(detector, stream, 0, 300);
                const double before = score_of_spike(detector, stream, 300);
                CHECK(before > 100);
                const auto values = slow_waves(301);
                auto sample = values.col(300).eval();
                sample[0] += huge;
                const auto said = detector.push(stream, sample);
                REQUIRE(said.kind == tocsin::verdict_kind::normal); // there is no threshold
                detector.learn(stream);
                learn_ordinary(detector, stream, 301, 40); // the model's state forgets it
                const double after = score_of_spike(detector, stream, 341);
                CAPTURE(before);
                CAPTURE(after);
                CHECK(after > 0.3 * before);
                CHECK(stream.learning().clipped >= 1);
            }
        }
    }

    TEST_CASE("learning: what one huge error did before it was bounded") {
        // The statistic alone learns it as it is: the numbers of the issue.
        tocsin::diagonal_gaussian<> statistic(1);
        tocsin::random_generator random(3);
        const auto error = [&] { return random.normal(); };
        for (int k = 0; k < 2000; ++k) {
            const double one = error();
            statistic.accumulate(std::span(&one, 1));
        }
        REQUIRE(statistic.fit().ok());
        const double weight = 1 - std::exp2(-1 / 10000.0);
        const double huge = 2000;
        const double spike = 8;
        const double before = statistic.score(std::span(&spike, 1));
        statistic.adapt(std::span(&huge, 1), weight);
        int blind = 0;
        while (statistic.score(std::span(&spike, 1)) < 0.5 * before && blind < 1000000) {
            const double one = error();
            statistic.adapt(std::span(&one, 1), weight);
            ++blind;
        }
        MESSAGE("unbounded: blind for ", blind, " samples");
        CHECK(blind > 50000);
    }

    TEST_CASE("learning: a stream counts what it judged, and keeps the counts") {
        using detector_type = forecasting<tocsin::diagonal_gaussian<>>;
        auto detector = fitted<detector_type>();
        REQUIRE(detector.tune(windows_over(slow_waves(600, 4), 300, 300)).ok());
        auto stream = detector.make_stream();
        CHECK(stream.learning().scored == 0);
        REQUIRE(detector.enable_learning(stream, {.half_life = 1000}).ok());
        auto values = slow_waves(3000, 5);
        for (index_t t = 1000; t < 1600; t += 3) {
            values(0, t) += 4;
        }
        std::int64_t scored = 0;
        std::int64_t anomalies = 0;
        std::vector<bool> flags;
        for (index_t t = 0; t < values.cols(); ++t) {
            const auto said = detector.push(stream, values.col(t));
            detector.learn(stream);
            detector.learn(stream); // each sample once
            scored += said.scored() ? 1 : 0;
            anomalies += said.is_anomaly() ? 1 : 0;
            if (said.scored()) {
                flags.push_back(said.is_anomaly());
            }
            if (t == 600) { // a plain average at first
                const auto count = std::count(flags.begin(), flags.end(), true);
                CHECK(stream.learning().recent_rate ==
                      doctest::Approx(static_cast<double>(count) /
                                      static_cast<double>(flags.size())));
            }
        }
        const auto report = stream.learning();
        CHECK(report.scored == scored);
        CHECK(report.anomalies == anomalies);
        CHECK(anomalies > 200);
        CHECK(report.recent_rate > 0);
        CHECK(report.recent_rate < 0.2);
        CHECK(report.updates == 0);
        const auto bytes = tocsin::save_stream(detector, stream);
        REQUIRE(bytes.has_value());
        const auto loaded = tocsin::load_stream(detector, *bytes);
        REQUIRE(loaded.has_value());
        CHECK(loaded->learning().scored == report.scored);
        CHECK(loaded->learning().anomalies == report.anomalies);
        CHECK(loaded->learning().recent_rate == report.recent_rate);
    }

    TEST_CASE(
        "learning: a model does not learn from what has no score, or one far out by feature") {
        const tocsin::online_training_settings online{.every = 4, .steps = 8};
        const auto values = slow_waves(300);
        // Before tune() nothing is an anomaly.
        const auto updates = [&](const auto& detector, index_t from, index_t to, float factor) {
            auto stream = detector.make_stream();
            const auto enabled =
                detector.enable_learning(stream, {.half_life = never, .model = online});
            REQUIRE_MESSAGE(enabled.ok(), enabled.message());
            for (index_t t = 0; t < to; ++t) {
                const auto sample = (factor * values.col(t)).eval();
                const auto said = detector.push(stream, sample);
                REQUIRE_FALSE(said.is_anomaly());
                if (t >= from) {
                    detector.learn(stream);
                }
            }
            return stream.learning().updates;
        };
        forecasting<tocsin::mahalanobis<>> slow(tocsin_test::small_forecaster(1), {.warm_up = 60});
        tocsin::detector<tocsin::encoder_decoder<float>> by_feature(
            tocsin_test::small_lstm<float>(3),
            {.window = 8, .view = tocsin::error_view::per_feature});
        REQUIRE(slow.train(windows_over(values, 30, 10), {}, tocsin_test::quick_trainer(2)).ok());
        REQUIRE(slow.fit_errors(windows_over(values, 300)).ok());
        const auto windows = windows_over(values, 8);
        REQUIRE(by_feature.train(windows, {}, tocsin_test::quick_trainer(2)).ok());
        REQUIRE(by_feature.fit_errors(windows).ok());
        CHECK(updates(slow, 0, 60, 1) == 0); // it warms up
        CHECK(updates(slow, 0, 300, 1) == updates(slow, 60, 300, 1));
        CHECK(updates(slow, 0, 300, 1) > 40);
        CHECK(updates(by_feature, 0, 300, 1) > 40);
        CHECK(updates(by_feature, 0, 300, 1e6F) == 0);
        CHECK(updates(by_feature, 0, 7, 1e6F) == 0);
    }

    TEST_CASE("learning: while the model learns, the rule follows, or the rate tells") {
        // A model that is nudged away from what it learned: another learning rate than is wise.
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.98;
        settings.memory = 200;
        auto fixed_rule = fitted<forecasting<tocsin::diagonal_gaussian<>>>(15);
        using follows = forecasting<tocsin::diagonal_gaussian<>, tocsin::spot_threshold>;
        follows following(tocsin_test::small_forecaster(1), {}, {},
                          tocsin::spot_threshold{settings});
        {
            const auto values = slow_waves(600);
            REQUIRE(
                following.train(windows_over(values, 30, 10), {}, tocsin_test::quick_trainer(15))
                    .ok());
            const auto other = slow_waves(600, 2);
            REQUIRE(following.fit_errors(windows_over(other, 300, 300)).ok());
        }
        const auto tuning = slow_waves(4000, 6);
        REQUIRE(fixed_rule.tune(windows_over(tuning, 4000, 4000)).ok());
        REQUIRE(following.tune(windows_over(tuning, 4000, 4000)).ok());
        fixed_rule.override_thresholds(1.3 * fixed_rule.threshold());
        const tocsin::online_training_settings online{
            .every = 20, .steps = 40, .learning_rate = 0.02};
        const auto live = slow_waves(20000, 7);
        const auto rates = [&](const auto& detector, bool learns, double half_life) {
            auto stream = detector.make_stream();
            if (learns) {
                REQUIRE(detector.enable_learning(stream, {.half_life = half_life, .model = online})
                            .ok());
            }
            int anomalies = 0;
            for (index_t t = 0; t < live.cols(); ++t) {
                anomalies += detector.push(stream, live.col(t)).is_anomaly() ? 1 : 0;
                detector.learn(stream);
            }
            if (learns) {
                CHECK(stream.learning().anomalies == anomalies);
                CHECK(stream.learning().updates > 50); // an anomaly interrupts a window
            }
            return anomalies / static_cast<double>(live.cols());
        };
        const double still = rates(fixed_rule, false, never);
        const double fixed = rates(fixed_rule, true, never);
        const double statistic = rates(fixed_rule, true, 1000);
        const double rule_still = rates(following, false, never);
        const double rule = rates(following, true, never);
        MESSAGE("share of false alarms: not learning ", still, ", model alone ", fixed,
                ", with its statistic ", statistic, "; rule that learns: not learning ", rule_still,
                ", model and rule ", rule);
        CHECK(still < 0.005);
        CHECK(fixed > 10 * still); // what the report is for
        CHECK(rule < 0.6 * fixed);
    }
}
