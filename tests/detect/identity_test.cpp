#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <vector>

using tocsin::detail::hash_archive;
using tocsin_test::learn_slow_waves;
using tocsin_test::slow_waves;
using tocsin_test::small_forecaster;

namespace {

using forecasting = tocsin::detector<tocsin::forecaster<float>>;

template <class Function>
std::uint64_t hash_of(Function&& write) {
    hash_archive archive;
    write(archive);
    return archive.value();
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("identity: names, order and each bit of a value count") {
        std::set<std::uint64_t> all;
        const auto differs = [&](auto&& write) { return all.insert(hash_of(write)).second; };
        CHECK(differs([](hash_archive&) {}));
        CHECK(differs([](hash_archive& a) { a.integer("a", 1); }));
        CHECK(differs([](hash_archive& a) { a.integer("b", 1); }));
        CHECK(differs([](hash_archive& a) { a.integer("a", 2); }));
        CHECK(differs([](hash_archive& a) { a.integer("a", -1); }));
        CHECK(differs([](hash_archive& a) { a.integer("a", 1), a.integer("b", 2); }));
        CHECK(differs([](hash_archive& a) { a.integer("b", 2), a.integer("a", 1); }));
        CHECK(differs([](hash_archive& a) { a.number("x", 0.0); }));
        CHECK(differs([](hash_archive& a) { a.number("x", -0.0); }));
        CHECK(differs([](hash_archive& a) { a.number("x", std::nextafter(0.0, 1.0)); }));
        CHECK(differs([](hash_archive& a) { a.expect("kind", "one"); }));
        CHECK(differs([](hash_archive& a) { a.expect("kind", "eno"); }));
        std::vector<float> values{1, 2, 3};
        CHECK(differs([&](hash_archive& a) { a.values("v", values); }));
        std::reverse(values.begin(), values.end());
        CHECK(differs([&](hash_archive& a) { a.values("v", values); }));
        CHECK(hash_of([](hash_archive& a) { a.integer("a", 1); }) ==
              hash_of([](hash_archive& a) { a.integer("a", 1); }));
    }

    TEST_CASE("identity: whatever is learned or set changes it") {
        std::set<std::uint64_t> seen;
        const auto is_new = [&](const auto& detector) {
            return seen.insert(detector.identity()).second;
        };
        const auto values = slow_waves(600);
        const auto windows = tocsin_test::windows_over(values, 60, 60);
        forecasting detector(small_forecaster(1));
        CHECK(is_new(detector));
        REQUIRE(detector.train(windows, {}, tocsin_test::quick_trainer(1, 1)).ok());
        CHECK(is_new(detector));
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(is_new(detector));
        REQUIRE(detector.tune(windows).ok());
        CHECK(is_new(detector));
        const auto tuned = detector.identity();
        detector.override_thresholds(3);
        CHECK(is_new(detector));
        detector.override_thresholds(std::numeric_limits<double>::infinity());
        CHECK(is_new(detector));
        detector.override_thresholds(std::nullopt);
        CHECK(detector.identity() == tuned);
        detector.set_rule(tocsin::quantile_threshold(0.5));
        CHECK(is_new(detector));

        // The same steps give the same identity; other data, weights or settings another one.
        const auto made = [&](std::uint64_t seed, const tocsin::detector_settings& settings = {}) {
            forecasting other(small_forecaster(1), settings);
            REQUIRE(other.train(windows, {}, tocsin_test::quick_trainer(1, seed)).ok());
            REQUIRE(other.fit_errors(windows).ok());
            REQUIRE(other.tune(windows).ok());
            return other;
        };
        CHECK(made(1).identity() == tuned);
        CHECK(is_new(made(2)));
        CHECK(is_new(made(1, {.lost_after = 51})));
        CHECK(is_new(made(1, {.missing = tocsin::missing_value::mean})));
        CHECK(is_new(made(1, {.longest_pause = 9})));
    }

    TEST_CASE("identity: kinds of policies count, also where they cannot be saved") {
        const auto values = slow_waves(600);
        const auto windows = tocsin_test::windows_over(values, 60, 60);
        const auto identity = [&](auto detector) {
            REQUIRE(detector.train(windows, {}, tocsin_test::quick_trainer(1, 1)).ok());
            return detector.identity();
        };
        using model = tocsin::forecaster<float>;
        using scaler = tocsin::standard_scaler<float>;
        std::set<std::uint64_t> seen{
            identity(tocsin::detector<model>(small_forecaster(1))),
            identity(
                tocsin::detector<model, scaler, tocsin::mahalanobis<>, tocsin::sigma_threshold>(
                    small_forecaster(1))),
            identity(
                tocsin::detector<model, tocsin_test::halving_scaler<float>>(small_forecaster(1))),
            identity(tocsin::detector<model, scaler, tocsin_test::largest_error,
                                      tocsin_test::twice_the_largest>(small_forecaster(1)))};
        CHECK(seen.size() == 4);
    }
}
