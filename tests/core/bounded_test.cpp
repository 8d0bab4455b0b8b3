#include "tocsin/core/bounded.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_SUITE("core") {
    TEST_CASE("bounded: values inside stay, others become the bound, NaN stays") {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        for (const double value : {0.0, -0.0, 1.5, -1e100, 1e100, 5e-324}) {
            CHECK(tocsin::bounded(value) == value);
            CHECK(tocsin::is_bounded(value));
        }
        for (const double value : {1.1e100, 1.79e308, infinity}) {
            CHECK(tocsin::bounded(value) == 1e100);
            CHECK(tocsin::bounded(-value) == -1e100);
            CHECK_FALSE(tocsin::is_bounded(value));
            CHECK_FALSE(tocsin::is_bounded(-value));
        }
        CHECK(std::isnan(tocsin::bounded(std::nan(""))));
        CHECK_FALSE(tocsin::is_bounded(std::nan("")));
        CHECK(tocsin::is_bounded(-2, 2));
        CHECK_FALSE(tocsin::is_bounded(2.5, 2));
    }
}
