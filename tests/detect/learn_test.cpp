#include "tocsin/detect/detector.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

// learn(): what a stream adapts is its own.

using tocsin::index_t;
using tocsin::learning_settings;
using tocsin::matrix;
using tocsin::online_training_settings;
using tocsin::verdict;
using tocsin_test::learn_slow_waves;
using tocsin_test::push_each;
using tocsin_test::same_verdicts;
using tocsin_test::says;
using tocsin_test::slow_waves;
using tocsin_test::small_forecaster;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr double never = std::numeric_limits<double>::infinity();

template <class Statistic = tocsin::mahalanobis<>, class Rule = tocsin::quantile_threshold>
using forecasting =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>, Statistic, Rule>;

template <class Detector = forecasting<>>
Detector learned(int look_ahead = 1, int epochs = 15) {
    Detector detector(small_forecaster(look_ahead));
    learn_slow_waves(detector, epochs);
    return detector;
}

/// Pushes and learns; the verdicts.
template <class Detector, class Values>
std::vector<verdict> push_and_learn(const Detector& detector,
                                    typename Detector::stream_type& stream, const Values& values) {
    std::vector<verdict> verdicts;
    for (index_t t = 0; t < values.cols(); ++t) {
        verdicts.push_back(detector.push(stream, values.col(t)));
        detector.learn(stream);
    }
    return verdicts;
}
int anomalies(std::span<const verdict> verdicts) {
    return static_cast<int>(std::count_if(verdicts.begin(), verdicts.end(),
                                          [](const verdict& v) { return v.is_anomaly(); }));
}

/// Noise on the first feature that grows to `last` standard deviations of its own.
matrix<float> growing_noise(index_t samples, double last) {
    auto noisy = slow_waves(samples, 9);
    tocsin::random_generator random(4);
    for (index_t t = 0; t < samples; ++t) {
        const double growth = last * static_cast<double>(t) / static_cast<double>(samples);
        noisy(0, t) += static_cast<float>(growth * random.normal());
    }
    return noisy;
}

