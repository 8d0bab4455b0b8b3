#include "tocsin/detect/threshold_pair.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

using tocsin::error_view;
using tocsin::threshold_pair;
using quantile_pair = threshold_pair<tocsin::quantile_threshold>;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const std::vector<double> low{1, 2, 3};
const std::vector<double> high{10, 20, 30};
constexpr auto by_step = error_view::per_step;
constexpr auto by_feature = error_view::per_feature;

/// Has no default constructor.
struct fixed_rule {
    explicit fixed_rule(double given) noexcept : value{given} {}
    static constexpr const char* kind = "fixed";
    tocsin::status fit(std::span<const double> /*scores*/,
                       std::span<const std::uint8_t> /*labels*/) {
        return {};
    }
    double threshold() const noexcept { return value; }
    double value;
};
static_assert(!std::default_initializable<threshold_pair<fixed_rule>>);
static_assert(std::constructible_from<threshold_pair<fixed_rule>, fixed_rule>);

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("threshold pair: each view has its own scores") {
        quantile_pair pair(tocsin::quantile_threshold(1.0));
        CHECK(pair.threshold(by_step) == infinity);
        CHECK(pair.threshold(by_feature) == infinity);
        CHECK_FALSE(pair.available());
        REQUIRE(pair.fit({low, high}, {}).ok());
        CHECK(pair.threshold(by_step) == 3);
        CHECK(pair.threshold(by_feature) == 30);
        CHECK(pair.rule(by_feature).threshold() == 30);
        CHECK(pair.available());
    }

    TEST_CASE("threshold pair: a threshold below all scores or above all is refused") {
        for (const double impossible : {-1.0, -1e308, 1e308}) {
            threshold_pair<tocsin::manual_threshold, 1> pair(tocsin::manual_threshold{impossible});
            CHECK_FALSE(pair.valid().ok());
            CHECK_FALSE(pair.fit({low}, {}).ok());
            pair.override_with(by_step, impossible); // by hand, anything
            CHECK(pair.threshold(by_step) == impossible);
        }
        for (const double possible : {0.0, -5e-324, 1e200}) {
            threshold_pair<tocsin::manual_threshold, 1> pair(tocsin::manual_threshold{possible});
            CHECK(pair.fit({low}, {}).ok());
        }
    }

    TEST_CASE("threshold pair: with one view, any view is that one") {
        threshold_pair<tocsin::quantile_threshold, 1> pair(tocsin::quantile_threshold(1.0));
        REQUIRE(pair.fit({low}, {}).ok());
        CHECK(pair.threshold(by_step) == 3);
        CHECK(pair.threshold(by_feature) == 3);
        CHECK(pair.available());
        pair.override_with(by_step, 7);
        CHECK(pair.is_by_hand(by_feature));
        CHECK(pair.threshold(by_feature) == 7);
    }

    TEST_CASE("threshold pair: a failure in either view leaves both") {
        threshold_pair<tocsin::f_beta_threshold> pair;
        const std::vector<std::uint8_t> labels{0, 0, 1};
        REQUIRE(pair.fit({low, high}, labels).ok());
        const double step = pair.threshold(by_step);
        const double feature = pair.threshold(by_feature);
        const std::vector<double> broken{1, std::nan(""), 3};
        CHECK_FALSE(pair.fit({broken, low}, labels).ok());
        CHECK_FALSE(pair.fit({low, broken}, labels).ok());
        CHECK(pair.threshold(by_step) == step);
        CHECK(pair.threshold(by_feature) == feature);
    }

    TEST_CASE("threshold pair: what is set by hand wins, and outlives what was tuned") {
        quantile_pair pair(tocsin::quantile_threshold(1.0));
        CHECK_FALSE(pair.is_by_hand(by_step));
        pair.override_with(by_step, 7);
        CHECK(pair.is_by_hand(by_step));
        CHECK_FALSE(pair.is_by_hand(by_feature));
        CHECK(pair.threshold(by_step) == 7);
        CHECK_FALSE(pair.available()); // one view has none yet
        REQUIRE(pair.fit({low, high}, {}).ok());
        CHECK(pair.threshold(by_step) == 7);
        CHECK(pair.threshold(by_feature) == 30);
        pair.forget_tuned();
        CHECK(pair.threshold(by_step) == 7);
        CHECK(pair.threshold(by_feature) == infinity);
        pair.override_with(by_feature, infinity);
        CHECK(pair.available());
        pair.override_with(by_step, -infinity); // flags all, also after loading
        tocsin::byte_writer saved;
        pair.exchange(saved);
        tocsin::byte_reader archive(saved.bytes());
        quantile_pair loaded;
        loaded.exchange(archive);
        REQUIRE(archive.outcome().ok());
        CHECK(loaded.threshold(by_step) == pair.threshold(by_step));
        CHECK(loaded.threshold(by_step) < -1e300);
        CHECK(loaded.threshold(by_feature) == infinity);
        pair.override_with(by_step, std::nullopt);
        pair.override_with(by_feature, std::nullopt);
        CHECK_FALSE(pair.available());
        CHECK(pair.threshold(by_step) == infinity);
    }

    TEST_CASE("threshold pair: another rule takes the place of both, not of what is set by hand") {
        quantile_pair pair(tocsin::quantile_threshold(1.0));
        REQUIRE(pair.fit({low, high}, {}).ok());
        pair.override_with(by_feature, 8);
        pair.set_rule(tocsin::quantile_threshold(0.5));
        CHECK(pair.threshold(by_step) == infinity);
        CHECK(pair.threshold(by_feature) == 8);
        REQUIRE(pair.fit({low, high}, {}).ok());
        CHECK(pair.threshold(by_step) == 2);
    }

    TEST_CASE("threshold pair: a rule without a default constructor is given one") {
        const threshold_pair<fixed_rule> pair(fixed_rule(3));
        CHECK(pair.threshold(by_feature) == 3);
        CHECK(pair.available());
    }

    TEST_CASE("threshold pair: a manual rule is there at once and cannot be forgotten") {
        threshold_pair<tocsin::manual_threshold> pair(tocsin::manual_threshold(4));
        CHECK(pair.available());
        pair.forget_tuned();
        CHECK(pair.available());
        CHECK(pair.threshold(by_feature) == 4);
    }
}
