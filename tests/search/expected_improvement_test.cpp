#include "tocsin/core/random.hpp"
#include "tocsin/search/expected_improvement.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using tocsin::expected_improvement;
using tocsin::function_estimate;
using tocsin::log_expected_improvement;

TEST_SUITE_BEGIN("search");

TEST_CASE("expected improvement: is the mean improvement of draws") {
    tocsin::random_generator random(5);
    for (const function_estimate& estimate :
         {function_estimate{0.3, 0.5}, {-1, 0.2}, {2, 1}, {0, 2}}) {
        constexpr int draws = 400'000;
        double sum = 0;
        double squares = 0;
        for (int k = 0; k < draws; ++k) {
            const double improvement =
                std::max(0.1 - (estimate.mean + estimate.deviation * random.normal()), 0.0);
            sum += improvement / draws;
            squares += improvement * improvement / draws;
        }
        const double error = std::sqrt((squares - sum * sum) / draws);
        CHECK(std::abs(expected_improvement(estimate, 0.1) - sum) < 4 * error);
    }
}

TEST_CASE("expected improvement: known values, and none without a deviation") {
    // deviation (z Phi(z) + phi(z)) from tables of the normal distribution
    CHECK(expected_improvement({0, 1}, 0) == doctest::Approx(0.3989422804014327));
    CHECK(expected_improvement({0, 2}, 2) == doctest::Approx(2 * 1.0833154705876863));
    CHECK(expected_improvement({1, 1}, 0) == doctest::Approx(0.0833154705876863));
    CHECK(expected_improvement({1, 0}, 3) == 2);
    CHECK(expected_improvement({3, 0}, 1) == 0);
    CHECK(expected_improvement({50, 1}, 0) == 0);
}

TEST_CASE(
    "expected improvement: the logarithm agrees with it, and stays finite where it vanishes") {
    for (double lowest = 6; lowest > -9; lowest -= 0.37) {
        const function_estimate estimate{0.2, 0.7};
        CHECK(
            log_expected_improvement(estimate, lowest * 0.7).value ==
            doctest::Approx(std::log(expected_improvement(estimate, lowest * 0.7))).epsilon(1e-9));
    }
    // ln(phi(z) + z Phi(z)) by 60-digit arithmetic
    CHECK(log_expected_improvement({0, 1}, -9.9).value ==
          doctest::Approx(-54.538591240015).epsilon(1e-6));
    CHECK(log_expected_improvement({0, 1}, -20).value ==
          doctest::Approx(-206.91783850943).epsilon(1e-6));
    CHECK(log_expected_improvement({0, 1}, -100).value ==
          doctest::Approx(-5010.1295788002).epsilon(1e-8));
    const double below = log_expected_improvement({0, 1}, -10 - 1e-9).value;
    const double above = log_expected_improvement({0, 1}, -10 + 1e-9).value;
    CHECK(std::abs(below - above) < 1e-4);
    CHECK(log_expected_improvement({0, 0}, 1).value == -std::numeric_limits<double>::infinity());
}

TEST_CASE("expected improvement: slopes of the logarithm match finite differences") {
    for (const double lowest : {3.0, 0.5, -1.0, -6.0, -9.9, -10.1, -30.0}) {
        constexpr double step = 1e-5;
        const function_estimate at{0.1, 0.9};
        const auto value = [&](double mean, double deviation) {
            return log_expected_improvement({mean, deviation}, lowest).value;
        };
        const auto found = log_expected_improvement(at, lowest);
        // The series is good to 2e-5 where it begins.
        CHECK(found.by_mean == doctest::Approx((value(at.mean + step, at.deviation) -
                                                value(at.mean - step, at.deviation)) /
                                               (2 * step))
                                   .epsilon(1e-4));
        CHECK(found.by_deviation == doctest::Approx((value(at.mean, at.deviation + step) -
                                                     value(at.mean, at.deviation - step)) /
                                                    (2 * step))
                                        .epsilon(1e-4));
    }
}

TEST_SUITE_END();
