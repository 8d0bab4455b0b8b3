#include "tocsin/core/random.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

static_assert(tocsin::threshold_rule<tocsin::spot_threshold>);
static_assert(tocsin::threshold_rule<tocsin::drift_spot_threshold>);
static_assert(tocsin::adapting_rule<tocsin::spot_threshold_by_moments>);

enum class source { normal, exponential, pareto, gamma };
constexpr source all_sources[] = {source::normal, source::exponential, source::pareto,
                                  source::gamma};

double draw(source from, tocsin::random_generator& random) {
    switch (from) {
    case source::normal:
        return random.normal();
    case source::exponential:
        return -std::log(1 - random.uniform());
    case source::pareto:
        return std::pow(1 - random.uniform(), -1.0 / 3);
    default: // gamma of shape 2
        return -std::log((1 - random.uniform()) * (1 - random.uniform()));
    }
}

std::vector<double> draw(source from, std::size_t count, tocsin::random_generator& random) {
    std::vector<double> scores(count);
    for (double& score : scores) {
        score = draw(from, random);
    }
    return scores;
}

/// Alarms among `count` scores, divided by their expected number, after a fit to 2000 scores.
template <class Rule>
double relative_rate(Rule rule, source from, std::size_t count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    REQUIRE(rule.fit(draw(from, 2000, random), {}).ok());
    std::size_t alarms = 0;
    for (std::size_t i = 0; i < count; ++i) {
        alarms += rule.push(draw(from, random)) == tocsin::push_outcome::alarm ? 1U : 0U;
    }
    return static_cast<double>(alarms) / (rule.settings().q * static_cast<double>(count));
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE_TEMPLATE("spot: the rate of false alarms is q", Rule, tocsin::spot_threshold,
                       tocsin::spot_threshold_by_moments) {
        // 200 alarms are expected: three standard deviations are 21 per cent at most.
        for (const source from : all_sources) {
            tocsin::spot_settings settings;
            settings.q = 1e-3;
            const double rate = relative_rate(Rule(settings), from, 200'000, 17);
            CHECK(rate > 0.79);
            CHECK(rate < 1.21);
        }
    }

    TEST_CASE_TEMPLATE(
        "spot: over 1e6 scores of each distribution the rate stays within a fifth of q", Rule,
        tocsin::spot_threshold, tocsin::spot_threshold_by_moments) {
        if (std::getenv("TOCSIN_LONG_TESTS") == nullptr) {
            MESSAGE("skipped: TOCSIN_LONG_TESTS is not set");
            return;
        }
        for (const double q : {1e-3, 1e-4}) {
            for (const source from : all_sources) {
                tocsin::spot_settings settings;
                settings.q = q;
                constexpr std::uint64_t seeds = 20;
                double mean = 0;
                double smallest = infinity;
                double largest = 0;
                for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
                    const double rate = relative_rate(Rule(settings), from, 1'000'000, seed);
                    mean += rate / seeds;
                    smallest = std::min(smallest, rate);
                    largest = std::max(largest, rate);
                }
                MESSAGE("q ", q, ", distribution ", static_cast<int>(from), ": ", mean, " q, from ",
                        smallest, " to ", largest);
                CHECK(mean > 0.8);
                CHECK(mean < 1.2);
            }
        }
    }

    TEST_CASE("spot: a first fit to ten excesses, far too low, is left behind") {
        for (const std::uint64_t seed : {117U, 118U, 119U}) {
            tocsin::random_generator random(seed);
            tocsin::spot_threshold rule;
            REQUIRE(rule.fit(draw(source::gamma, 1000, random), {}).ok());
            CHECK(rule.excesses() == 10);
            int alarms = 0;
            for (int i = 0; i < 100'000; ++i) {
                const double score = draw(source::gamma, random);
                alarms += rule.push(score) == tocsin::push_outcome::alarm ? 1 : 0;
            }
            CHECK(alarms < 30); // 10 are expected
        }
    }

    TEST_CASE("spot: forgetting every alarm, as the paper does, lets the rate run away") {
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.learn_from_expected_alarms = false;
        CHECK(relative_rate(tocsin::spot_threshold(settings), source::exponential, 300'000, 17) >
              2);
    }

    TEST_CASE("spot: the first threshold is near the true quantile") {
        tocsin::random_generator random(3);
        tocsin::spot_settings settings;
        settings.q = 1e-4;
        tocsin::spot_threshold rule(settings);
        CHECK(rule.threshold() == infinity);
        CHECK(rule.push(5) == tocsin::push_outcome::rejected);
        REQUIRE(rule.fit(draw(source::exponential, 100'000, random), {}).ok());
        CHECK(rule.threshold() == doctest::Approx(-std::log(1e-4)).epsilon(0.1));
        CHECK(rule.excess_threshold() == doctest::Approx(-std::log(0.01)).epsilon(0.02));
        CHECK(rule.excesses() == 1000);
        CHECK(rule.method() == tocsin::pareto_method::likelihood);
        // 1000 excesses give it with a standard deviation of 8 %.
        CHECK(rule.tail_probability(7) == doctest::Approx(std::exp(-7)).epsilon(0.25).scale(0));
    }

    TEST_CASE_TEMPLATE("spot: long anomalies, large or moderate, hardly move the threshold", Rule,
                       tocsin::spot_threshold, tocsin::spot_threshold_by_moments) {
        tocsin::random_generator random(5);
        Rule fitted;
        REQUIRE(fitted.fit(draw(source::normal, 20'000, random), {}).ok());
        const double before = fitted.threshold();
        for (const double level : {7.0, 50.0, infinity}) {
            auto rule = fitted;
            int missed = 0;
            for (int i = 0; i < 3000; ++i) {
                const double score = level + 0.1 * random.normal();
                missed += rule.push(score) == tocsin::push_outcome::alarm ? 0 : 1;
            }
            CHECK(missed == 0);
            CHECK(rule.threshold() < 1.5 * before);
            CHECK(rule.ignored() > 2900);
            CHECK(rule.push(-infinity) == tocsin::push_outcome::normal);
        }
    }

    TEST_CASE_TEMPLATE("spot: it adapts to a wider distribution within its memory", Rule,
                       tocsin::spot_threshold, tocsin::spot_threshold_by_moments) {
        tocsin::random_generator random(6);
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.memory = 500;
        Rule rule(settings);
        REQUIRE(rule.fit(draw(source::normal, 20'000, random), {}).ok());
        const double before = rule.threshold();
        int late_alarms = 0;
        for (int i = 0; i < 150'000; ++i) {
            const auto outcome = rule.push(1.3 * random.normal());
            late_alarms += i >= 50'000 && outcome == tocsin::push_outcome::alarm ? 1 : 0;
        }
        CHECK(rule.threshold() > 1.2 * before);
        CHECK(late_alarms < 150); // 100 are expected
    }

    TEST_CASE("spot: NaN is rejected, counted, and changes nothing else") {
        tocsin::random_generator random(7);
        tocsin::spot_threshold rule;
        REQUIRE(rule.fit(draw(source::gamma, 5000, random), {}).ok());
        auto other = rule;
        for (int i = 0; i < 500; ++i) {
            CHECK(rule.push(not_a_number) == tocsin::push_outcome::rejected);
            const double score = draw(source::gamma, random);
            CHECK(rule.push(score) == other.push(score));
        }
        CHECK(rule.threshold() == other.threshold());
        CHECK(rule.rejected() == 500);
        CHECK_FALSE(rule.exceeds(not_a_number));
    }

    TEST_CASE_TEMPLATE("spot: scores with many ties still have a threshold", Rule,
                       tocsin::spot_threshold, tocsin::spot_threshold_by_moments) {
        tocsin::random_generator random(8);
        std::vector<double> scores(5000, 0);
        for (std::size_t i = 0; i < scores.size(); i += 150) {
            scores[i] = 1;
        }
        Rule rule;
        REQUIRE(rule.fit(scores, {}).ok()); // all excesses are 1
        CHECK(rule.threshold() > 1);
        CHECK(std::isfinite(rule.threshold()));
        for (int i = 0; i < 20'000; ++i) {
            CHECK(rule.push(static_cast<double>(random.below(150) == 0)) !=
                  tocsin::push_outcome::alarm);
        }
        // Rarer than q altogether: the threshold is the quantile itself.
        std::vector<double> rare(200'000, 2);
        for (std::size_t i = 0; i < 12; ++i) {
            rare[1000 * i] = 3 + 0.1 * static_cast<double>(i);
        }
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        Rule clamped(settings);
        REQUIRE(clamped.fit(rare, {}).ok());
        CHECK(clamped.threshold() == 2);
        CHECK(clamped.push(2) == tocsin::push_outcome::normal);
        CHECK(clamped.push(2.1) == tocsin::push_outcome::alarm);
    }

    TEST_CASE_TEMPLATE("spot: too few excesses and impossible settings are refused", Rule,
                       tocsin::spot_threshold, tocsin::drift_spot_threshold) {
        tocsin::random_generator random(9);
        const auto scores = draw(source::exponential, 5000, random);
        Rule rule;
        REQUIRE(rule.fit(scores, {}).ok());
        CHECK(rule.fit({}, {}).code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(rule.fitted());
        CHECK(rule.threshold() == infinity);
        CHECK_FALSE(rule.exceeds(1e300));
        CHECK_FALSE(rule.fit(std::vector<double>{1}, {}).ok());
        CHECK_FALSE(rule.fit(std::vector<double>(5000, 3.0), {}).ok());
        CHECK_FALSE(rule.fit({scores.data(), 300}, {}).ok());
        CHECK_FALSE(rule.fit(scores, std::vector<std::uint8_t>(5000, 1)).ok());
        CHECK_FALSE(rule.fit(scores, std::vector<std::uint8_t>(3, 0)).ok());
        for (const double bad : {not_a_number, infinity, -infinity}) {
            auto wrong = scores;
            wrong[2] = bad;
            const auto outcome = rule.fit(wrong, {});
            CHECK(outcome.code() == tocsin::error_code::invalid_data);
            CHECK(std::string_view{outcome.message()}.find(": score 2 is ") !=
                  std::string_view::npos);
        }
        CHECK(rule.push(1) == tocsin::push_outcome::rejected);

        const auto refused = [&](auto change) {
            tocsin::spot_settings settings;
            change(settings);
            return Rule(settings).fit(scores, {}).code() == tocsin::error_code::invalid_argument;
        };
        CHECK(refused([](auto& s) { s.q = 0; }));
        CHECK(refused([](auto& s) { s.q = 0.02; }));
        CHECK(refused([](auto& s) { s.q = not_a_number; }));
        CHECK(refused([](auto& s) { s.level = 1; }));
        CHECK(refused([](auto& s) { s.level = -0.1; }));
        CHECK(refused([](auto& s) { s.memory = 19; }));
        CHECK(refused([](auto& s) { s.memory = 1 << 25; }));
    }

    TEST_CASE_TEMPLATE("spot: labelled anomalies are left out of the fit", Rule,
                       tocsin::spot_threshold, tocsin::drift_spot_threshold) {
        tocsin::random_generator random(10);
        auto scores = draw(source::exponential, 5000, random);
        Rule clean;
        REQUIRE(clean.fit(scores, {}).ok());
        std::vector<std::uint8_t> labels(scores.size(), 0);
        for (int i = 0; i < 50; ++i) {
            scores.insert(scores.begin() + 90 * i, 1000);
            labels.insert(labels.begin() + 90 * i, 1);
        }
        Rule rule;
        REQUIRE(rule.fit(scores, labels).ok());
        CHECK(rule.threshold() == clean.threshold());
    }

    TEST_CASE_TEMPLATE("spot: after loading the stream continues with the same bits", Rule,
                       tocsin::spot_threshold, tocsin::spot_threshold_by_moments,
                       tocsin::drift_spot_threshold) {
        tocsin::random_generator random(11);
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.95;
        settings.memory = 100;
        Rule original(settings);
        Rule loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK_FALSE(loaded.fitted());
        REQUIRE(original.fit(draw(source::normal, 1000, random), {}).ok());
        for (const int more : {0, 100, 5000}) {
            for (int i = 0; i < more; ++i) {
                original.push(random.normal());
            }
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
            CHECK(loaded.threshold() == original.threshold());
            auto going_on = original;
            for (int i = 0; i < 3000; ++i) {
                const double score = random.normal();
                CHECK(loaded.push(score) == going_on.push(score));
            }
            CHECK(loaded.threshold() == going_on.threshold());
        }
    }

    TEST_CASE("spot: broken files leave no threshold") {
        tocsin::random_generator random(12);
        tocsin::spot_threshold original;
        REQUIRE(original.fit(draw(source::normal, 5000, random), {}).ok());
        const auto content = tocsin_test::save(original);
        const auto refused = [&](const char* name, double value) {
            auto broken = content;
            broken[name] = {value};
            tocsin::spot_threshold loaded;
            const bool failed = !tocsin_test::load(loaded, broken).ok();
            return failed && !loaded.fitted() && !loaded.exceeds(1e300);
        };
        CHECK(refused("q", 2));
        CHECK(refused("memory", 1e9));
        CHECK(refused("memory", 50)); // the arrays are longer
        CHECK(refused("size", 0));
        CHECK(refused("size", 1e6));
        CHECK(refused("next", -1));
        CHECK(refused("scale", 0));
        CHECK(refused("count", 3));
        tocsin::drift_spot_threshold drift;
        REQUIRE(drift.fit(draw(source::normal, 5000, random), {}).ok());
        auto broken = tocsin_test::save(drift);
        broken["depth"] = {7};
        tocsin::drift_spot_threshold loaded;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        CHECK_FALSE(loaded.fitted());
    }

    TEST_CASE("drift spot: the threshold follows a drift that spot would call anomalous") {
        tocsin::random_generator random(13);
        const auto level = [](int i) { return 30 * std::sin(i * 1e-4); };
        std::vector<double> scores;
        for (int i = 0; i < 10'000; ++i) {
            scores.push_back(level(i) + random.normal());
        }
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        tocsin::drift_spot_threshold rule(settings, 20);
        CHECK(rule.threshold() == infinity);
        REQUIRE(rule.fit(scores, {}).ok());
        int alarms = 0;
        for (int i = 10'000; i < 210'000; ++i) {
            const double score = level(i) + random.normal();
            const bool expected = rule.exceeds(score);
            const bool alarm = rule.push(score) == tocsin::push_outcome::alarm;
            CHECK(alarm == expected);
            alarms += alarm ? 1 : 0;
        }
        CHECK(alarms > 140); // 200 are expected
        CHECK(alarms < 260);
        CHECK(rule.exceeds(rule.level() + 8));
        CHECK(rule.push(rule.level() + 8) == tocsin::push_outcome::alarm);
        const double before = rule.threshold();
        CHECK(rule.push(not_a_number) == tocsin::push_outcome::rejected);
        CHECK(rule.push(infinity) == tocsin::push_outcome::alarm);
        CHECK(std::abs(rule.threshold() - before) < 0.5);
        CHECK_FALSE(tocsin::drift_spot_threshold(settings, 0).fit(scores, {}).ok());
    }

    TEST_CASE("spot: push needs no heap") {
        tocsin::random_generator random(14);
        const auto scores = draw(source::pareto, 5000, random);
        tocsin::spot_threshold rule;
        tocsin::drift_spot_threshold drift;
        REQUIRE(rule.fit(scores, {}).ok());
        REQUIRE(drift.fit(scores, {}).ok());
        int alarms = 0;
        const long during = tocsin_test::allocations_during([&] {
            for (int i = 0; i < 20'000; ++i) {
                const double score = i % 500 == 0 ? 1e6 : draw(source::pareto, random);
                alarms += rule.push(score) == tocsin::push_outcome::alarm ? 1 : 0;
                alarms += drift.push(score) == tocsin::push_outcome::alarm ? 1 : 0;
            }
        });
        const long control =
            tocsin_test::allocations_during([&] { alarms += rule.fit(scores, {}).ok() ? 0 : 1; });
        CHECK(during == 0);
        CHECK(control > 0);
        CHECK(alarms >= 80);
    }
}
