#include "tocsin/detect/threshold_pair.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

using tocsin::threshold_pair;

namespace {
const double infinity = std::numeric_limits<double>::infinity();
const std::vector<double> low{1, 2, 3};
const std::vector<double> high{10, 20, 30};
} // namespace

TEST_SUITE("detect") {
    TEST_CASE("threshold pair: each view has its own scores") {
        threshold_pair<tocsin::quantile_threshold> pair(tocsin::quantile_threshold(1.0));
        CHECK(pair.step_threshold() == infinity);
        CHECK(pair.feature_threshold() == infinity);
        CHECK_FALSE(pair.available());
        REQUIRE(pair.fit(low, high, {}).ok());
        CHECK(pair.step_threshold() == 3);
        CHECK(pair.feature_threshold() == 30);
        CHECK(pair.available());
    }

    TEST_CASE("threshold pair: a failure in either view leaves both") {
        threshold_pair<tocsin::f_beta_threshold> pair;
        const std::vector<std::uint8_t> labels{0, 0, 1};
        REQUIRE(pair.fit(low, high, labels).ok());
        const double step = pair.step_threshold();
        const double feature = pair.feature_threshold();
        const std::vector<double> broken{1, std::nan(""), 3};
        CHECK_FALSE(pair.fit(broken, low, labels).ok());
        CHECK_FALSE(pair.fit(low, broken, labels).ok());
        CHECK(pair.step_threshold() == step);
        CHECK(pair.feature_threshold() == feature);
    }

    TEST_CASE("threshold pair: what is set by hand wins, and outlives what was tuned") {
        threshold_pair<tocsin::quantile_threshold> pair(tocsin::quantile_threshold(1.0));
        pair.override_with(7, std::nullopt);
        CHECK(pair.step_threshold() == 7);
        CHECK_FALSE(pair.available()); // one view has none yet
        REQUIRE(pair.fit(low, high, {}).ok());
        CHECK(pair.step_threshold() == 7);
        CHECK(pair.feature_threshold() == 30);
        pair.forget_tuned();
        CHECK(pair.step_threshold() == 7);
        CHECK(pair.feature_threshold() == infinity);
        pair.override_with(7, infinity);
        CHECK(pair.available());
        pair.override_with(std::nullopt, std::nullopt);
        CHECK_FALSE(pair.available());
        CHECK(pair.step_threshold() == infinity);
    }
}
