#include "tocsin/math/quantile.hpp"

#include <doctest/doctest.h>

#include <span>
#include <vector>

TEST_SUITE("math") {

    // Expected values of numpy.quantile (linear).
    TEST_CASE("interpolated_quantile: order statistics and what lies between them") {
        const std::vector<double> values{7, 1, 4, 10};
        const auto at = [&](double fraction) {
            std::vector<double> copy = values;
            return tocsin::interpolated_quantile(std::span(copy), fraction);
        };
        CHECK(at(0) == 1);
        CHECK(at(1) == 10);
        CHECK(at(0.5) == doctest::Approx(5.5));
        CHECK(at(0.25) == doctest::Approx(3.25));
        CHECK(at(0.9) == doctest::Approx(9.1));
    }

    TEST_CASE("interpolated_quantile: one value, equal values, floats") {
        std::vector<float> one{3};
        CHECK(tocsin::interpolated_quantile(std::span(one), 0.3) == 3);
        std::vector<float> equal(5, 2.5F);
        CHECK(tocsin::interpolated_quantile(std::span(equal), 0.7) == 2.5);
    }
}
