#include "tocsin/series/series.hpp"

#include <doctest/doctest.h>

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("series: features are rows, time steps are columns", Scalar, float, double) {
        tocsin::series<Scalar> recording;
        CHECK(recording.features() == 0);
        CHECK(recording.time() == 0);
        recording.values.setZero(3, 40);
        CHECK(recording.features() == 3);
        CHECK(recording.time() == 40);
    }

    TEST_CASE_TEMPLATE("series: sequences of a set stand one after the other", Scalar, float,
                       double) {
        tocsin::sequence_set<Scalar> set;
        CHECK(set.count() == 0);
        set.length = 4;
        set.values.setRandom(2, 12);
        CHECK(set.count() == 3);
        CHECK(set.sequence(1) == set.values.middleCols(4, 4));
        set.sequence(2)(0, 0) = 50;
        CHECK(set.values(0, 8) == 50);
        const auto all = set.windows();
        REQUIRE(all.count() == 3);
        CHECK(all.length() == 4);
        CHECK(all.window(2) == set.sequence(2));
    }

    TEST_CASE("series: an empty set has no windows") {
        CHECK(tocsin::sequence_set<float>{}.windows().empty());
    }
}
