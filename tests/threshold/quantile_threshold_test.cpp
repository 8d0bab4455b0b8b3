#include "tocsin/threshold/quantile_threshold.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace {
const std::vector<double> scores{0.2, 1.5, 0.9, 3.1, 2.2, 0.4, 1.1, 7.0};
} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("quantile threshold: quantiles equal numpy's default") {
        const std::vector<std::pair<double, double>> expected{
            {0, 0.2}, {0.1, 0.34}, {0.5, 1.3}, {0.9, 4.27}, {0.99, 6.7269999999999985}, {1, 7.0}};
        for (const auto& [quantile, value] : expected) {
            tocsin::quantile_threshold rule(quantile);
            REQUIRE(rule.fit(scores, {}).ok());
            CHECK(rule.threshold() == doctest::Approx(value).epsilon(1e-14));
        }
    }

    TEST_CASE("quantile threshold: anomalous scores are left out") {
        auto with_anomalies = scores;
        with_anomalies.insert(with_anomalies.begin(), {1000, 2000});
        const std::vector<std::uint8_t> labels{1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
        tocsin::quantile_threshold rule(0.9);
        REQUIRE(rule.fit(with_anomalies, labels).ok());
        CHECK(rule.threshold() == doctest::Approx(4.27).epsilon(1e-14));
    }

    TEST_CASE("quantile threshold: the factor multiplies") {
        tocsin::quantile_threshold rule(1, 1.5);
        REQUIRE(rule.fit(scores, {}).ok());
        CHECK(rule.threshold() == 10.5);
        CHECK(rule.factor() == 1.5);
        CHECK(rule.quantile() == 1);
    }

    TEST_CASE("quantile threshold: one score is every quantile") {
        for (const double quantile : {0.0, 0.3, 1.0}) {
            tocsin::quantile_threshold rule(quantile);
            REQUIRE(rule.fit(std::vector<double>{4}, {}).ok());
            CHECK(rule.threshold() == 4);
        }
    }

    TEST_CASE("quantile threshold: impossible settings or no normal score are refused") {
        const double not_a_number = std::numeric_limits<double>::quiet_NaN();
        for (const double quantile : {-0.1, 1.1, not_a_number}) {
            CHECK(tocsin::quantile_threshold(quantile).fit(scores, {}).code() ==
                  tocsin::error_code::invalid_argument);
        }
        for (const double factor :
             {0.0, -1.0, not_a_number, std::numeric_limits<double>::infinity()}) {
            CHECK(tocsin::quantile_threshold(0.5, factor).fit(scores, {}).code() ==
                  tocsin::error_code::invalid_argument);
        }
        const std::vector<double> negative{-5, -4};
        CHECK(tocsin::quantile_threshold(1, 1).fit(negative, {}).ok());
        CHECK(std::string_view{tocsin::quantile_threshold(1, 1.5).fit(negative, {}).message()} ==
              "quantile_threshold: the quantile is -4; a factor of 1.5 needs one that is not "
              "negative");
        const std::vector<std::uint8_t> anomalous(8, 1);
        tocsin::quantile_threshold rule;
        CHECK(std::string_view{rule.fit(scores, anomalous).message()} ==
              "quantile_threshold: none of the 8 scores is normal");
        tocsin::quantile_threshold overflowing(1, 10);
        CHECK(overflowing.fit(std::vector<double>{1e308}, {}).code() ==
              tocsin::error_code::invalid_data);
        CHECK_FALSE(overflowing.fitted());
    }
}
