#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <limits>
#include <span>
#include <vector>

namespace {

using tocsin::chart_family;

tocsin::matrix<double> gaussian_residuals(int targets, int rows, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> residuals(targets, rows);
    for (double& value : residuals.reshaped()) {
        value = 5 + 2 * random.normal();
    }
    return residuals;
}

tocsin::residual_charts charts_of(int targets) {
    tocsin::residual_charts charts;
    REQUIRE(charts.fit(gaussian_residuals(targets, 5000, 1)).ok());
    return charts;
}

tocsin::chart_scores push_column(tocsin::residual_charts& charts,
                                 const tocsin::matrix<double>& values, tocsin::index_t t) {
    return charts.push(
        {values.data() + t * values.rows(), static_cast<std::size_t>(values.rows())});
}

/// By definition, from the last residuals.
double level_by_definition(const std::deque<double>& last, int rows) {
    double sum = 0;
    for (int k = 0; k < rows; ++k) {
        sum += std::clamp(last[last.size() - 1 - static_cast<std::size_t>(k)], -4.0, 4.0);
    }
    return sum / std::sqrt(rows);
}
double log_variance_by_definition(const std::deque<double>& last, int rows) {
    double sum = 0;
    for (int k = 0; k < rows; ++k) {
        const double r = std::clamp(last[last.size() - 1 - static_cast<std::size_t>(k)], -64., 64.);
        sum += r * r;
    }
    return std::log(sum / rows);
}

/// The charts after `rows` residuals against their definition.
void check_against_definition(std::int64_t rows) {
    tocsin::random_generator random(7);
    tocsin::residual_chart chart;
    std::deque<double> last;
    for (std::int64_t t = 0; t < rows; ++t) {
        // Sizes from a millionth of a deviation to beyond what is kept, fast to draw.
        const double size = (t & 1023) == 0 ? 100 : (t & 511) == 0 ? 1e-6 : 2;
        const double residual = size * random.uniform(-1, 1);
        chart.push(residual);
        if (t + 1000 >= rows) {
            last.push_back(residual);
        }
    }
    for (std::size_t k = 0; k < tocsin::level_chart_rows.size(); ++k) {
        CHECK(
            chart.level(k) ==
            doctest::Approx(level_by_definition(last, tocsin::level_chart_rows[k])).epsilon(1e-5));
    }
    for (std::size_t k = 0; k < tocsin::variance_chart_rows.size(); ++k) {
        CHECK(chart.log_variance(k) ==
              doctest::Approx(log_variance_by_definition(last, tocsin::variance_chart_rows[k]))
                  .epsilon(1e-5));
    }
}

} // namespace

