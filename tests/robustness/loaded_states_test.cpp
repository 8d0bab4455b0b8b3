// States that no fit and no stream gives: refused with the value, or harmless.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "changed_states.hpp"
#include "hostile_numbers.hpp"
#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::random_generator;
using tocsin_test::check_any_change;
using tocsin_test::check_refused;

namespace {

const double beyond_count = 9007199254740994.0; // 2^53 + 2
const double largest_int64 = 9223372036854774784.0;
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<double> normal_scores(std::size_t count) {
    random_generator random{5};
    std::vector<double> scores(count);
    std::generate(scores.begin(), scores.end(), [&] { return random.normal(); });
    return scores;
}

tocsin::spot_settings small_settings() {
    tocsin::spot_settings settings;
    settings.q = 1e-3;
    settings.level = 0.95;
    settings.memory = 40;
    return settings;
}

} // namespace

TEST_SUITE("robustness") {
    TEST_CASE("moving window, ewma: impossible states are refused with the value") {
        tocsin::moving_window window(5);
        tocsin::ewma smoother(0.2);
        for (const double value : normal_scores(12)) {
            window.push(value);
            smoother.push(value);
        }
        check_refused(window, tocsin::moving_window(3),
                      {{"rows", 0},
                       {"rows", 6},
                       {"rows", 2147483647},
                       {"count", -1},
                       {"count", 6},
                       {"next", 5},
                       {"rejected", -1},
                       {"rejected", beyond_count},
                       {"values", 1e308},
                       {"values", not_a_number},
                       {"mean", 1e308},
                       {"scatter", -1},
                       {"scatter", 1e308},
                       {"fresh_mean", -1e308},
                       {"fresh_scatter", not_a_number}});
        check_refused(smoother, tocsin::ewma{},
                      {{"alpha", 0},
                       {"alpha", 2},
                       {"alpha", not_a_number},
                       {"value", 1e308},
                       {"weight", -1},
                       {"weight", 0.5},
                       {"weight", 1e308},
                       {"rejected", beyond_count}});
        const auto push_all = [](auto& object) {
            for (int i = 0; i < 20; ++i) {
                CHECK(std::isfinite(object.push(i)));
            }
        };
        check_any_change(window, tocsin::moving_window(3), push_all);
        check_any_change(smoother, tocsin::ewma{}, push_all);
    }

    TEST_CASE("spot: impossible states are refused with the value") {
        tocsin::spot_threshold rule{small_settings()};
        REQUIRE(rule.fit(normal_scores(1000), {}).ok());
        check_refused(rule, tocsin::spot_threshold{},
                      {{"threshold", -1},
                       {"threshold", 1e308},
                       {"threshold", not_a_number},
                       {"excess_threshold", 1e99},
                       {"excess_threshold", -1e308},
                       {"shape", -1e308},
                       {"shape", 1e308},
                       {"scale", 0},
                       {"scale", 1e308},
                       {"method", 0},
                       {"method", 17},
                       {"count", -1},
                       {"count", 3},
                       {"count", beyond_count},
                       {"rejected", beyond_count},
                       {"ignored", beyond_count},
                       {"ignored", largest_int64},
                       {"next_learnt", largest_int64},
                       {"next_learnt", -1},
                       {"excesses", -1},
                       {"excesses", 1e308},
                       {"arrivals", 1e9},
                       {"size", 41},
                       {"next", 40},
                       {"forgotten", 1e9},
                       {"memory", 16777217},
                       {"memory", 16777216},
                       {"q", 0},
                       {"level", 1}});
        const auto use = [](tocsin::spot_threshold& loaded) {
            if (loaded.fitted()) {
                CHECK(loaded.valid().ok());
            }
            random_generator random{2};
            for (int i = 0; i < 300; ++i) {
                loaded.push(random.normal());
                loaded.push(tocsin_test::hostile_number(random));
            }
            const auto possible = loaded.fitted() ? loaded.valid() : tocsin::status{};
            CHECK_MESSAGE(possible.ok(), possible.message());
        };
        check_any_change(rule, tocsin::spot_threshold{}, use);
        tocsin::drift_spot_threshold drifting{small_settings(), 20};
        REQUIRE(drifting.fit(normal_scores(1000), {}).ok());
        check_refused(drifting, tocsin::drift_spot_threshold{},
                      {{"reach", -1},
                       {"reach", 1e308},
                       {"depth", 21},
                       {"level.rows", 21},
                       {"level.mean", 1e308},
                       {"differences.threshold", -1e9},
                       {"differences.count", beyond_count}});
    }

    TEST_CASE("spot: at the end of its count time begins anew, with the same threshold") {
        tocsin::spot_threshold rule{small_settings()};
        REQUIRE(rule.fit(normal_scores(4000), {}).ok()); // some excesses are forgotten
        auto late = tocsin_test::save(rule);
        const double shift = 9007199254740992.0 - 4000 - 100;
        late["count"][0] += shift;
        late["forgotten"][0] += shift;
        for (double& arrival : late["arrivals"]) {
            arrival += shift;
        }
        tocsin::spot_threshold shifted;
        const auto outcome = tocsin_test::load(shifted, late);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        random_generator random{8};
        for (int i = 0; i < 3000; ++i) {
            const double score = random.normal();
            CHECK(rule.push(score) == shifted.push(score));
            CHECK(rule.threshold() == shifted.threshold());
        }
        CHECK(shifted.valid().ok());
        CHECK(tocsin_test::save(shifted)["count"][0] < 1e5);
    }

    TEST_CASE("dynamic threshold stream, epsilon: impossible states are refused with the value") {
        tocsin::dynamic_threshold_settings settings;
        settings.batch = 5;
        settings.window = 4;
        settings.warm_up = 3;
        auto stream = *tocsin::dynamic_threshold_stream::make(settings);
        const auto fresh = *tocsin::dynamic_threshold_stream::make();
        for (const double score : normal_scores(47)) {
            stream.push(std::abs(score), score);
        }
        check_refused(stream, fresh,
                      {{"batch", 0},
                       {"window", 1048576},
                       {"rows", -1},
                       {"rows", 3},
                       {"rows", beyond_count},
                       {"rejected", beyond_count},
                       {"filled", 20},
                       {"filled", -1},
                       {"last_value", 1e308},
                       {"last_smoothed", -1},
                       {"last_smoothed", 1e308},
                       {"threshold", -1},
                       {"threshold", 1e308},
                       {"errors", -1},
                       {"errors", 1e308},
                       {"values", -1e308},
                       {"smoothing.alpha", 0.123}});
        auto another = tocsin_test::save(stream);
        another["batch"] = {6}; // 24 rows, but there are 20
        auto target = fresh;
        CHECK_FALSE(tocsin_test::load(target, another).ok());
        check_any_change(stream, fresh, [](auto& loaded) {
            for (int i = 0; i < 50; ++i) {
                loaded.push(0.1, i % 3);
            }
            CHECK(loaded.threshold() >= 0);
            const auto possible = loaded.valid();
            CHECK_MESSAGE(possible.ok(), possible.message());
        });
        tocsin::epsilon_threshold rule{2};
        REQUIRE(rule.fit(normal_scores(500), {}).ok());
        check_refused(rule, tocsin::epsilon_threshold{},
                      {{"buffer", -1}, {"z", 1}, {"z", 1e308}, {"threshold", 1e308}});
    }

    TEST_CASE("quantile sketch: impossible states are refused, and the count has an end") {
        tocsin::quantile_sketch sketch{50, 3};
        for (const double score : normal_scores(5000)) {
            sketch.push(score);
        }
        const tocsin::quantile_sketch fresh{20};
        check_refused(sketch, fresh,
                      {{"k", 7},
                       {"k", 65536},
                       {"count", 4999},
                       {"count", -1},
                       {"rejected", beyond_count},
                       {"squares", 1e308}});
        auto broken = tocsin_test::save(sketch);
        broken["ends"] = {5, 6}; // scores lie outside
        auto loaded = fresh;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        broken = tocsin_test::save(sketch);
        broken.at("coin").assign(8, 0.0); // would fall on one side for ever
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        CHECK(loaded.push(1));
        CHECK(loaded.quantile(0.5) == 1);
        check_any_change(sketch, fresh, [](auto& other) {
            for (int i = 0; i < 2000; ++i) {
                other.push(i);
            }
            CHECK(std::isfinite(other.quantile(0.5)));
            CHECK(other.valid().ok());
        });
    }

    TEST_CASE("anomaly likelihood, alarm control: impossible states are refused with the value") {
        tocsin::anomaly_likelihood_settings settings;
        settings.long_rows = 30;
        settings.short_rows = 4;
        settings.warm_up = 10;
        auto likelihood = *tocsin::anomaly_likelihood::make(settings);
        for (const double score : normal_scores(50)) {
            likelihood.push(score);
        }
        check_refused(likelihood, *tocsin::anomaly_likelihood::make(),
                      {{"warm_up", 31},
                       {"warm_up", -1},
                       {"least_deviation", 0},
                       {"long.scatter", -1},
                       {"short.mean", 1e308},
                       {"long.rejected", beyond_count}});
        tocsin::m_of_n some{3, 5};
        some.push(true);
        auto flags = tocsin_test::save(some);
        flags["last_low"] = {32}; // a sixth flag
        CHECK_FALSE(tocsin_test::load(some, flags).ok());
        tocsin::minimum_duration duration{3};
        duration.push(true);
        auto rows = tocsin_test::save(duration);
        rows["run"] = {4};
        CHECK_FALSE(tocsin_test::load(duration, rows).ok());
        tocsin::suppression silence{10};
        silence.push(true);
        auto rest = tocsin_test::save(silence);
        rest["silence"] = {largest_int64};
        CHECK_FALSE(tocsin_test::load(silence, rest).ok());
        tocsin::hysteresis levels{3, 2};
        auto level = tocsin_test::save(levels);
        level["off"] = {4};
        CHECK_FALSE(tocsin_test::load(levels, level).ok());
    }
}
