// Under RealtimeSanitizer, as nonblocking_test.cpp: what judges beside a detector of windows or
// forecasts. Times, charts, rules, memories of values, alarm control, comparators, ensembles.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/io/timestamp_stream.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/novelty/value_cells.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "nonblocking.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::index_t;
using tocsin_test::must_not_block;
using tocsin_test::normal_scores;
using tocsin_test::not_a_number;

namespace {

/// A rule that has been fitted: what verdicts ask it.
template <class Rule>
void drive_rule(Rule rule, std::span<const std::uint8_t> labels = {}) {
    const auto scores = normal_scores(1000);
    REQUIRE(rule.fit(scores, labels).ok());
    int above = 0;
    for (const double score : scores) {
        must_not_block([&] {
            above += rule.fitted() && rule.exceeds(score) && score > rule.threshold() ? 1 : 0;
            if constexpr (requires { rule.expected_false_alarms(score); }) {
                above += rule.expected_false_alarms(score) < 0 ? 1000000 : 0;
                above += rule.p_value(score) < 0 || std::isnan(rule.score_at(2)) ? 1000000 : 0;
            }
        });
    }
    CHECK(above < 500);
}

/// An ensemble's member, one after the other sample, with holes.
template <class Detector>
int push_waves(const Detector& detector, const tocsin::matrix<float>& values) {
    auto stream = detector.make_stream();
    const std::vector<float> missing(static_cast<std::size_t>(values.rows()), not_a_number);
    int judged = 0;
    for (index_t t = 0; t < values.cols(); ++t) {
        const tocsin::sample_view<float> sample = t % 50 == 49
                                                      ? tocsin::sample_view<float>(missing)
                                                      : tocsin::sample_view<float>(values.col(t));
        must_not_block([&] {
            const auto said = [&] {
                if constexpr (requires { detector.push(stream, sample, 0.0); }) {
                    return detector.push(stream, sample, static_cast<double>(t));
                } else {
                    return detector.push(stream, sample);
                }
            }();
            if constexpr (requires { said.combined; }) {
                judged += said.combined.scored() ? 1 : 0;
            } else {
                judged += said.scored() ? 1 : 0;
            }
        });
    }
    return judged;
}

template <class Scorer>
auto rated(Scorer scorer) {
    tocsin::scored_comparator<Scorer> made(std::move(scorer), tocsin::alarm_rate({.alarms = 10}));
    const auto fitted = made.fit(tocsin_test::slow_waves(600).template cast<double>(),
                                 tocsin_test::slow_waves(600, 2).template cast<double>());
    REQUIRE_MESSAGE(fitted.ok(), fitted.message());
    return made;
}

template <class Network>
void drive_classifier(const Network& network) {
    tocsin::classifier_detector<Network> tested(network, {.window = 8, .stride = 3});
    const auto values = tocsin_test::slow_waves(300);
    std::vector<std::uint8_t> labels(300);
    for (std::size_t t = 0; t < labels.size(); ++t) {
        labels[t] = t % 50 >= 40 ? 1 : 0;
    }
    const tocsin::matrix_view<const float> view(values.data(), values.rows(), values.cols());
    tocsin::classifier_trainer<> how;
    how.epochs = 1;
    const auto trained = tested.train(view, labels, view, labels, how);
    REQUIRE_MESSAGE(trained.ok(), trained.message());
    REQUIRE(tested.set_threshold(0.5).ok());
    CHECK(push_waves(tested, values) > 200);
    auto stream = tested.make_stream();
    std::vector<double> shares(3);
    for (index_t t = 0; t < 20; ++t) {
        must_not_block([&] {
            tested.push(stream, values.col(t));
            tested.explain(stream, shares);
        });
    }
}

template <class Model>
void drive_rows(Model model) {
    tocsin::detector<Model, tocsin::min_max_scaler<float>> tested(std::move(model), {.window = 1});
    const auto values = tocsin_test::waves<float>(4, 200, 1);
    tocsin_test::run_all_phases(tested, tocsin_test::windows_over(values, 1));
    CHECK(push_waves(tested, values) > 150);
}

} // namespace

