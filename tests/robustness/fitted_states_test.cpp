// States of scalers, statistics, charts and rules that no fit produces: refused with the value.
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/training/adam.hpp"

#include <doctest/doctest.h>

#include "changed_states.hpp"
#include "support/memory_archive.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using tocsin_test::check_any_change;
using tocsin_test::check_refused;

namespace {

const double beyond_count = 9007199254740994.0; // 2^53 + 2

/// Correlated vectors of three elements.
tocsin::matrix<double> correlated(tocsin::index_t count, double offset = 0) {
    tocsin::random_generator random{7};
    tocsin::matrix<double> values(3, count);
    for (tocsin::index_t t = 0; t < count; ++t) {
        const double common = random.normal();
        values.col(t) << offset + common + random.normal(), 2 * random.normal() - common,
            0.1 * random.normal();
    }
    return values;
}
template <class Statistic>
Statistic fitted_statistic(double relative_ridge = tocsin::default_relative_ridge) {
    Statistic statistic(3, relative_ridge);
    statistic.accumulate(correlated(200, 5));
    REQUIRE(statistic.fit().ok());
    return statistic;
}
std::vector<double> exponential_scores(std::size_t count) {
    tocsin::random_generator random{5};
    std::vector<double> scores(count);
    for (double& score : scores) {
        score = -std::log1p(-random.uniform());
    }
    return scores;
}

/// Judges, whatever was loaded.
template <class Statistic>
void judge(Statistic& statistic) {
    const std::array<double, 3> error{4, 1, -0.2};
    std::array<double, 3> shares{};
    for (int k = 0; k < 30; ++k) {
        const double score = statistic.score(std::span<const double>(error));
        CHECK((statistic.fitted() ? score >= 0 : std::isnan(score)));
        statistic.shares(std::span<const double>(error), std::span<double>(shares));
        statistic.adapt(std::span<const double>(error), 0.1);
    }
}

} // namespace

