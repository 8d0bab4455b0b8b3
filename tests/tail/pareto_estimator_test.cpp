#include "tocsin/core/random.hpp"
#include "tocsin/tail/pareto_estimator.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace {

double excess(double shape, tocsin::random_generator& random) {
    return tocsin::generalised_pareto{shape, 2}.quantile_of_tail(1 - random.uniform());
}

} // namespace

TEST_SUITE("threshold") {
    TEST_CASE("moments: their variance of the logarithm of a tail is that of many fits") {
        tocsin::random_generator random(3);
        constexpr int excesses = 1000;
        constexpr int fits = 2000;
        std::vector<double> sample(excesses);
        std::vector<double> scratch(excesses);
        for (const double shape : {-0.3, -0.1, 0.0, 0.1, 0.2}) {
            const tocsin::generalised_pareto truth{shape, 2};
            const double y = truth.quantile_of_tail(0.02);
            double sum = 0;
            double squares = 0;
            for (int k = 0; k < fits; ++k) {
                for (double& each : sample) {
                    each = excess(shape, random);
                }
                const auto found = tocsin::moments_estimator::fit({sample, {}}, {}, scratch);
                REQUIRE(found.method == tocsin::pareto_method::moments);
                const double logarithm = std::log(found.tail.tail_probability(y));
                sum += logarithm / fits;
                squares += logarithm * logarithm / fits;
            }
            const double expected =
                tocsin::moments_estimator::log_tail_variance(truth, excesses, y);
            INFO("shape ", shape);
            // Of first order: towards the end of a bounded tail the logarithm is curved, which adds a
            // fifth at shape -0.3.
            const double ratio = (squares - sum * sum) / expected;
            CHECK(ratio > 0.9);
            CHECK(ratio < (shape < -0.2 ? 1.3 : 1.15));
            CHECK(expected > tocsin::likelihood_estimator::log_tail_variance(truth, excesses, y));
        }
        // Where there is none, it is bounded all the same.
        CHECK(tocsin::moments_estimator::log_tail_variance({0.9, 1}, 10, 1e6) == 4);
    }

    TEST_CASE("moments: a censored excess counts as its expectation") {
        tocsin::random_generator random(4);
        for (const double shape : {-0.3, 0.0, 0.2}) {
            const tocsin::generalised_pareto tail{shape, 2};
            const double least = tail.quantile_of_tail(0.1);
            double sum = 0;
            int beyond = 0;
            for (int k = 0; k < 1'000'000; ++k) {
                const double y = excess(shape, random);
                sum += y > least ? y : 0;
                beyond += y > least ? 1 : 0;
            }
            CHECK(tocsin::moments_estimator::censored_excess(tail, least) ==
                  doctest::Approx(sum / beyond).epsilon(0.01));
        }
        // Beyond the end of a tail there is nothing; a mean that is infinite is not taken.
        CHECK(tocsin::moments_estimator::censored_excess({-0.5, 1}, 3) == 3);
        CHECK(tocsin::moments_estimator::censored_excess({0.9, 1}, 1) == 4);
        CHECK(tocsin::moments_estimator::censored_excess({0.9, 1}, 2e100) == 2e100);
    }

    TEST_CASE("moments: too few excesses, or none above 0, give no fit") {
        std::vector<double> scratch(10);
        const std::vector<double> zeros(10, 0.0);
        const auto method = [&](std::span<const double> sample) {
            return tocsin::moments_estimator::fit({sample, {}}, {}, scratch).method;
        };
        CHECK(method(zeros) == tocsin::pareto_method::none);
        CHECK(method({}) == tocsin::pareto_method::none);
        const std::vector<double> four{1, 2, 3, 4};
        CHECK(method(four) == tocsin::pareto_method::none);
        const std::vector<double> five{1, 2, 3, 4, 5};
        CHECK(method(five) == tocsin::pareto_method::moments);
    }
}
