#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/io/archive.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace {

/// Mean rows to the first alarm, over several runs.
template <class Chart, class Draw>
double run_length(Chart chart, double limit, int runs, Draw&& draw) {
    double rows = 0;
    for (int run = 0; run < runs; ++run) {
        chart.reset();
        do {
            ++rows;
        } while (!(chart.push(draw()) > limit));
    }
    return rows / runs;
}

double cusum_run_length(double limit, double shift, int runs) {
    tocsin::random_generator random(1);
    return run_length(tocsin::cusum(0.5), limit, runs, [&] { return random.normal() + shift; });
}

/// A statistic that knows mean 0 and covariance 1 exactly, from the corners of a cross.
tocsin::mahalanobis<> standard_statistic(int dimension) {
    tocsin::mahalanobis<> statistic(dimension, 0);
    // 2 d vectors +-sqrt((2 d - 1) / 2) e_k: mean 0, covariance the identity.
    const double length = std::sqrt((2.0 * dimension - 1) / 2);
    for (int k = 0; k < dimension; ++k) {
        tocsin::column<double> vector = tocsin::column<double>::Zero(dimension);
        vector[k] = length;
        statistic.accumulate(vector);
        vector[k] = -length;
        statistic.accumulate(vector);
    }
    REQUIRE(statistic.fit().ok());
    return statistic;
}

double mewma_run_length(int dimension, double weight, double limit, double shift, int runs) {
    tocsin::random_generator random(2);
    std::vector<double> sample(static_cast<std::size_t>(dimension));
    return run_length(tocsin::mewma(standard_statistic(dimension), weight), limit, runs, [&] {
        for (double& value : sample) {
            value = random.normal();
        }
        sample[0] += shift;
        return std::span<const double>(sample);
    });
}

} // namespace

TEST_SUITE("charts") {

    // Montgomery, "Introduction to Statistical Quality Control", table of the tabular CUSUM with
    // k = 1/2; 6000 runs have a standard error of at most 1.3 per cent.
    TEST_CASE("cusum: average run lengths are the published ones") {
        struct line {
            double shift;
            double by_4;
            double by_5;
        };
        for (const line& each : {line{0, 168, 465}, line{0.25, 74.2, 139}, line{0.5, 26.6, 38.0},
                                 line{0.75, 13.3, 17.0}, line{1, 8.38, 10.4}, line{1.5, 4.75, 5.75},
                                 line{2, 3.34, 4.01}, line{3, 2.19, 2.57}}) {
            CAPTURE(each.shift);
            CHECK(cusum_run_length(4, each.shift, 6000) ==
                  doctest::Approx(each.by_4).epsilon(0.05));
            CHECK(cusum_run_length(5, each.shift, 6000) ==
                  doctest::Approx(each.by_5).epsilon(0.05));
        }
    }

    TEST_CASE("cusum: sums by hand, NaN, huge values") {
        tocsin::cusum chart(0.5);
        CHECK(chart.push(1.5) == doctest::Approx(1));
        CHECK(chart.push(0.25) == doctest::Approx(0.75));
        CHECK(std::isnan(chart.push(std::nan(""))));
        CHECK(chart.score() == doctest::Approx(0.75));
        CHECK(chart.push(-3) == doctest::Approx(2.5));
        CHECK(chart.below() == doctest::Approx(2.5));
        CHECK(chart.above() == 0);
        CHECK(std::isfinite(chart.push(std::numeric_limits<double>::infinity())));
        chart.reset();
        CHECK(chart.score() == 0);
        chart.push(1e300); // one wrong reading is gone after 20 rows
        for (int row = 0; row < 20; ++row) {
            chart.push(0);
        }
        CHECK(chart.score() == 0);
        CHECK_FALSE(tocsin::cusum(-1).check().ok());
        CHECK_FALSE(tocsin::cusum(std::nan("")).check().ok());
        chart.push(2);
        tocsin::cusum loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(chart)).ok());
        CHECK(loaded.push(1) == chart.push(1));
        auto content = tocsin_test::save(chart);
        content["above"] = {-1};
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
    }

    // Prabhu and Runger, "Designing a multivariate EWMA control chart", Journal of Quality
    // Technology 29, 1997, for the chart of Lowry et al. (1992).
    TEST_CASE("mewma: average run lengths are the published ones") {
        struct line {
            int dimension;
            double limit;
            double shift;
            double length;
        };
        for (const line& each :
             {line{2, 8.64, 0, 199.9}, line{2, 8.64, 0.5, 28.07}, line{2, 8.64, 1, 10.15},
              line{2, 8.64, 1.5, 6.11}, line{2, 8.64, 2, 4.42}, line{2, 8.64, 3, 2.93},
              line{4, 12.73, 0.5, 35.11}, line{4, 12.73, 1, 12.17}, line{4, 12.73, 2, 5.19},
              line{4, 12.73, 3, 3.41}}) {
            CAPTURE(each.dimension);
            CAPTURE(each.shift);
            CHECK(mewma_run_length(each.dimension, 0.1, each.limit, each.shift,
                                   each.shift == 0 ? 4000 : 3000) ==
                  doctest::Approx(each.length).epsilon(0.06));
        }
    }

    TEST_CASE("mewma: one wrong reading counts as ten deviations") {
        const auto statistic = standard_statistic(2);
        tocsin::mewma chart(statistic, 0.1);
        tocsin::mewma by_ten(statistic, 0.1);
        const double mean = statistic.mean()[0];
        const double ten = mean + 10 * std::sqrt(statistic.covariance()(0, 0));
        const double wrong[] = {1e300, 0.0};
        const double bounded[] = {ten, 0.0};
        CHECK(chart.push(wrong) == doctest::Approx(by_ten.push(bounded)));
    }

    TEST_CASE("mewma: weight 1 is Hotelling's chart") {
        const auto statistic = standard_statistic(3);
        tocsin::mewma chart(statistic, 1);
        const std::array<double, 3> sample = {1, -2, 0.5};
        CHECK(chart.push(sample) == doctest::Approx(statistic.score(sample)));
        std::array<double, 3> shares{};
        chart.shares(shares);
        CHECK(shares[1] == doctest::Approx(4 / 5.25));
    }

    TEST_CASE("mewma: missing elements wait, and what cannot be judged has no score") {
        tocsin::mewma chart(standard_statistic(2), 0.5);
        const std::array<double, 2> partial = {4, std::nan("")};
        CHECK(chart.push(partial) == doctest::Approx(3 * 4));
        CHECK(std::isnan(chart.push(std::array<double, 3>{1, 1, 1})));
        CHECK(std::isnan(tocsin::mewma().push({})));
        CHECK_FALSE(tocsin::mewma().check().ok());
        CHECK_FALSE(tocsin::mewma(standard_statistic(2), 0).check().ok());
        tocsin::mewma loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(chart)).ok());
        const std::array<double, 2> next = {1, 2};
        CHECK(loaded.push(next) == chart.push(next));
    }

    TEST_CASE("mewma: what could not be loaded is not saved") {
        for (const tocsin::mewma& chart : {tocsin::mewma(), tocsin::mewma(tocsin::mahalanobis<>(2)),
                                           tocsin::mewma(standard_statistic(2), 0),
                                           tocsin::mewma(standard_statistic(2), std::nan(""))}) {
            tocsin::archive_writer writer;
            writer.object("chart", chart);
            CHECK_FALSE(writer.outcome().ok());
        }
    }
}