TEST_SUITE("robustness") {
    TEST_CASE("scaler: a scale without a normal inverse is refused, set, fitted or loaded") {
        tocsin::standard_scaler<float> scaler;
        tocsin::matrix<float> samples(2, 3);
        samples << 1, 2, 3, 10, 30, 20;
        REQUIRE(scaler.fit(samples).ok());
        const auto load_scale = [&](double scale) {
            // Floats, as a file holds them: the archive in memory holds doubles.
            tocsin::column<float> offset(2);
            tocsin::column<float> scales(2);
            offset << 1, 2;
            scales << 3, static_cast<float>(scale);
            return scaler.set(offset, scales);
        };
        CHECK(load_scale(8e37).ok());
        for (const double refused : {1e38, 3e38, 1e-39, 0.0, -1.0, std::nan("")}) {
            CAPTURE(refused);
            const auto outcome = load_scale(refused);
            CHECK_FALSE(outcome.ok());
            const auto shown = tocsin::status::error(
                tocsin::error_code::format_error, static_cast<double>(static_cast<float>(refused)));
            CHECK(std::string_view(outcome.message()).find(shown.message()) !=
                  std::string_view::npos);
        }
        CHECK(scaler.scale()[1] == 8e37F); // the last good one

        tocsin::min_max_scaler<double> wide;
        tocsin::matrix<double> values(2, 3);
        values << 1, 2, 3, 10, 30, 20;
        REQUIRE(wide.fit(values).ok());
        check_refused(wide, tocsin::min_max_scaler<double>{},
                      {{"scale", 1e308},
                       {"scale", 0},
                       {"scale", -2},
                       {"scale", 5e-324},
                       {"scale", std::nan("")},
                       {"offset", std::nan("")}});
        values << 1, 2, 3, -8e307, 8e307, 20; // what is refused when loaded, no fit produces
        tocsin::min_max_scaler<double> extreme;
        CHECK_FALSE(extreme.fit(values).ok());
        check_any_change(wide, tocsin::min_max_scaler<double>{},
                         [](tocsin::min_max_scaler<double>& loaded) {
                             tocsin::matrix<double> sample = tocsin::matrix<double>::Ones(2, 1);
                             if (loaded.fitted()) {
                                 loaded.transform(sample);
                                 CHECK_FALSE(sample.hasNaN());
                             }
                         });
    }

    TEST_CASE("moments: impossible sums are refused with the value") {
        tocsin::moments<> samples(3);
        samples.add_batch(correlated(50));
        check_refused(samples, tocsin::moments<>(3),
                      {{"count", -1},
                       {"count", beyond_count},
                       {"rejected", beyond_count},
                       {"mean", std::nan("")},
                       {"scatter", -1, 4},
                       {"scatter", std::nan(""), 1},
                       {"scatter", 40.5, 1},  // the other half says something else
                       {"scatter", -40.5, 3}, // likewise
                       {"scatter", 1e-9}});   // correlations beyond 1
        auto none = tocsin_test::save(samples);
        none["count"] = {0};
        tocsin::moments<> loaded(3);
        CHECK_FALSE(tocsin_test::load(loaded, none).ok());
        auto one = tocsin_test::save(samples);
        one["count"] = {1}; // has no scatter
        CHECK_FALSE(tocsin_test::load(loaded, one).ok());
        tocsin::moments<> fresh(3);
        CHECK(tocsin_test::load(loaded, tocsin_test::save(fresh)).ok());
    }

    TEST_CASE("mahalanobis: impossible fits are refused with the value") {
        auto statistic = fitted_statistic<tocsin::mahalanobis<>>();
        const tocsin::mahalanobis<> fresh(3);
        const std::vector<tocsin_test::change> changes = {
            {"relative_ridge", -0.5},        {"relative_ridge", std::nan("")},
            {"moments.count", beyond_count}, {"covariance", -1, 0},
            {"covariance", 1e99, 1},         {"covariance", 0.25, 1},
            {"covariance", 0.25, 3},         {"covariance", 1e-9, 8},
            {"covariance", std::nan(""), 2}};
        check_refused(statistic, fresh, changes);
        auto alone = tocsin_test::save(statistic);
        alone["moments.count"] = {1};
        alone["moments.scatter"].assign(9, 0);
        auto loaded = fresh;
        const auto outcome = tocsin_test::load(loaded, alone);
        CHECK_MESSAGE(std::string_view(outcome.message()).find("got 1") != std::string_view::npos,
                      std::string{outcome.message()});
        CHECK_FALSE(loaded.fitted());
        check_any_change(statistic, fresh, judge<tocsin::mahalanobis<>>);

        // The same after adapt(), where the factor is stored too.
        const auto values = correlated(100, 6);
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            statistic.adapt(std::span<const double>(values.col(t).data(), 3), 0.02);
        }
        check_refused(statistic, fresh, changes);
        check_refused(statistic, fresh,
                      {{"whitening", 0.75, 0},
                       {"whitening", -1, 0},
                       {"whitening", 0.75, 1},
                       {"ridge_element", 3},
                       {"ridge_element", -1},
                       {"least_ridge", -1},
                       {"decorrelation", 0.5, 0},
                       {"decorrelation", 0.5, 1},
                       {"decorrelation", std::nan("")}});
        check_any_change(statistic, fresh, judge<tocsin::mahalanobis<>>);
    }

    TEST_CASE("mahalanobis: whatever adapt() has seen, its state can be loaded") {
        tocsin::random_generator random{3};
        for (const double ridge : {0.0, 1e-12, 1e-6, 0.1}) {
            for (const double weight : {0.5, 0.1, 1e-3}) {
                auto statistic = fitted_statistic<tocsin::mahalanobis<>>(ridge);
                tocsin::mahalanobis<> loaded(3);
                std::array<double, 3> error{};
                for (int k = 0; k < 2000; ++k) {
                    const double size = k % 97 == 0 ? 1e18 : k % 500 < 300 ? 1.0 : 1e-12;
                    for (double& element : error) {
                        element = k % 31 == 0 ? tocsin_test::hostile_number(random)
                                              : size * random.normal();
                    }
                    statistic.adapt(std::span<const double>(error), weight);
                    if (k % 50 == 0 || k > 1990) {
                        const auto outcome =
                            tocsin_test::load(loaded, tocsin_test::save(statistic));
                        CAPTURE(ridge);
                        CAPTURE(weight);
                        CAPTURE(k);
                        REQUIRE_MESSAGE(outcome.ok(), std::string{outcome.message()});
                    }
                }
            }
        }
    }

    TEST_CASE(
        "mahalanobis: after a vector that is far out, adapt() keeps factor and covariance alike") {
        for (const double far : {1e9, 1e18, 1e60, 1e100}) {
            for (const double weight : {0.5, 0.1}) {
                auto statistic = fitted_statistic<tocsin::mahalanobis<>>();
                const std::array<double, 3> outlier{far, -1e3 * weight, 0.25 * far};
                const std::array<double, 3> another{1, far, -0.5 * far};
                statistic.adapt(outlier, weight);
                statistic.adapt(another, weight);
                tocsin::random_generator random{2};
                std::array<double, 3> error{};
                for (int k = 0; k < 400; ++k) {
                    for (double& element : error) {
                        element = random.normal();
                    }
                    statistic.adapt(error, weight);
                }
                // For the deviation C x, d^2 = x^T C C^-1 C x = x^T C x.
                const tocsin::column<double> direction = tocsin::column<double>::Ones(3);
                const tocsin::column<double> at =
                    statistic.mean() + statistic.covariance() * direction;
                const double distance = direction.dot(statistic.covariance() * direction);
                CAPTURE(far);
                CAPTURE(weight);
                CHECK(statistic.score(at) == doctest::Approx(distance).epsilon(1e-4));
            }
        }
    }

    TEST_CASE("diagonal Gaussian: impossible fits are refused with the value") {
        auto statistic = fitted_statistic<tocsin::diagonal_gaussian<>>();
        const tocsin::diagonal_gaussian<> fresh(3);
        check_refused(statistic, fresh,
                      {{"relative_ridge", -0.5},
                       {"count", 1},
                       {"count", -1},
                       {"count", beyond_count},
                       {"rejected", beyond_count},
                       {"running_mean", std::nan("")},
                       {"square_sum", -1},
                       {"square_sum", std::nan("")},
                       {"variance", -2},
                       {"variance", 0},
                       {"variance", 5e-324},
                       {"variance", std::nan("")},
                       {"mean", std::nan("")}});
        auto none = tocsin_test::save(statistic);
        none["count"] = {0};
        auto loaded = fresh;
        CHECK_FALSE(tocsin_test::load(loaded, none).ok());
        CHECK_FALSE(loaded.fitted());
        check_any_change(statistic, fresh, judge<tocsin::diagonal_gaussian<>>);
    }

    TEST_CASE("charts: impossible states are refused with the value") {
        tocsin::cusum sums;
        sums.push(3);
        check_refused(sums, tocsin::cusum{},
                      {{"reference", -1},
                       {"reference", 1e308},
                       {"above", -1},
                       {"above", 1e10},
                       {"below", std::nan("")}});

        tocsin::mewma average(fitted_statistic<tocsin::mahalanobis<>>());
        const std::array<double, 3> residual{9, -3, 0.5};
        average.push(residual);
        check_refused(average, tocsin::mewma{},
                      {{"weight", 0},
                       {"weight", 1.5},
                       {"average", 1e10},
                       {"average", -1e10, 0},
                       {"average", std::nan("")},
                       {"dimension", -1},
                       {"dimension", 1e6},
                       {"statistic.covariance", 0.25, 1}});
        check_any_change(average, tocsin::mewma{}, [&](tocsin::mewma& loaded) {
            for (int k = 0; k < 10; ++k) {
                CHECK_FALSE(loaded.push(residual) < 0);
            }
        });

        tocsin::residual_charts charts;
        REQUIRE(charts.fit(correlated(500)).ok());
        for (int k = 0; k < 40; ++k) {
            charts.push(residual);
        }
        check_refused(charts, tocsin::residual_charts{},
                      {{"targets", -1},
                       {"targets", 65537},
                       {"2.mean", 1e101},
                       {"2.scale", 0},
                       {"2.scale", -1},
                       {"2.scale", 5e-324}, // the charts would be blind
                       {"2.scale", 1e101},
                       {"0.units", 0.5, 0},
                       {"0.units", 1e3, 3},
                       {"0.units", 1e3, 4},
                       {"0.units", -1e3, 5},
                       {"0.units", -1, 9},
                       {"0.units", 1e3, 9},
                       {"0.units", std::nan(""), 7},
                       {"0.units", 5e-324, 7}, // scores without end
                       {"0.units", 0.25, 7},   // independent residuals stray farther
                       {"1.chart.smoothing", 0},
                       {"1.chart.smoothing", 1e-300}, // would see nothing new
                       {"1.chart.magnitude", 65},
                       {"1.chart.magnitude", -1},
                       {"1.chart.count", 301},
                       {"1.chart.next", 41},
                       {"1.chart.residuals", 1e9, 3},
                       {"1.chart.residuals", 0.5, 3},
                       {"1.chart.residuals", 7}}); // a row that has not been
        check_any_change(charts, tocsin::residual_charts{}, [](tocsin::residual_charts& loaded) {
            const std::vector<double> zeros(static_cast<std::size_t>(loaded.targets()), 0.0);
            for (int k = 0; k < 320; ++k) {
                loaded.push(zeros);
            }
            const auto scores = loaded.push(zeros);
            for (const double score : scores.values) {
                CHECK((loaded.targets() == 0 || std::isfinite(score)));
            }
        });
    }

    TEST_CASE("nearest value, rate monitor: impossible states are refused with the value") {
        tocsin::nearest_value novelty(20);
        for (const double score : exponential_scores(30)) {
            novelty.push(score);
        }
        check_refused(novelty, tocsin::nearest_value(5),
                      {{"memory", 1},
                       {"memory", 16777217},
                       {"memory", 21},
                       {"values", 1e101},
                       {"values", std::nan("")},
                       {"spread.scatter", -1}});
        tocsin::rate_monitor monitor(5);
        for (int k = 0; k < 100; ++k) {
            monitor.push(k % 50 == 7);
        }
        check_refused(monitor, tocsin::rate_monitor{},
                      {{"promised", -1},
                       {"promised", 1e5},
                       {"memory", 0},
                       {"recent_rows", 101},
                       {"recent_rows", 1},
                       {"recent_alarms", 3},
                       {"recent_alarms", -1},
                       {"alarms", -1},
                       {"alarms", 101},
                       {"rows", -1},
                       {"rows", 99},
                       {"rows", beyond_count}});
        tocsin::rate_monitor forgetful(1000, 1); // half of a row's weight is gone after 10 rows
        for (int k = 0; k < 2000; ++k) {
            forgetful.push(k % 50 == 7);
        }
        check_refused(forgetful, tocsin::rate_monitor{}, {{"recent_rows", 1000}});
    }

    TEST_CASE("threshold rules: settings that fit() refuses are refused when they are loaded") {
        const auto scores = exponential_scores(400);
        tocsin::quantile_threshold quantile;
        REQUIRE(quantile.fit(scores, {}).ok());
        check_refused(quantile, tocsin::quantile_threshold{},
                      {{"quantile", 7},
                       {"quantile", -0.5},
                       {"factor", 0},
                       {"factor", -1},
                       {"threshold", std::nan("")}});
        tocsin::sigma_threshold sigma;
        REQUIRE(sigma.fit(scores, {}).ok());
        check_refused(sigma, tocsin::sigma_threshold{},
                      {{"k", std::nan("")}, {"threshold", std::nan("")}});
        std::vector<std::uint8_t> labels(scores.size());
        labels[5] = 1;
        tocsin::f_beta_threshold best;
        REQUIRE(best.fit(scores, labels).ok());
        check_refused(best, tocsin::f_beta_threshold{},
                      {{"beta", -1}, {"threshold", std::nan("")}});
        tocsin::manual_threshold manual(3);
        check_refused(manual, tocsin::manual_threshold{}, {{"threshold", std::nan("")}});

        tocsin::quantile_threshold unfitted(7); // may be saved: only fit() judges it
        CHECK(tocsin_test::load(quantile, tocsin_test::save(unfitted)).ok());
        CHECK_FALSE(quantile.fitted());

        tocsin::alarm_rate rate;
        REQUIRE(rate.fit(scores, {}).ok());
        check_refused(rate, tocsin::alarm_rate{},
                      {{"alarms", 0},
                       {"level", 0.25},
                       {"gap", -1},
                       {"clusters", -1},
                       {"clusters", beyond_count},
                       {"run_gap", 0},
                       {"run_gap", 9007199254740992.0},
                       {"run_gap", beyond_count},
                       {"clusters", 0}, // their shares are counts
                       {"extremal_index", 5e-324},
                       {"tail_share", 5e-324},
                       {"tail_share", 0.25},
                       {"scale", 5e-324},
                       {"extremal_index", 0},
                       {"extremal_index", 1.5},
                       {"tail_share", 0},
                       {"tail_share", 1},
                       {"shape", 1},
                       {"shape", -1e3},
                       {"scale", 0},
                       {"scale", 1e101},
                       {"body", 1e101},
                       {"body", -1},
                       {"body", std::nan("")},
                       {"threshold", 0.125},
                       {"threshold", 1e6}});
        check_any_change(rate, tocsin::alarm_rate{}, [](tocsin::alarm_rate& loaded) {
            CHECK_FALSE(loaded.expected_false_alarms(1) < 0);
            CHECK((!loaded.fitted() || std::isfinite(loaded.threshold())));
        });
    }

    TEST_CASE("adam: a negative second moment is refused with the value") {
        const std::array<float, 6> state{-1, 0, 1, 0, 2, -0.25F};
        const auto outcome = tocsin::adam{}.check_state(std::span<const float>(state));
        CHECK_FALSE(outcome.ok());
        CHECK(std::string_view(outcome.message()).find("-0.25") != std::string_view::npos);
        CHECK(tocsin::adam{}.check_state(std::span<const float>(state).first(4)).ok());
    }
}
