#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

/// f(x) = sin(x0) x1 + exp(x2 / 2), with its gradient.
double function(const std::vector<double>& x) {
    return std::sin(x[0]) * x[1] + std::exp(x[2] / 2);
}
std::vector<double> gradient(const std::vector<double>& x) {
    return {std::cos(x[0]) * x[1], std::sin(x[0]), std::exp(x[2] / 2) / 2};
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("gradient_check: a right gradient passes far below 1e-6, variables are restored") {
        std::vector<double> x{0.4, -1.3, 0.8};
        const auto before = x;
        const auto worst = tocsin::check_gradient([&] { return function(x); }, x, gradient(x));
        CHECK(worst.relative_error < 1e-10);
        CHECK(x == before);
    }

    TEST_CASE("gradient_check: a wrong entry is found with its values") {
        std::vector<double> x{0.4, -1.3, 0.8};
        auto wrong = gradient(x);
        wrong[1] += 1e-5;
        const auto worst = tocsin::check_gradient([&] { return function(x); }, x, wrong);
        CHECK(worst.position == 1);
        CHECK(worst.relative_error > 1e-5);
        CHECK(worst.analytic == wrong[1]);
        CHECK(worst.numeric == doctest::Approx(std::sin(0.4)).epsilon(1e-10));
    }

    TEST_CASE("gradient_check: NaN is never taken for agreement") {
        std::vector<double> x{0.4, -1.3, 0.8};
        auto wrong = gradient(x);
        wrong[0] = std::numeric_limits<double>::quiet_NaN();
        const auto worst = tocsin::check_gradient([&] { return function(x); }, x, wrong);
        CHECK_FALSE(worst.relative_error <= 1e-6);
    }

    TEST_CASE("gradient_check: without variables there is nothing to find") {
        std::vector<double> none;
        CHECK(tocsin::check_gradient([] { return 1.0; }, none, none).position == -1);
    }
}
