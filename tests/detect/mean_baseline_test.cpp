#include "tocsin/detect/mean_baseline.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"

#include <doctest/doctest.h>

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
        CHECK(tocsin::rmse_of_mean(scaler, training, training) == doctest::Approx(1));
        CHECK(tocsin::rmse_of_mean(scaler, training, all.slice(2, 1)) == doctest::Approx(5));
        CHECK(std::isnan(tocsin::rmse_of_mean(scaler, training, all.slice(0, 0))));
    }
}
