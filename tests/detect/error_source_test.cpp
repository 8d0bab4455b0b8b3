#include "tocsin/detect/error_source.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using tocsin::detail::error_of;

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("error of a value: missing stays missing, a broken expectation is infinite",
                       Scalar, float, double) {
        constexpr Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
        constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
        CHECK(error_of(Scalar(3), Scalar(5)) == -2);
        CHECK(std::isnan(error_of(nan, Scalar(5))));
        CHECK(std::isnan(error_of(nan, nan)));
        CHECK(std::isnan(error_of(nan, infinity)));
        for (const Scalar expectation : {nan, infinity, Scalar(-infinity)}) {
            CHECK(error_of(Scalar(1), expectation) == std::numeric_limits<double>::infinity());
        }
    }
}
