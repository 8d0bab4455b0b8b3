#include "tocsin/threshold/f_beta_threshold.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

TEST_SUITE("threshold") {

    TEST_CASE("f-beta threshold: separable scores are separated in the middle") {
        const std::vector<double> scores{1, 10, 2, 20, 3};
        const std::vector<std::uint8_t> labels{0, 1, 0, 1, 0};
        tocsin::f_beta_threshold rule;
        REQUIRE(rule.fit(scores, labels).ok());
        CHECK(rule.threshold() == 6.5);
    }

    TEST_CASE("f-beta threshold: a smaller beta raises the threshold") {
        const std::vector<double> scores{1, 2, 3, 4, 5, 6};
        const std::vector<std::uint8_t> labels{0, 1, 0, 0, 0, 1};
        tocsin::f_beta_threshold precise(0.1);
        tocsin::f_beta_threshold complete(3);
        REQUIRE(precise.fit(scores, labels).ok());
        REQUIRE(complete.fit(scores, labels).ok());
        CHECK(precise.threshold() == 5.5);
        CHECK(complete.threshold() == 1.5);
        CHECK(complete.beta() == 3);
    }

    TEST_CASE("f-beta threshold: labels of both classes are required") {
        const std::vector<double> scores{1, 2, 3};
        const std::vector<std::uint8_t> normal{0, 0, 0};
        const std::vector<std::uint8_t> anomalous{1, 1, 1};
        tocsin::f_beta_threshold rule;
        CHECK(std::string_view{rule.fit(scores, {}).message()} ==
              "f_beta_threshold: labels are needed; without them use quantile_threshold or "
              "sigma_threshold");
        CHECK(std::string_view{rule.fit(scores, normal).message()} ==
              "f_beta_threshold: both classes are needed, got 0 anomalous and 3 normal scores");
        CHECK(rule.fit(scores, anomalous).code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(rule.fitted());
    }

    TEST_CASE("f-beta threshold: an impossible beta is refused") {
        const std::vector<double> scores{1, 2};
        const std::vector<std::uint8_t> labels{0, 1};
        for (const double beta : {-1.0, std::numeric_limits<double>::quiet_NaN(),
                                  std::numeric_limits<double>::infinity()}) {
            tocsin::f_beta_threshold rule(beta);
            CHECK(rule.fit(scores, labels).code() == tocsin::error_code::invalid_argument);
        }
        CHECK(tocsin::f_beta_threshold(0).fit(scores, labels).ok());
    }
}
