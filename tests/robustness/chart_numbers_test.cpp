// Any double, at any time, at charts, novelty and comparators: see stream_numbers_test.cpp.
#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/one_class_svm.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/novelty/nearest_value.hpp"

#include <doctest/doctest.h>

#include "hostile_numbers.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

using tocsin::random_generator;
using tocsin_test::hostile_number;

namespace {

double any_number(random_generator& random, int i) {
    return i / 40 % 5 == 4 || random() % 10 == 0 ? hostile_number(random) : random.normal();
}

tocsin::matrix<double> normal_rows(int features, int rows, random_generator& random) {
    tocsin::matrix<double> values(features, rows);
    for (double& value : values.reshaped()) {
        value = random.normal();
    }
    return values;
}

/// A scorer gives no score below the least and none that is infinite, whatever came before.
template <class Scorer>
void check_scorer(Scorer scorer, double least = 0) {
    random_generator random(3);
    REQUIRE(scorer.fit(normal_rows(2, 200, random)).ok());
    for (int i = 0; i < 2000; ++i) {
        const std::array<double, 2> sample = {any_number(random, i), any_number(random, i + 7)};
        const double score = scorer.push(sample);
        const bool complete = std::isfinite(sample[0]) && std::isfinite(sample[1]);
        CHECK((std::isnan(score) || (score >= least && std::isfinite(score))));
        if (i > 100 && complete) {
            CHECK_FALSE(std::isnan(score));
        }
    }
}

} // namespace

TEST_SUITE("robustness") {
    TEST_CASE("cusum: a row counts at most as ten deviations, so the sums fall as fast as stated") {
        random_generator random(1);
        tocsin::cusum chart(0.5);
        int hostile = 0;
        for (int i = 0; i < 2000; ++i) {
            const double value = any_number(random, i);
            hostile += std::abs(value) > 6 ? 1 : 0;
            const double score = chart.push(value);
            CHECK((std::isnan(value) || (score >= 0 && score <= 10.0 * (i + 1))));
        }
        REQUIRE(hostile > 100);
        int rows = 0;
        while (chart.score() > 0) {
            chart.push(0);
            ++rows;
        }
        CHECK(rows <= 2 * 10 * 2000);
    }

    TEST_CASE("mewma: is finite after any doubles and right 300 / weight rows later") {
        random_generator random(2);
        tocsin::mahalanobis<> statistic(2);
        statistic.accumulate(normal_rows(2, 500, random));
        REQUIRE(statistic.fit().ok());
        tocsin::mewma attacked(statistic, 0.1);
        for (int i = 0; i < 2000; ++i) {
            const std::array<double, 2> row = {any_number(random, i), any_number(random, i + 3)};
            const double score = attacked.push(row);
            CHECK((score >= 0 && std::isfinite(score)));
        }
        tocsin::mewma clean(statistic, 0.1);
        for (int i = 0; i < 3000; ++i) {
            const std::array<double, 2> row = {random.normal(), random.normal()};
            attacked.push(row);
            clean.push(row);
        }
        CHECK(attacked.score() == doctest::Approx(clean.score()).epsilon(1e-9));
    }

    TEST_CASE("nearest_value: is finite after any doubles and right 2 * memory values later") {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            random_generator random(seed);
            tocsin::nearest_value attacked(300);
            for (int i = 0; i < 2000; ++i) {
                const double value = any_number(random, i);
                const double score = attacked.push(value);
                CHECK((std::isnan(score) ||
                       (score >= 0 && score <= tocsin::nearest_value::largest_score)));
            }
            tocsin::nearest_value clean(300);
            double left = 0;
            double right = 0;
            for (int i = 0; i < 600; ++i) {
                const double value = random.normal();
                left = attacked.push(value);
                right = clean.push(value);
            }
            CHECK(left == doctest::Approx(right).epsilon(1e-6));
        }
    }

    TEST_CASE("nearest_value: a single wrong reading does not hide what comes after it") {
        random_generator random(4);
        tocsin::nearest_value novelty(4000);
        for (int i = 0; i < 4000; ++i) {
            novelty.push(random.normal());
        }
        const double before = novelty.score(8);
        novelty.push(-9999);
        CHECK(novelty.score(8) > before / 2);
    }

    TEST_CASE("comparators: are finite after any doubles") {
        check_scorer(tocsin::squared_difference());
        check_scorer(tocsin::moving_variance(16));
        check_scorer(tocsin::lagged_value());
        check_scorer(tocsin::pca_reconstruction());
        check_scorer(tocsin::smoothed_z_score(5));
        check_scorer(tocsin::linear_autoregression());
        check_scorer(tocsin::k_means());
        check_scorer(tocsin::isolation_forest());
        check_scorer(tocsin::nearest_value_novelty(100));
        if constexpr (tocsin::one_class_svm::available()) {
            check_scorer(tocsin::one_class_svm(), -1e3); // minus the sum of all weights at least
        }
    }

    TEST_CASE("residual_charts: a huge residual counts, however small the deviation is") {
        random_generator random(6);
        const tocsin::matrix<double> small = 1e-9 * normal_rows(1, 300, random);
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(small).ok());
        const double huge = 1e308;
        double score = 0;
        for (int i = 0; i < 10; ++i) {
            score = charts.push(std::span(&huge, 1)).of(tocsin::chart_family::level);
        }
        CHECK(score > 5);
    }

    TEST_CASE("residual_charts: are finite after any doubles and right 700 rows later") {
        random_generator random(5);
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(normal_rows(2, 3000, random)).ok());
        auto attacked = charts;
        auto clean = charts;
        for (int i = 0; i < 2000; ++i) {
            const std::array<double, 2> row = {any_number(random, i), any_number(random, i + 3)};
            const auto scores = attacked.push(row);
            for (const double value : scores.values) {
                CHECK_FALSE(std::isinf(value));
            }
        }
        tocsin::chart_scores left;
        tocsin::chart_scores right;
        for (int i = 0; i < 700; ++i) {
            const std::array<double, 2> row = {random.normal(), random.normal()};
            left = attacked.push(row);
            right = clean.push(row);
        }
        for (const auto family : {tocsin::chart_family::magnitude, tocsin::chart_family::level,
                                  tocsin::chart_family::variance}) {
            CHECK(left.of(family) == doctest::Approx(right.of(family)).epsilon(1e-6));
        }
    }
}