TEST_SUITE("charts") {

    TEST_CASE("residual_chart: equals its definition, also after many samples") {
        check_against_definition(1000);
        check_against_definition(2'000'000);
    }
    TEST_CASE("residual_chart: equals its definition after 1e9 samples") {
        if (std::getenv("TOCSIN_LONG_TESTS") == nullptr) {
            MESSAGE("skipped: TOCSIN_LONG_TESTS is not set");
            return;
        }
        check_against_definition(1'000'000'000);
    }

    TEST_CASE("residual_chart: the bits after 1e6 samples equal a chart's that began late") {
        tocsin::random_generator random(9);
        tocsin::residual_chart old;
        tocsin::residual_chart young;
        for (int t = 0; t < 1'000'000; ++t) {
            const double residual = 3 * random.normal();
            old.push(residual);
            if (t >= 1'000'000 - 300) {
                young.push(residual);
            }
        }
        for (std::size_t k = 0; k < 4; ++k) {
            CHECK(old.level(k) == young.level(k));
        }
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(old.log_variance(k) == young.log_variance(k));
        }
    }

    TEST_CASE("residual_chart: waits for enough rows, and leaves out what is not finite") {
        tocsin::residual_chart chart;
        CHECK(std::isnan(chart.magnitude()));
        CHECK(std::isnan(chart.level(0)));
        for (int t = 0; t < 10; ++t) {
            CHECK(std::isnan(chart.level(0)));
            CHECK(chart.push(1));
            CHECK_FALSE(chart.push(std::nan("")));
            CHECK_FALSE(chart.push(std::numeric_limits<double>::infinity()));
        }
        CHECK(chart.count() == 10);
        CHECK(chart.level(0) == doctest::Approx(std::sqrt(10.0)));
        CHECK(std::isnan(chart.level(1)));
        CHECK(std::isnan(chart.log_variance(0)));
        CHECK(chart.magnitude() == doctest::Approx(1).epsilon(0.03)); // from sqrt(2 / pi)
        CHECK(chart.push(1e300));
        CHECK(chart.magnitude() < 65);
        for (int t = 0; t < 300; ++t) {
            chart.push(0);
        }
        CHECK(chart.level(3) == 0);
        CHECK(chart.log_variance(2) == doctest::Approx(-40 * std::log(2.0)));
    }

    TEST_CASE("residual_charts: charts of few rows stray farther in new rows, and are scored so") {
        // Residuals that depend on each other, of five targets: 300 rows are ten of the chart of 30.
        tocsin::random_generator random(3);
        tocsin::column<double> last = tocsin::column<double>::Zero(5);
        const auto residuals = [&](int rows) {
            tocsin::matrix<double> values(5, rows);
            for (int t = 0; t < rows; ++t) {
                for (double& value : last) {
                    value = 0.5 * value + std::sqrt(0.75) * random.normal();
                }
                values.col(t) = last;
            }
            return values;
        };
        int flagged = 0;
        int judged = 0;
        for (int fit = 0; fit < 10; ++fit) {
            const auto normal = residuals(300);
            tocsin::residual_charts charts;
            REQUIRE(charts.fit(normal).ok());
            std::array<std::vector<double>, 3> values;
            const auto of_column = [](const tocsin::matrix<double>& all, tocsin::index_t t) {
                return std::span<const double>(all.col(t).data(), 5);
            };
            for (int t = 0; t < 300; ++t) {
                const auto scores = charts.push_fitted(of_column(normal, t));
                for (std::size_t k = 0; k < 3; ++k) {
                    if (!std::isnan(scores.values[k])) {
                        values[k].push_back(scores.values[k]);
                    }
                }
            }
            std::array<tocsin::alarm_rate, 3> rules;
            for (std::size_t k = 0; k < 3; ++k) {
                rules[k] = tocsin::alarm_rate({.alarms = 10});
                REQUIRE(rules[k].fit(values[k], {}).ok());
            }
            charts.reset();
            const auto fresh = residuals(3000);
            for (int t = 0; t < 3000; ++t) {
                const auto scores = charts.push(of_column(fresh, t));
                bool high = false;
                for (std::size_t k = 0; k < 3; ++k) {
                    high = high || rules[k].exceeds(scores.values[k]);
                    CHECK(scores.origins[k].rows <= 75);
                }
                flagged += high ? 1 : 0;
                ++judged;
            }
        }
        MESSAGE(flagged, " of ", judged, " normal rows exceed a threshold; before, 62 % did");
        CHECK(flagged < judged / 15);
    }

    TEST_CASE("residual_charts: normal residuals stay low in every family") {
        auto charts = charts_of(3);
        const auto normal = gaussian_residuals(3, 5000, 2);
        std::array<double, 3> largest{};
        for (tocsin::index_t t = 0; t < normal.cols(); ++t) {
            const auto scores = push_column(charts, normal, t);
            for (std::size_t k = 0; k < 3; ++k) {
                largest[k] = std::fmax(largest[k], scores.values[k]);
            }
        }
        CHECK(largest[0] < 3);
        CHECK(largest[1] < 6);
        CHECK(largest[2] < 7);
        CHECK(largest[1] > 1);
    }

    TEST_CASE("residual_charts: a small step that stays is seen by the level, with its sensor") {
        auto charts = charts_of(3);
        auto values = gaussian_residuals(3, 1000, 3);
        values.row(1).tail(500).array() += 1; // half a deviation
        tocsin::chart_scores scores;
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            scores = push_column(charts, values, t);
        }
        CHECK(scores.of(chart_family::level) > 6);
        CHECK(scores.origin_of(chart_family::level).target == 1);
        CHECK(scores.origin_of(chart_family::level).rows == 300);
        CHECK(scores.of(chart_family::magnitude) < 3);
    }

    TEST_CASE("residual_charts: a sensor that goes quiet and one that shakes are seen") {
        for (const double factor : {0.01, 2.0}) {
            auto charts = charts_of(2);
            auto values = gaussian_residuals(2, 600, 4);
            values.row(0).tail(200) = 5 + factor * (values.row(0).tail(200).array() - 5);
            tocsin::chart_scores scores;
            for (tocsin::index_t t = 0; t < values.cols(); ++t) {
                scores = push_column(charts, values, t);
            }
            CHECK(scores.of(chart_family::variance) > 6);
            CHECK(scores.origin_of(chart_family::variance).target == 0);
        }
    }

    TEST_CASE("residual_charts: residuals that depend on each other are no shift") {
        tocsin::random_generator random(5);
        tocsin::matrix<double> slow(1, 20000);
        double value = 0;
        for (double& residual : slow.reshaped()) {
            value = 0.95 * value + random.normal();
            residual = value;
        }
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(slow.leftCols(10000)).ok());
        double largest = 0;
        for (tocsin::index_t t = 10000; t < 20000; ++t) {
            largest = std::fmax(largest, charts.push({slow.data() + t, 1}).of(chart_family::level));
        }
        CHECK(largest < 5);
    }

    TEST_CASE("residual_charts: a wrong reading among the rows of the fit hides nothing") {
        const auto normal = gaussian_residuals(1, 4000, 2);
        auto shifted = gaussian_residuals(1, 400, 3);
        shifted.array() += 1; // half a deviation
        auto noisy = gaussian_residuals(1, 400, 4);
        noisy.array() = 5 + 1.5 * (noisy.array() - 5);
        const auto scores_after = [](tocsin::residual_charts charts, const auto& rows) {
            tocsin::chart_scores last;
            for (tocsin::index_t t = 0; t < rows.cols(); ++t) {
                last = push_column(charts, rows, t);
            }
            return last;
        };
        tocsin::residual_charts clean;
        REQUIRE(clean.fit(normal).ok());
        const double level = scores_after(clean, shifted).of(chart_family::level);
        const double variance = scores_after(clean, noisy).of(chart_family::variance);
        REQUIRE(level > 5);
        REQUIRE(variance > 5);
        for (const double wrong : {-1000.0, -9999.0, 1e20, 1e300}) {
            auto rows = normal;
            rows.middleCols(2000, 11).setConstant(wrong); // and what is forecast from it
            rows(0, 100) = -wrong / 1000;
            tocsin::residual_charts charts;
            REQUIRE(charts.fit(rows).ok());
            CHECK(scores_after(charts, shifted).of(chart_family::level) ==
                  doctest::Approx(level).epsilon(0.1));
            CHECK(scores_after(charts, noisy).of(chart_family::variance) ==
                  doctest::Approx(variance).epsilon(0.1));
        }
    }

    TEST_CASE("residual_charts: wrong readings do not hide each other, nor take a chart's rows") {
        const auto normal = gaussian_residuals(1, 1200, 2);
        tocsin::residual_charts clean;
        REQUIRE(clean.fit(normal).ok());
        const auto scores_of = [](tocsin::residual_charts charts) {
            auto rows = gaussian_residuals(1, 400, 3);
            rows.array() += 1;
            tocsin::chart_scores last;
            for (tocsin::index_t t = 0; t < rows.cols(); ++t) {
                last = push_column(charts, rows, t);
            }
            return last;
        };
        const auto expected = scores_of(clean);
        for (const double other : {260.0, 300.0, 577.0, 577.5, -900.0}) {
            CAPTURE(other);
            auto rows = normal;
            rows(0, 50) = -1000;
            rows(0, 600) = other;
            tocsin::residual_charts charts;
            REQUIRE(charts.fit(rows).ok());
            CHECK(charts.targets_with(chart_family::level, 300) == 1);
            CHECK(charts.targets_with(chart_family::variance, 300) == 1);
            for (const auto family : {chart_family::level, chart_family::variance}) {
                CHECK(scores_of(charts).of(family) ==
                      doctest::Approx(expected.of(family)).epsilon(0.1));
            }
        }
    }

    TEST_CASE(
        "residual_charts: what is rare but usual is the deviation of a target that hardly varies") {
        tocsin::matrix<double> rows = tocsin::matrix<double>::Zero(1, 4000);
        for (tocsin::index_t t = 500; t < rows.cols(); t += 1000) {
            rows(0, t) = 2;
        }
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(rows).ok());
        charts.push({rows.data(), 1});
        const double rare = 2;
        const double deviation = 2 * std::sqrt(4.0 / 4000);
        CHECK(charts.push({&rare, 1}).of(chart_family::magnitude) ==
              doctest::Approx(0.2 * 2 / deviation).epsilon(0.01));
    }

    TEST_CASE("residual_charts: says for how many targets there is each chart") {
        auto residuals = gaussian_residuals(2, 3000, 4);
        residuals.row(1).tail(2500).setConstant(std::nan(""));
        tocsin::residual_charts charts;
        CHECK(charts.targets_with(chart_family::magnitude, 0) == 0);
        REQUIRE(charts.fit(residuals).ok());
        CHECK(charts.targets_with(chart_family::magnitude, 0) == 2);
        CHECK(charts.targets_with(chart_family::level, 100) == 2);
        CHECK(charts.targets_with(chart_family::level, 300) == 1); // of 500 rows
        CHECK(charts.targets_with(chart_family::variance, 300) == 1);
        CHECK(charts.has(chart_family::variance));
        CHECK(charts.targets_with(chart_family::level, 301) == 0);
    }

    TEST_CASE("residual_charts: magnitudes start at what is usual") {
        // Like a normal distribution, mostly 0 with rare errors, and always the same.
        auto residuals = gaussian_residuals(3, 5000, 12);
        for (tocsin::index_t t = 0; t < residuals.cols(); ++t) {
            residuals(1, t) = t % 1000 == 500 ? 1 : 0;
        }
        residuals.row(2).setConstant(0.1);
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(residuals).ok());
        push_column(charts, residuals, 0);
        const double first = std::abs(residuals(0, 0) - 5) / 2;
        CHECK(charts.chart(0).magnitude() ==
              doctest::Approx(0.8 * 0.798 + 0.2 * first).epsilon(0.1));
        CHECK(charts.chart(1).magnitude() < 0.05);
        CHECK(charts.chart(2).magnitude() == 0);
    }

    TEST_CASE("residual_charts: no chart joins rows across a gap, neither when it is fitted") {
        // Stretches of 50 rows around another level each: within one, all charts are quiet.
        auto residuals = gaussian_residuals(1, 10000, 3);
        std::vector<std::uint8_t> starts(10000, 0);
        for (tocsin::index_t t = 0; t < 10000; ++t) {
            residuals(0, t) = 0.01 * residuals(0, t) + (t / 50 % 2 == 0 ? 1 : -1);
            starts[static_cast<std::size_t>(t)] = t % 50 == 0 ? 1 : 0;
        }
        tocsin::residual_charts joined;
        tocsin::residual_charts apart;
        REQUIRE(joined.fit(residuals).ok());
        REQUIRE(apart.fit(residuals, starts).ok());
        double of_joined = 0;
        double of_apart = 0;
        for (tocsin::index_t t = 0; t < 50; ++t) {
            of_joined = push_column(joined, residuals, t).of(chart_family::level);
            of_apart = push_column(apart, residuals, t).of(chart_family::level);
        }
        // The charts of 30 rows are at sqrt(30) in every stretch of 50: that is their unit. Those that
        // crossed a gap were at 0, so that their unit was smaller and their score larger.
        CHECK(of_apart == doctest::Approx(1).epsilon(0.01));
        CHECK(of_joined > 1.1);
    }

    TEST_CASE("residual_charts: missing sensors wait, other sizes have no score") {
        auto charts = charts_of(2);
        const auto values = gaussian_residuals(2, 400, 6);
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            const std::array<double, 2> row = {values(0, t), std::nan("")};
            const auto scores = charts.push(row);
            CHECK(scores.origin_of(chart_family::magnitude).target == 0);
        }
        CHECK(charts.chart(1).count() == 0);
        const std::array<double, 2> none = {std::nan(""), std::nan("")};
        CHECK(std::isnan(charts.push(none).of(chart_family::level)));
        const std::array<double, 3> three = {1, 1, 1};
        CHECK(std::isnan(charts.push(three).of(chart_family::magnitude)));
    }

    TEST_CASE("residual_charts: what cannot be fitted is named") {
        tocsin::residual_charts charts;
        CHECK_FALSE(charts.fit(tocsin::matrix<double>(0, 100)).ok());
        CHECK_FALSE(charts.fit(gaussian_residuals(2, 19, 1)).ok());
        auto holes = gaussian_residuals(2, 100, 1);
        holes.row(1).head(90).setConstant(std::nan(""));
        CHECK_FALSE(charts.fit(holes).ok());
        CHECK_FALSE(charts.fitted());
        // A sensor without any error is fitted, and its first error is seen.
        REQUIRE(charts.fit(tocsin::matrix<double>::Zero(1, 100).eval()).ok());
        const double small = 1e-3;
        CHECK(charts.push({&small, 1}).of(chart_family::magnitude) > 10);
        // So is one whose error is always the same, though a mean of it has a rounding error.
        for (const double always : {3.0, 0.1, -1e6 / 7}) {
            REQUIRE(charts.fit(tocsin::matrix<double>::Constant(1, 1000, always).eval()).ok());
            tocsin::chart_scores usual;
            for (int t = 0; t < 300; ++t) {
                usual = charts.push({&always, 1});
            }
            CHECK(usual.of(chart_family::magnitude) < 1e-9);
            CHECK(usual.of(chart_family::level) == 0);
            const double other = always * (1 + 1e-12);
            CHECK(charts.push({&other, 1}).of(chart_family::magnitude) < 0.01);
        }
    }

    TEST_CASE("residual_charts: after loading every score has the same bits") {
        auto charts = charts_of(12);
        const auto values = gaussian_residuals(12, 1000, 8);
        for (tocsin::index_t t = 0; t < 450; ++t) {
            push_column(charts, values, t);
        }
        tocsin::residual_charts loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(charts)).ok());
        for (tocsin::index_t t = 450; t < 1000; ++t) {
            REQUIRE(push_column(charts, values, t).values == push_column(loaded, values, t).values);
        }
        auto content = tocsin_test::save(charts);
        content["11.chart.residuals"][3] = 0.5;
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
        CHECK_FALSE(loaded.fitted());
    }
}
