#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace {
const std::vector<double> scores{0.2, 1.5, 0.9, 3.1, 2.2, 0.4, 1.1, 7.0};
} // namespace

TEST_SUITE("threshold") {

    // numpy: np.mean(s) + 3 * np.std(s, ddof=1).
    TEST_CASE("sigma threshold: mean plus k standard deviations equals numpy's") {
        tocsin::sigma_threshold rule;
        REQUIRE(rule.fit(scores, {}).ok());
        CHECK(rule.threshold() == doctest::Approx(8.690783086353598).epsilon(1e-14));
        tocsin::sigma_threshold at_mean(0);
        REQUIRE(at_mean.fit(scores, {}).ok());
        CHECK(at_mean.threshold() == doctest::Approx(2.05).epsilon(1e-14));
    }

    TEST_CASE("sigma threshold: anomalous scores are left out") {
        auto with_anomalies = scores;
        with_anomalies.insert(with_anomalies.begin(), {1000, 2000});
        const std::vector<std::uint8_t> labels{1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
        tocsin::sigma_threshold rule;
        REQUIRE(rule.fit(with_anomalies, labels).ok());
        CHECK(rule.threshold() == doctest::Approx(8.690783086353598).epsilon(1e-14));
    }

    TEST_CASE("sigma threshold: constant scores are not above their threshold") {
        tocsin::sigma_threshold rule;
        REQUIRE(rule.fit(std::vector<double>(1000, 0.1), {}).ok());
        CHECK(rule.threshold() == 0.1);
        CHECK_FALSE(rule.exceeds(0.1));
    }

    TEST_CASE("sigma threshold: fewer than two normal scores or an impossible k are refused") {
        const std::vector<double> two{1, 2};
        const std::vector<std::uint8_t> labels{0, 1};
        tocsin::sigma_threshold rule;
        CHECK(std::string_view{rule.fit(two, labels).message()} ==
              "sigma_threshold: at least 2 normal scores are needed, got 1");
        CHECK(
            tocsin::sigma_threshold(std::numeric_limits<double>::infinity()).fit(two, {}).code() ==
            tocsin::error_code::invalid_argument);
        const std::vector<double> huge{-1e308, 1e308};
        CHECK(rule.fit(huge, {}).code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(rule.fitted());
    }
}
