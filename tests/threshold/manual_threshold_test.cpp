#include "tocsin/threshold/manual_threshold.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <limits>
#include <vector>

TEST_SUITE("threshold") {

    TEST_CASE("manual threshold: scores and labels change nothing") {
        tocsin::manual_threshold rule(2.5);
        CHECK(rule.threshold() == 2.5);
        CHECK(rule.fit({}, {}).ok());
        CHECK(rule.fit(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, {}).ok());
        CHECK(rule.threshold() == 2.5);
        CHECK(rule.exceeds(2.6));
        CHECK_FALSE(rule.exceeds(2.5));
        CHECK_FALSE(rule.exceeds(std::numeric_limits<double>::quiet_NaN()));
    }

    TEST_CASE("manual threshold: one that is not finite is refused and flags nothing") {
        for (const double bad :
             {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
            tocsin::manual_threshold rule(bad);
            CHECK(rule.fit({}, {}).code() == tocsin::error_code::invalid_argument);
            CHECK_FALSE(rule.exceeds(1e300));
            tocsin::manual_threshold loaded(1);
            CHECK_FALSE(tocsin_test::load(loaded, tocsin_test::save(rule)).ok());
        }
    }

    TEST_CASE("manual threshold: one without a threshold waits to be loaded") {
        tocsin::manual_threshold rule;
        CHECK_FALSE(rule.fitted());
        CHECK(rule.threshold() == std::numeric_limits<double>::infinity());
        CHECK_FALSE(rule.exceeds(1e300));
        CHECK(rule.fit({}, {}).code() == tocsin::error_code::invalid_argument);
        tocsin::manual_threshold saved(-3.5);
        REQUIRE(tocsin_test::load(rule, tocsin_test::save(saved)).ok());
        CHECK(rule.fitted());
        CHECK(rule.threshold() == -3.5);
    }

    TEST_CASE("manual threshold: loading restores it") {
        tocsin::manual_threshold original(0.1);
        tocsin::manual_threshold loaded(7);
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.threshold() == 0.1);
    }
}
