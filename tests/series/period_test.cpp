#include "tocsin/core/random.hpp"
#include "tocsin/series/period.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

TEST_SUITE("series") {
    TEST_CASE("dominant_period: of a wave in noise, and of spikes") {
        tocsin::random_generator random(1);
        tocsin::matrix<double> wave(1, 1000);
        tocsin::matrix<float> spikes = tocsin::matrix<float>::Zero(1, 500);
        for (tocsin::index_t t = 0; t < 1000; ++t) {
            wave(0, t) = std::sin(2 * std::numbers::pi / 37.0 * double(t)) + 0.2 * random.normal();
        }
        for (tocsin::index_t t = 0; t < 500; t += 11) {
            spikes(0, t) = 1;
        }
        CHECK(tocsin::dominant_period(wave, 10).value() == doctest::Approx(37).epsilon(0.03));
        CHECK(tocsin::dominant_period(spikes).value() == 11);
        CHECK(tocsin::dominant_period(spikes, 12).value() == 22);
    }

    TEST_CASE("dominant_period: 0 without a period; refuses several features and missing values") {
        tocsin::matrix<double> values(1, 50);
        for (int t = 0; t < 50; ++t) {
            values(0, t) = t;
        }
        CHECK(tocsin::dominant_period(values).value() == 0);
        CHECK(tocsin::dominant_period(values.leftCols(3)).value() == 0);
        CHECK_FALSE(tocsin::dominant_period(values, 1).has_value());
        CHECK_FALSE(tocsin::dominant_period(values, 5, 4).has_value());
        CHECK_FALSE(tocsin::dominant_period(tocsin::matrix<double>::Zero(2, 50)).has_value());
        values(0, 7) = std::numeric_limits<double>::quiet_NaN();
        CHECK_FALSE(tocsin::dominant_period(values).has_value());
    }
}
