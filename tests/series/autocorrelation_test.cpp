#include "tocsin/core/random.hpp"
#include "tocsin/series/autocorrelation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("autocorrelations: five numbers by hand", Scalar, float, double) {
        tocsin::matrix<Scalar> values(1, 5);
        values << 1, 2, 3, 4, 5; // deviations -2 -1 0 1 2, sum of squares 10
        const double expected[] = {1.0, 0.4, -0.1, -0.4, -0.4};
        for (int lag = 0; lag < 5; ++lag) {
            CHECK(tocsin::autocorrelations(values, lag).value()[0] ==
                  doctest::Approx(expected[lag]));
        }
    }

    TEST_CASE("autocorrelations: noise resembles nothing, a trend itself, a wave its period") {
        tocsin::random_generator random(3);
        tocsin::matrix<float> values(3, 400);
        for (tocsin::index_t t = 0; t < 400; ++t) {
            values(0, t) = static_cast<float>(random.normal());
            values(1, t) = static_cast<float>(t);
            values(2, t) = static_cast<float>(std::sin(2 * std::numbers::pi / 20.0 * double(t)));
        }
        const auto whole = tocsin::autocorrelations(values, 20).value();
        CHECK(std::abs(whole[0]) < 0.15);
        CHECK(whole[1] > 0.8);
        CHECK(whole[2] == doctest::Approx(0.95)); // 380 of 400 products
        CHECK(tocsin::autocorrelations(values, 10).value()[2] == doctest::Approx(-0.975));
    }

    TEST_CASE("autocorrelations: a constant feature gives 0, one with NaN gives NaN") {
        tocsin::matrix<double> values(3, 4);
        values << 0.1, 0.1, 0.1, 0.1,                          //
            1, std::numeric_limits<double>::quiet_NaN(), 2, 3, //
            1, std::numeric_limits<double>::infinity(), 2, 3;
        const auto found = tocsin::autocorrelations(values, 1).value();
        CHECK(found[0] == 0);
        CHECK(std::isnan(found[1]));
        CHECK(std::isnan(found[2]));
    }

    TEST_CASE("autocorrelations: one sample, no feature, no sample, a lag out of range") {
        CHECK(tocsin::autocorrelations(tocsin::matrix<float>::Ones(2, 1), 0).value().size() == 2);
        CHECK(tocsin::autocorrelations(tocsin::matrix<float>(0, 5), 2).value().empty());
        CHECK_FALSE(tocsin::autocorrelations(tocsin::matrix<float>(2, 0), 0).has_value());
        CHECK_FALSE(tocsin::autocorrelations(tocsin::matrix<float>::Ones(2, 5), -1).has_value());
        const auto refused = tocsin::autocorrelations(tocsin::matrix<float>::Ones(2, 5), 5);
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string(refused.error().message()).find("lag 5") != std::string::npos);
    }
}