/// A detector with this statistic and rule, its rule fitted to labelled scores where it asks.
template <class Statistic, class Rule>
void check_no_allocation(const Rule& rule) {
    CAPTURE(Rule::kind);
    using detector_type = forecasting<Statistic, Rule>;
    detector_type detector(small_forecaster(1), {}, {}, rule);
    const auto values = slow_waves(600);
    const auto recordings = tocsin_test::windows_over(values, 300, 300);
    REQUIRE(detector.train(recordings, {}, tocsin_test::quick_trainer(2)).ok());
    REQUIRE(detector.fit_errors(recordings).ok());
    const auto tuning = slow_waves(4000, 2);
    std::vector<std::uint8_t> labels(4000);
    labels[3000] = 1;
    const auto outcome = detector.tune(tocsin_test::windows_over(tuning, 4000), labels);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());

    std::vector<typename detector_type::stream_type> streams(3, detector.make_stream());
    for (auto& stream : streams) {
        REQUIRE(detector
                    .enable_learning(stream,
                                     {.half_life = 100,
                                      .rule = true,
                                      .model = online_training_settings{.every = 3, .steps = 8}})
                    .ok());
    }
    auto workspace = detector.make_fleet_workspace(2);
    std::vector<verdict> verdicts(3);
    const auto live = growing_noise(300, 3);
    const std::uint64_t identity = detector.identity();
    const long allocations = tocsin_test::allocations_during([&] {
        for (index_t t = 0; t + 3 <= 300; t += 3) {
            detector.push_all(streams, {live.data() + t * 3, 3, 3}, verdicts, workspace);
            for (auto& stream : streams) {
                detector.learn(stream);
                detector.push(stream, live.col(t));
                detector.learn(stream);
                detector.push(stream, {not_a_number, 1.0F, 1.0F});
                detector.learn(stream);
            }
        }
    });
    CHECK(allocations == 0);
    CHECK(detector.identity() == identity);
    CHECK(tocsin_test::allocations_during(
              [&] { static_cast<void>(detector.enable_learning(streams[0], {})); }) > 0);
}
template <class Statistic>
void check_every_rule() {
    check_no_allocation<Statistic>(tocsin::quantile_threshold{});
    check_no_allocation<Statistic>(tocsin::sigma_threshold{});
    check_no_allocation<Statistic>(tocsin::manual_threshold{50});
    check_no_allocation<Statistic>(tocsin::f_beta_threshold{});
    check_no_allocation<Statistic>(tocsin::epsilon_threshold{});
    check_no_allocation<Statistic>(tocsin::spot_threshold{{.q = 1e-3, .level = 0.9}});
    check_no_allocation<Statistic>(tocsin::drift_spot_threshold{{.q = 1e-3, .level = 0.9}, 50});
    check_no_allocation<Statistic>(tocsin::spot_threshold_by_moments{{.q = 1e-3, .level = 0.9}});
    check_no_allocation<Statistic>(tocsin::alarm_rate{});
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("learn: the statistic follows errors that grow slowly", Statistic,
                       tocsin::diagonal_gaussian<>, tocsin::mahalanobis<>) {
        const auto detector = learned<forecasting<Statistic>>();
        const auto noisy = growing_noise(2000, 10);
        auto fixed = detector.make_stream();
        auto adapting = detector.make_stream();
        REQUIRE(detector.enable_learning(adapting, {.half_life = 50}).ok());
        CHECK(adapting.learns());
        CHECK_FALSE(fixed.learns());
        const int without = anomalies(push_and_learn(detector, fixed, noisy));
        const int with = anomalies(push_and_learn(detector, adapting, noisy));
        MESSAGE(without, " anomalies without, ", with, " with learning");
        CHECK(without > 500);
        CHECK(with < without / 2);
    }

    TEST_CASE("learn: streams learn apart, the detector stays as it is") {
        const auto detector = learned<>();
        const auto identity = detector.identity();
        const std::vector<float> parameters(detector.parameters().begin(),
                                            detector.parameters().end());
        const learning_settings how{
            .half_life = 50,
            .model = online_training_settings{.every = 2, .steps = 20, .learning_rate = 1e-3}};
        const auto quiet = slow_waves(600, 20);
        const auto noisy = growing_noise(600, 2);

        const auto learn_alone = [&](const matrix<float>& values) {
            auto stream = detector.make_stream();
            REQUIRE(detector.enable_learning(stream, how).ok());
            return push_and_learn(detector, stream, values);
        };
        const auto expected_quiet = learn_alone(quiet);
        const auto expected_noisy = learn_alone(noisy);

        std::vector<forecasting<>::stream_type> streams(3, detector.make_stream());
        REQUIRE(detector.enable_learning(streams[0], how).ok());
        REQUIRE(detector.enable_learning(streams[1], how).ok());
        std::vector<verdict> got[3];
        for (index_t t = 0; t < 600; ++t) {
            got[0].push_back(detector.push(streams[0], quiet.col(t)));
            got[1].push_back(detector.push(streams[1], noisy.col(t)));
            got[2].push_back(detector.push(streams[2], quiet.col(t)));
            for (auto& stream : streams) {
                detector.learn(stream);
            }
        }
        CHECK(same_verdicts(got[0], expected_quiet));
        CHECK(same_verdicts(got[1], expected_noisy));
        auto never_learned = detector.make_stream();
        CHECK(same_verdicts(got[2], push_each(detector, never_learned, quiet)));
        CHECK(detector.identity() == identity);
        CHECK(std::equal(parameters.begin(), parameters.end(), detector.parameters().begin()));
        // They did learn different things.
        const auto probe = slow_waves(1, 30);
        const double a = detector.push(streams[0], probe.col(0)).score;
        const double b = detector.push(streams[1], probe.col(0)).score;
        const double c = detector.push(streams[2], probe.col(0)).score;
        CHECK(a != b);
        CHECK(a != c);
        // A copy of a stream has copies of what it learned.
        auto copy = streams[0];
        const auto more = slow_waves(50, 31);
        const auto expected = push_and_learn(detector, copy, more);
        push_and_learn(detector, copy, noisy);
        CHECK(same_verdicts(push_and_learn(detector, streams[0], more), expected));
    }

    TEST_CASE("learn: a model that keeps learning follows a signal that changes") {
        const auto detector = learned<>(2, 25);
        auto fixed = detector.make_stream();
        auto learning = detector.make_stream();
        // The errors of the new signal are anomalies at first, and those are not learned.
        auto tolerant = detector;
        tolerant.override_thresholds(never);
        REQUIRE(tolerant
                    .enable_learning(learning,
                                     {.half_life = never,
                                      .model = online_training_settings{.every = 4,
                                                                        .steps = 40,
                                                                        .learning_rate = 5e-3}})
                    .ok());
        auto faster = slow_waves(4000, 9);
        for (index_t t = 0; t < faster.cols(); ++t) {
            faster(0, t) = static_cast<float>(5 * std::sin(0.45 * static_cast<double>(t)));
        }
        double error_fixed = 0;
        double error_learning = 0;
        for (index_t t = 0; t < faster.cols(); ++t) {
            if (t >= 3000) {
                error_fixed += std::abs(tolerant.forecast(fixed)(0, 0) - faster(0, t));
                error_learning += std::abs(tolerant.forecast(learning)(0, 0) - faster(0, t));
            }
            tolerant.push(fixed, faster.col(t));
            tolerant.push(learning, faster.col(t));
            tolerant.learn(learning);
        }
        CHECK(error_learning < 0.6 * error_fixed);
    }

    TEST_CASE("learn: anomalies and incomplete samples are not learned") {
        const auto detector = learned<>();
        const learning_settings how{
            .half_life = 5,
            .model = online_training_settings{.every = 1, .steps = 4, .learning_rate = 0.01}};
        const auto values = slow_waves(100, 9);
        auto stream = detector.make_stream();
        REQUIRE(detector.enable_learning(stream, how).ok());
        push_and_learn(detector, stream, values.leftCols(80));
        // One learns from what follows, the other is not asked to: they stay equal.
        auto asked = stream;
        auto unasked = stream;
        for (int k = 0; k < 30; ++k) {
            const std::vector<float> sample =
                k % 2 == 0 ? std::vector<float>{1000.0F + static_cast<float>(k), 0, 0}
                           : std::vector<float>{values(0, 80), not_a_number, values(2, 80)};
            const auto outcome = detector.push(asked, sample);
            CHECK((outcome.is_anomaly() || outcome.missing > 0));
            detector.learn(asked);
            CHECK(tocsin_test::same_verdict(detector.push(unasked, sample), outcome));
        }
        // What is normal is learned.
        const auto a = detector.push(asked, values.col(81));
        const auto b = detector.push(unasked, values.col(81));
        CHECK(tocsin_test::same_verdict(a, b));
    }

    TEST_CASE("learn: each sample once, however often it is called") {
        const auto detector = learned<>();
        const auto values = slow_waves(200, 9);
        const learning_settings how{.half_life = 10,
                                    .model = online_training_settings{.every = 2, .steps = 6}};
        auto once = detector.make_stream();
        auto often = detector.make_stream();
        REQUIRE(detector.enable_learning(once, how).ok());
        REQUIRE(detector.enable_learning(often, how).ok());
        for (index_t t = 0; t < 200; ++t) {
            const auto expected = detector.push(once, values.col(t));
            CHECK(tocsin_test::same_verdict(detector.push(often, values.col(t)), expected));
            detector.learn(once);
            for (int k = 0; k < 3; ++k) {
                detector.learn(often);
            }
        }
    }

    TEST_CASE_TEMPLATE("learn: a rule for streams adapts its own copy, once per sample", Rule,
                       tocsin::spot_threshold, tocsin::drift_spot_threshold) {
        using detector_type = forecasting<tocsin::mahalanobis<>, Rule>;
        detector_type detector(small_forecaster(1), {}, {},
                               Rule(tocsin::spot_settings{.q = 1e-3, .level = 0.9}));
        learn_slow_waves(detector, 5);
        const double before = detector.threshold();
        REQUIRE(std::isfinite(before));
        const auto noisy = growing_noise(1500, 1);
        auto fixed = detector.make_stream();
        auto adapting = detector.make_stream();
        auto often = detector.make_stream();
        REQUIRE(detector.enable_learning(fixed, {.half_life = never}).ok());
        REQUIRE(detector.enable_learning(adapting, {.half_life = never, .rule = true}).ok());
        REQUIRE(detector.enable_learning(often, {.half_life = never, .rule = true}).ok());
        const auto without = push_and_learn(detector, fixed, noisy);
        const auto with = push_and_learn(detector, adapting, noisy);
        CHECK(without.back().threshold == before);
        CHECK(with.front().threshold == before);
        CHECK(with.back().threshold > before);
        CHECK(detector.threshold() == before);
        CHECK(anomalies(with) < anomalies(without));
        for (index_t t = 0; t < noisy.cols(); ++t) {
            detector.push(often, noisy.col(t));
            detector.learn(often);
            detector.learn(often);
        }
        CHECK(often.last().threshold == adapting.last().threshold);
    }

    TEST_CASE("learn: on-line training never joins rows that are not neighbours") {
        // A window of the trainer must not reach across a restart, a gap, or a reset clock.
        tocsin::detector<tocsin::forecaster<float>> detector(
            small_forecaster(1), {.warm_up = 1, .longest_gap = 0, .clock_agreement = 1});
        learn_slow_waves(detector, 5);
        detector.override_thresholds(never); // nothing is an anomaly
        const learning_settings how{
            .half_life = never,
            .model = online_training_settings{.every = 1, .steps = 30, .learning_rate = 0.01}};
        const auto values = slow_waves(200, 9);
        for (const std::string kind : {"restart", "gap", "clock", "clock back"}) {
            CAPTURE(kind);
            auto stream = detector.make_stream();
            REQUIRE(detector.enable_learning(stream, how).ok());
            const auto learn_from = [&](index_t first, index_t count, double shift) {
                for (index_t t = first; t < first + count; ++t) {
                    detector.push(stream, values.col(t), static_cast<double>(t) + shift);
                    detector.learn(stream);
                }
            };
            learn_from(0, 20, 0); // too few for an update
            if (kind == "restart") {
                stream.restart();
            } else if (kind == "gap") {
                detector.push(stream, {not_a_number, not_a_number, not_a_number});
                detector.learn(stream);
            }
            learn_from(100, 29, kind == "clock" ? 1000 : kind == "clock back" ? -500 : 0);
            // Still too few: no weight has changed, so forecasts are the detector's.
            auto plain = detector.make_stream();
            for (index_t t = 100; t < 129; ++t) {
                detector.push(plain, values.col(t));
            }
            CHECK(detector.forecast(stream) == detector.forecast(plain));
            learn_from(129, 3, kind == "clock" ? 1000 : kind == "clock back" ? -500 : 0);
            for (index_t t = 129; t < 132; ++t) {
                detector.push(plain, values.col(t));
            }
            CHECK(detector.forecast(stream) != detector.forecast(plain));
        }
    }

    TEST_CASE("learn: what cannot be learned is refused by name") {
        const forecasting<> empty(small_forecaster(2));
        auto stream = empty.make_stream();
        CHECK(says(empty.enable_learning(stream, {}), "enable_learning: call fit_errors() first"));
        auto detector = learned<>(2, 2);
        stream = detector.make_stream();
        for (const double half_life : {0.5, -1.0, std::nan("")}) {
            CHECK_FALSE(detector.enable_learning(stream, {.half_life = half_life}).ok());
        }
        const auto refused = [&](const online_training_settings& model) {
            return detector.enable_learning(stream, {.half_life = 10, .model = model});
        };
        CHECK_FALSE(refused({.every = 0}).ok());
        CHECK_FALSE(refused({.steps = 0}).ok());
        CHECK_FALSE(refused({.learning_rate = -1}).ok());
        CHECK(says(refused({.steps = 2}), "updates of 2 samples are shorter than the 3"));
        CHECK_FALSE(stream.learns());
        detector.learn(stream); // no effect
        detector.override_thresholds(5);
        CHECK(says(detector.enable_learning(stream, {.rule = true}), "a threshold by hand"));

        // The newest sample alone has no errors of its own where all steps of a window count.
        const auto values = slow_waves(100);
        for (const auto scored : {tocsin::scored_steps::all, tocsin::scored_steps::newest}) {
            for (const auto view :
                 {tocsin::error_view::per_step, tocsin::error_view::per_feature}) {
                tocsin::detector<tocsin::encoder_decoder<float>> windows(
                    tocsin_test::small_lstm<float>(3),
                    {.window = 5, .scored = scored, .view = view});
                tocsin_test::run_all_phases(windows, tocsin_test::windows_over(values, 5));
                auto of_windows = windows.make_stream();
                const bool newest_alone =
                    scored == tocsin::scored_steps::newest && view == tocsin::error_view::per_step;
                CHECK(windows.enable_learning(of_windows, {}).ok() == newest_alone);
                CHECK(
                    windows
                        .enable_learning(
                            of_windows, {.half_life = never,
                                         .model = online_training_settings{.every = 1, .steps = 5}})
                        .ok());
                const auto outcomes = push_and_learn(windows, of_windows, values);
                CHECK(outcomes.back().scored());
                auto fixed = windows.make_stream();
                CHECK(push_each(windows, fixed, values).back().score != outcomes.back().score);
            }
        }
    }

    TEST_CASE("learn: nothing allocates, with every rule and the full covariance") {
        check_every_rule<tocsin::mahalanobis<>>();
    }

    TEST_CASE("learn: nothing allocates, with every rule and the diagonal covariance") {
        check_every_rule<tocsin::diagonal_gaussian<>>();
    }
}