TEST_SUITE("realtime") {
    TEST_CASE("realtime: classifiers push and explain") {
        drive_classifier(
            tocsin::bidirectional_lstm_classifier<float>(3, 1, {.hidden = 3, .dense = 4}));
        drive_classifier(tocsin::stacked_lstm_classifier<float>(3, 1, {.first = 3, .second = 4}));
        drive_classifier(tocsin::fully_convolutional_classifier<float>(
            3, 1, {.filters = {4, 5, 4}, .kernels = {4, 3, 3}}));
    }

    TEST_CASE("realtime: ensembles and comparators push") {
        const auto values = tocsin_test::slow_waves(400, 3);
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::mahalanobis<>, tocsin::alarm_rate>
            forecasts(tocsin_test::small_forecaster(1), {.warm_up = 20}, {},
                      tocsin::alarm_rate({.alarms = 10}));
        tocsin_test::learn_slow_waves(forecasts, 2);
        const auto last = rated(tocsin::lagged_value{});
        const tocsin::ensemble both({.combine = tocsin::combination::mean_log, .promised = 10},
                                    forecasts, last);
        REQUIRE(both.check().ok());
        CHECK(push_waves(both, values) > 300);
        CHECK(push_waves(last, values) > 300);
        CHECK(push_waves(rated(tocsin::linear_autoregression{}), values) > 300);
        CHECK(push_waves(rated(tocsin::pca_reconstruction{}), values) > 300);
        CHECK(push_waves(rated(tocsin::k_means{}), values) > 300);
        CHECK(push_waves(rated(tocsin::isolation_forest{}), values) > 300);
        CHECK(push_waves(rated(tocsin::nearest_value_novelty{}), values) > 300);
        CHECK(push_waves(rated(tocsin::smoothed_z_score{}), values) > 300);
        CHECK(push_waves(rated(tocsin::moving_variance{}), values) > 200);
        auto stream = both.make_stream();
        std::vector<double> shares(3);
        must_not_block([&] {
            both.push(stream, values.col(0));
            both.shares(stream, shares);
        });
    }

    TEST_CASE("realtime: a charted detector pushes, explains and shares") {
        tocsin::detector<tocsin::forecaster<float>> forecasts(tocsin_test::small_forecaster(1),
                                                              {.warm_up = 20});
        tocsin_test::learn_slow_waves(forecasts, 2);
        tocsin::charted_detector charted(std::move(forecasts), {.promised = 10});
        const auto fitted = charted.fit(tocsin_test::slow_waves(2000, 4));
        REQUIRE_MESSAGE(fitted.ok(), fitted.message());
        const auto values = tocsin_test::slow_waves(400, 3);
        CHECK(push_waves(charted, values) > 200);
        auto stream = charted.make_stream();
        std::vector<double> shares(3);
        must_not_block([&] {
            charted.push(stream, values.col(0), 0.0);
            charted.push(stream, values.col(1), -1e9); // before the last one
            charted.shares(stream, shares);
        });
    }

    TEST_CASE("realtime: peaks over threshold by moments learn, alone and in a detector") {
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.9;
        settings.memory = 50;
        tocsin::spot_threshold_by_moments rule(settings);
        REQUIRE(rule.fit(normal_scores(1000), {}).ok());
        int above = 0;
        for (const double score : normal_scores(5000)) {
            must_not_block([&] {
                above += rule.push(score) == tocsin::push_outcome::alarm ? 1 : 0;
                above += rule.tail_probability(score) < 0 ? 1000000 : 0;
            });
        }
        CHECK(rule.excesses() == settings.memory);
        CHECK(above < 100);
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::diagonal_gaussian<>, tocsin::spot_threshold_by_moments>
            tested(tocsin_test::small_forecaster(1), {}, {}, rule);
        tocsin_test::learn_slow_waves(tested, 2);
        auto stream = tested.make_stream();
        REQUIRE(tested.enable_learning(stream, {.half_life = 100, .rule = true}).ok());
        const auto values = tocsin_test::slow_waves(1000, 3);
        int scored = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            must_not_block([&] {
                scored += tested.push(stream, values.col(t)).scored() ? 1 : 0;
                tested.learn(stream);
            });
        }
        CHECK(scored > 800); // it warms up first
    }

    TEST_CASE("realtime: detectors of rows push") {
        const tocsin::row_model_sizes sizes{.outer = 6, .inner = 5, .latent = 2};
        drive_rows(tocsin::make_row_autoencoder<float>(4, sizes));
        drive_rows(tocsin::make_variational_autoencoder<float>(4, sizes));
        drive_rows(tocsin::make_bigan<float>(4, sizes));
    }

    TEST_CASE("realtime: a detector whose rule is drift-spot learns") {
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.9;
        settings.memory = 50;
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::mahalanobis<>, tocsin::drift_spot_threshold,
                         tocsin::alarm_chain<tocsin::minimum_duration, tocsin::refractory_period,
                                             tocsin::rate_monitor>>
            tested(tocsin_test::small_forecaster(1), {}, {},
                   tocsin::drift_spot_threshold{settings, 10},
                   tocsin::alarm_chain{tocsin::minimum_duration{2}, tocsin::refractory_period{5},
                                       tocsin::rate_monitor{10}});
        tocsin_test::learn_slow_waves(tested, 2);
        auto stream = tested.make_stream();
        REQUIRE(tested.enable_learning(stream, {.half_life = 100, .rule = true}).ok());
        const auto values = tocsin_test::slow_waves(1000, 3);
        int scored = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            scored += tested.push(stream, values.col(t)).scored() ? 1 : 0;
            tested.learn(stream);
        }
        CHECK(scored > 800); // it warms up first
    }

    TEST_CASE("realtime: charts push, score, share, reset") {
        tocsin::random_generator random{4};
        tocsin::matrix<double> residuals(3, 400);
        for (double& residual : residuals.reshaped()) {
            residual = random.normal();
        }
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(residuals).ok());
        tocsin::mahalanobis<> statistic(3);
        statistic.accumulate(residuals);
        REQUIRE(statistic.fit().ok());
        tocsin::mewma average(statistic);
        tocsin::cusum sums;
        std::array<double, 3> shares{};
        double largest = 0;
        for (index_t t = 0; t < residuals.cols(); ++t) {
            const std::span<const double> residual(residuals.col(t).data(), 3);
            must_not_block([&] {
                const auto scores = charts.push(residual);
                largest = std::fmax(largest, scores.of(tocsin::chart_family::level));
                largest = std::fmax(largest, average.push(residual));
                average.shares(shares);
                largest = std::fmax(largest, sums.push(residual[0]));
                if (t == 350) {
                    charts.reset();
                    average.reset();
                    sums.reset();
                }
            });
        }
        CHECK(largest > 1);
    }

    TEST_CASE("realtime: statistics judge vectors of their own fit, moments add") {
        const auto drive = [](auto statistic) {
            tocsin::random_generator random{4};
            std::vector<double> errors(60);
            for (double& error : errors) {
                error = random.normal();
            }
            statistic.accumulate(std::span<const double>(errors));
            REQUIRE(statistic.fit().ok());
            const std::array<double, 3> error{1, -1, 0.5};
            double sum = 0;
            must_not_block([&] {
                sum = statistic.score_left_out(error, 20) + statistic.law().tail_probability(3) +
                      statistic.density().at(3);
            });
            CHECK(std::isfinite(sum));
        };
        drive(tocsin::mahalanobis<>(3));
        drive(tocsin::diagonal_gaussian<>(3));
        tocsin::moments<> samples(3);
        const tocsin::column<double> sample = tocsin::column<double>::Ones(3);
        must_not_block([&] {
            samples.add(sample);
            samples.reset();
            samples.add(sample);
        });
        CHECK(samples.count() == 1);
    }

    TEST_CASE("realtime: every threshold rule is asked") {
        std::vector<std::uint8_t> labels(1000);
        for (std::size_t k = 0; k < labels.size(); k += 20) {
            labels[k] = 1;
        }
        drive_rule(tocsin::manual_threshold{2});
        drive_rule(tocsin::quantile_threshold{0.95});
        drive_rule(tocsin::sigma_threshold{2});
        drive_rule(tocsin::f_beta_threshold{0.1}, labels);
        drive_rule(tocsin::epsilon_threshold{3});
        drive_rule(tocsin::alarm_rate({.alarms = 10}));
    }

    TEST_CASE("realtime: values that have occurred, alarm control, timestamps") {
        tocsin::nearest_value novelty(200);
        tocsin::value_cells<32> cells(-4, 4, 200);
        tocsin::hysteresis levels{2, 1};
        tocsin::minimum_deviation deviation{1, tocsin::direction::above};
        tocsin::rate_monitor monitor{5};
        tocsin::alarm_chain chain{tocsin::m_of_n{2, 3},        tocsin::minimum_duration{2},
                                  tocsin::suppression{5},      tocsin::refractory_period{3},
                                  tocsin::run_declustering{2}, tocsin::no_alarm_control{}};
        tocsin::timestamp_stream clock;
        constexpr std::array<std::string_view, 4> texts{
            "2024-02-29T12:30:00Z", "2024-02-29T12:31:00+01:00", "", "yesterday"};
        int flags = 0;
        std::size_t row = 0;
        for (const double score : normal_scores(5000)) {
            must_not_block([&] {
                flags += novelty.push(row % 40 == 0 ? std::nan("") : score) > 1 ? 1 : 0;
                flags += novelty.score(9) < 0 ? 1000000 : 0;
                flags += cells.push(score) > 3 ? 1 : 0;
                flags +=
                    monitor.push(chain.push(deviation.push(levels.push(score), score))) ? 1 : 0;
                flags += monitor.realised() < 0 || monitor.rate_exceeded() ? 0 : 1;
                flags += clock.seconds(texts[row % texts.size()]) < 0 ? 1000000 : 0;
                if (++row == 2500) {
                    novelty.reset();
                    cells.reset();
                    monitor.reset();
                    chain.reset();
                }
            });
        }
        CHECK(flags > 0);
        CHECK(flags < 1000000);
    }
}
