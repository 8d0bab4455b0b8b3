#include "tocsin/detect/mean_baseline.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/scalers/identity_scaler.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cmath>
#include <limits>

TEST_SUITE("detect") {
    TEST_CASE("mean_baseline: the error of the training mean, missing values left out") {
        tocsin::matrix<float> values(1, 6);
        values << 1, 3, 1, 3, std::numeric_limits<float>::quiet_NaN(), 7;
        const auto all = tocsin::make_windows(values, 2, 2).value();
        const auto training = all.slice(0, 2);
        tocsin::standard_scaler<float> scaler;
        REQUIRE(scaler.fit(training).ok());
        const auto model = tocsin_test::small_lstm<float>(1);
        CHECK(tocsin::rmse_of_mean(model, scaler, training, training) == doctest::Approx(1));
        CHECK(tocsin::rmse_of_mean(model, scaler, training, all.slice(2, 1)) == doctest::Approx(5));
        CHECK(std::isnan(tocsin::rmse_of_mean(model, scaler, training, all.slice(0, 0))));
    }

    TEST_CASE("mean_baseline: what a forecaster copies counts as predicted") {
        tocsin::matrix<float> values(2, 4);
        values << 1, -1, 1, -1, 2, -2, 2, -2;
        const auto window = tocsin::make_windows(values, 4).value();
        tocsin::identity_scaler<float> scaler;
        REQUIRE(scaler.fit(window).ok());
        // Squares of 1 in three of eight places.
        const auto model = tocsin::forecaster<float>::with_layers(2, 1, {3});
        CHECK(tocsin::rmse_of_mean(model, scaler, window, window) ==
              doctest::Approx(std::sqrt(3.0 / 8)));
    }
}
