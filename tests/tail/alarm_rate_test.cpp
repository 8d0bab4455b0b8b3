#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/declustering.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace {

enum class score_kind { normal, exponential, pareto, smoothed };
constexpr score_kind score_kinds[] = {score_kind::normal, score_kind::exponential,
                                      score_kind::pareto, score_kind::smoothed};

std::vector<double> draw_scores(score_kind kind, std::size_t count,
                                tocsin::random_generator& random) {
    std::vector<double> scores(count);
    double level = 0;
    for (double& score : scores) {
        switch (kind) {
        case score_kind::normal:
            score = std::abs(random.normal());
            break;
        case score_kind::exponential:
            score = -std::log(1 - random.uniform());
            break;
        case score_kind::pareto:
            score = std::pow(1 - random.uniform(), -1.0 / 4);
            break;
        case score_kind::smoothed: // clusters of about ten rows
            level = 0.9 * level + std::sqrt(0.19) * random.normal();
            score = level * level;
            break;
        }
    }
    return scores;
}

/// Values that resemble their neighbours by `memory`, without their signs.
std::vector<double> draw_slow_scores(double memory, std::size_t count,
                                     tocsin::random_generator& random) {
    std::vector<double> scores(count);
    double level = random.normal();
    for (double& score : scores) {
        level = memory * level + std::sqrt(1 - memory * memory) * random.normal();
        score = std::abs(level);
    }
    return scores;
}

/// Clusters in new scores whose peaks exceed the threshold, divided by the promise, over several fits.
double kept_promise(score_kind kind, double promised, std::size_t fitted, int fits,
                    std::uint64_t seed) {
    tocsin::random_generator random(seed);
    constexpr std::size_t judged = 20000;
    double clusters = 0;
    for (int fit = 0; fit < fits; ++fit) {
        tocsin::alarm_rate rule({.alarms = promised});
        REQUIRE(rule.fit(draw_scores(kind, fitted, random), {}).ok());
        const auto scores = draw_scores(kind, judged, random);
        clusters += static_cast<double>(
            tocsin::find_clusters(scores, rule.level(), rule.gap()).above(rule.threshold()));
    }
    return clusters / fits / (promised * static_cast<double>(judged) / 10000);
}

bool message_has(const tocsin::status& outcome, std::string_view text) {
    return std::string_view(outcome.message()).find(text) != std::string_view::npos;
}

} // namespace

static_assert(tocsin::threshold_rule<tocsin::alarm_rate>);

TEST_SUITE("tail") {

    TEST_CASE("clusters: runs end where enough rows lie between") {
        const std::vector<double> scores = {0, 3, 4, 0, 2, 0, 0, 5, 0, 0, 0, 2};
        auto found = tocsin::find_clusters(scores, 1, 1);
        CHECK(found.peaks == std::vector<double>{4, 2, 5, 2});
        CHECK(found.exceedances == 5);
        CHECK(found.extremal_index() == doctest::Approx(0.8));
        CHECK(found.above(2) == 2);
        CHECK(found.above(5) == 0);
        CHECK(tocsin::find_clusters(scores, 1, 2).peaks == std::vector<double>{4, 5, 2});
        CHECK(tocsin::find_clusters(scores, 1, 3).peaks == std::vector<double>{5, 2});
        CHECK(tocsin::find_clusters(scores, 1, 4).peaks == std::vector<double>{5});
        CHECK(tocsin::find_clusters(scores, 9, 0).peaks.empty());
        CHECK(tocsin::find_clusters({}, 1).extremal_index() == 1);
        const std::vector<double> missing = {5, std::nan(""), 5};
        CHECK(tocsin::find_clusters(missing, 1, 1).peaks.size() == 2);
    }

    TEST_CASE("clusters: the gap found in the scores tells independent ones from smoothed ones") {
        tocsin::random_generator random(1);
        const auto independent = draw_scores(score_kind::normal, 20000, random);
        const auto smoothed = draw_scores(score_kind::smoothed, 20000, random);
        // |normal| exceeds 1.645 in a tenth of the rows, and so does its square 2.71.
        CHECK(tocsin::find_clusters(independent, 1.645).extremal_index() > 0.8);
        const auto clusters = tocsin::find_clusters(smoothed, 2.71);
        CHECK(clusters.extremal_index() < 0.4);
        CHECK(clusters.extremal_index() > 0.02);
        CHECK(clusters.gap > 1);
    }

    // The moving maximum of pairs of independent values has the extremal index 1/2.
    TEST_CASE("clusters: a known extremal index is found") {
        tocsin::random_generator random(2);
        std::vector<double> scores;
        double last = random.uniform();
        for (int t = 0; t < 50000; ++t) {
            const double next = random.uniform();
            scores.push_back(std::max(last, next));
            last = next;
        }
        CHECK(tocsin::find_clusters(scores, 0.98).extremal_index() ==
              doctest::Approx(0.5).epsilon(0.1));
    }

    TEST_CASE("alarm_rate: promises are kept on independent and on clustered scores") {
        for (const score_kind kind : score_kinds) {
            CAPTURE(static_cast<int>(kind));
            for (const double promised : {10.0, 3.0}) {
                CAPTURE(promised);
                const double realised = kept_promise(kind, promised, 4000, 60, 5);
                CHECK(realised > 0.5);
                CHECK(realised < 2);
            }
        }
    }

    TEST_CASE("alarm_rate: about ten scores must lie above the level, whatever it is") {
        tocsin::random_generator random(12);
        struct {
            double level;
            std::size_t fewest;
        } const cases[] = {{0.5, 20}, {0.9, 100}, {0.95, 200}, {0.99, 1000}, {0.999, 10000}};
        for (const auto& each : cases) {
            const double level = each.level;
            const std::size_t fewest = each.fewest;
            CAPTURE(level);
            tocsin::alarm_rate rule({.alarms = 10, .level = level});
            CHECK(rule.settings().fewest_scores() == fewest);
            CHECK_FALSE(rule.fit(draw_scores(score_kind::normal, fewest - 1, random), {}).ok());
            constexpr int fits = 200;
            double realised = 0; // |normal| has no clusters
            for (int fit = 0; fit < fits; ++fit) {
                REQUIRE(rule.fit(draw_scores(score_kind::normal, fewest, random), {}).ok());
                realised += 1e4 * std::erfc(rule.threshold() / std::sqrt(2.0)) / fits;
            }
            CHECK(realised > 1); // from the median on, the tail is not yet the one of the fit
            CHECK(realised < 40);
        }
        for (const double unusable : {1.0, 7.0, std::nan("")}) {
            CHECK(tocsin::alarm_rate_settings{.level = unusable}.fewest_scores() == 10000);
        }
        CHECK(message_has(tocsin::alarm_rate({.level = 0.99})
                              .fit(draw_scores(score_kind::normal, 20, random), {}),
                          "20 normal scores; at level 0.99 at least 1000 are needed"));
    }

    TEST_CASE("alarm_rate: a promise beyond the scores of the fit is kept within a factor of 4") {
        for (const score_kind kind : score_kinds) {
            CAPTURE(static_cast<int>(kind));
            const double realised = kept_promise(kind, 2, 1000, 300, 6);
            CHECK(realised > 0.25);
            CHECK(realised < 4);
        }
    }

    TEST_CASE("alarm_rate: a promise of more clusters than there are does not flag everything") {
        struct {
            double memory;
            double promised;
        } const cases[] = {{0.99, 100}, {0.99, 300}, {0.999, 10}, {0.999, 100}, {0.999, 1000}};
        for (const auto& each : cases) {
            const double memory = each.memory;
            const double promised = each.promised;
            CAPTURE(memory);
            CAPTURE(promised);
            tocsin::random_generator random(10);
            const auto normal = draw_slow_scores(memory, 10000, random);
            const auto fresh = draw_slow_scores(memory, 500000, random);
            tocsin::alarm_rate rule({.alarms = promised});
            CHECK(std::isnan(rule.largest_promise()));
            REQUIRE(rule.fit(normal, {}).ok());
            CHECK(rule.largest_promise() ==
                  doctest::Approx(1e4 * static_cast<double>(rule.clusters()) / 10001));
            CHECK(rule.largest_promise() < promised);
            CHECK(rule.threshold() == rule.level());
            tocsin::run_declustering clusters(rule.gap());
            int flagged = 0;
            int alarms = 0;
            for (const double score : fresh) {
                // A verdict by expectation, as in an ensemble, is the one by the threshold.
                REQUIRE(rule.exceeds(score) == (rule.expected_false_alarms(score) < promised));
                flagged += rule.exceeds(score) ? 1 : 0;
                alarms += clusters.push(rule.exceeds(score), score > rule.level()) ? 1 : 0;
            }
            CHECK(flagged > 500000 * 0.05);
            CHECK(flagged < 500000 * 0.2); // a tenth, as far as 10 000 slow rows tell
            CHECK(alarms > 0);
            CHECK(alarms < 50 * promised);
        }
    }

    TEST_CASE(
        "alarm_rate: at most as many rows are flagged as alarms are promised below the level") {
        tocsin::random_generator random(11);
        const auto normal = draw_slow_scores(0.99, 10000, random);
        for (const double promised : {1500.0, 5000.0, 9000.0}) {
            CAPTURE(promised);
            tocsin::alarm_rate rule({.alarms = promised});
            REQUIRE(rule.fit(normal, {}).ok());
            CHECK(rule.threshold() < rule.level());
            int flagged = 0;
            for (const double score : normal) {
                REQUIRE(rule.exceeds(score) == (rule.expected_false_alarms(score) < promised));
                flagged += rule.exceeds(score) ? 1 : 0;
            }
            CHECK(flagged == doctest::Approx(promised).epsilon(0.05));
        }
    }

    TEST_CASE("alarm_rate: the scale falls with the score, in one step at the level") {
        tocsin::random_generator random(3);
        tocsin::alarm_rate rule({.per_rows = 10000});
        CHECK(std::isnan(rule.expected_false_alarms(1)));
        CHECK(rule.threshold() == std::numeric_limits<double>::infinity());
        REQUIRE(rule.fit(draw_scores(score_kind::exponential, 3000, random), {}).ok());
        double before = std::numeric_limits<double>::infinity();
        for (double score = -1; score < 30; score += 0.01) {
            const double expected = rule.expected_false_alarms(score);
            REQUIRE(expected <= before);
            const bool is_step = score > rule.level() && score - 0.01 <= rule.level();
            REQUIRE(expected > 0.9 * std::min(before, 1e4) * (is_step ? rule.extremal_index() : 1));
            before = expected;
        }
        CHECK(rule.expected_false_alarms(rule.threshold()) == doctest::Approx(1).epsilon(1e-9));
        CHECK(rule.p_value(-1) == 1);
        CHECK(rule.p_value(std::log(2.0)) == doctest::Approx(0.5).epsilon(0.1));
        CHECK(std::isnan(rule.p_value(std::nan(""))));
        CHECK(rule.p_value(1e300) >= 0);
        REQUIRE(rule.largest_promise() < 990);
        CHECK(rule.score_at(990) == rule.level());
        for (const double expected : {5000.0, 1100.0, 0.99 * rule.largest_promise(), 1.0, 1e-3}) {
            CHECK(rule.expected_false_alarms(rule.score_at(expected)) ==
                  doctest::Approx(expected).epsilon(1e-6));
        }
    }

    TEST_CASE("alarm_rate: a time is the same promise as its rows") {
        using namespace std::chrono_literals;
        const tocsin::alarm_rate_settings by_time{.per = std::chrono::weeks{1}, .interval = 5min};
        CHECK(by_time.promised() == doctest::Approx(10000.0 / 2016));
        CHECK(tocsin::alarm_rate_settings{.per_rows = 2016}.promised() ==
              doctest::Approx(by_time.promised()));
    }

    TEST_CASE("alarm_rate: anomalies are left out, and a shorter series is refused") {
        tocsin::random_generator random(4);
        auto scores = draw_scores(score_kind::exponential, 2000, random);
        tocsin::alarm_rate clean;
        REQUIRE(clean.fit(scores, {}).ok());
        std::vector<std::uint8_t> labels(scores.size(), 0);
        for (std::size_t k = 500; k < 600; ++k) {
            scores[k] = 1000;
            labels[k] = 1;
        }
        tocsin::alarm_rate rule;
        REQUIRE(rule.fit(scores, labels).ok());
        CHECK(rule.threshold() == doctest::Approx(clean.threshold()).epsilon(0.2));
        const auto few = rule.fit(std::vector<double>(99, 1.0), {});
        CHECK(message_has(few, "99 normal scores; at level 0.9 at least 100"));
        CHECK_FALSE(rule.fitted());
        CHECK(message_has(rule.fit({}, {}), "there are no scores"));
        CHECK(message_has(rule.fit(std::vector<double>{1, std::nan("")}, {}), "score 1 is"));
    }

    TEST_CASE("alarm_rate: scores that never differ make any other one an alarm") {
        tocsin::alarm_rate rule;
        REQUIRE(rule.fit(std::vector<double>(100, 2.5), {}).ok());
        CHECK(rule.threshold() >= 2.5);
        CHECK(rule.threshold() < 2.50001);
        CHECK(rule.exceeds(2.6));
        CHECK_FALSE(rule.exceeds(2.5));
        REQUIRE(rule.fit(std::vector<double>(100, 0.0), {}).ok());
        CHECK(rule.exceeds(1e-3));
    }

    TEST_CASE("alarm_rate: a score that many normal ones equal is as likely as they are") {
        const auto filled = [](std::vector<std::pair<std::size_t, double>> parts) {
            std::vector<double> scores;
            for (const auto& [count, value] : parts) {
                scores.insert(scores.end(), count, value);
            }
            return scores;
        };
        tocsin::alarm_rate rule({.per_rows = 100});
        REQUIRE(rule.fit(filled({{500, 0.0}}), {}).ok());
        CHECK(rule.p_value(0) == 1);
        CHECK_FALSE(rule.exceeds(0));
        CHECK(rule.expected_false_alarms(0) > rule.promised());
        CHECK(rule.p_value(1e-12) < 0.01);
        REQUIRE(rule.fit(filled({{300, 0.0}, {500, 1.0}, {200, 2.0}}), {}).ok());
        // As far apart as quantiles that are kept.
        CHECK(rule.p_value(0) == 1);
        CHECK(rule.p_value(1) == doctest::Approx(0.7).epsilon(0.03 / 0.7));
        CHECK(rule.p_value(2) == doctest::Approx(0.2).epsilon(0.03 / 0.2));
        CHECK(rule.p_value(2.001) < 0.001);
    }

    TEST_CASE("alarm_rate: a threshold among scores that are equal at the level") {
        std::vector<double> scores;
        for (int k = 0; k < 1000; ++k) { // 880 in [0, 1), 120 equal to 1
            const int place = k * 377 % 1000;
            scores.push_back(place < 880 ? place / 880.0 : 1.0);
        }
        tocsin::alarm_rate rule({.per_rows = 100});
        REQUIRE(rule.fit(scores, {}).ok());
        CHECK(rule.threshold() == 1);
        CHECK_FALSE(rule.exceeds(1));
        CHECK(rule.exceeds(1.001));
        CHECK(rule.expected_false_alarms(1) > rule.promised());
        CHECK(rule.score_at(5000) == doctest::Approx(0.5 / 0.88).epsilon(0.01));
        // Verdicts by expectation are those by the threshold, but for the quantiles between.
        for (const double promised : {20.0, 500.0, 2000.0, 6000.0}) {
            CAPTURE(promised);
            const double threshold = rule.score_at(promised);
            CHECK(rule.expected_false_alarms(std::nextafter(threshold, 2.0)) <=
                  doctest::Approx(promised));
            CHECK(rule.expected_false_alarms(std::nextafter(threshold, -1.0)) >=
                  doctest::Approx(promised));
        }
    }

    TEST_CASE("alarm_rate: unusable settings are named") {
        const std::vector<double> scores(100, 1.0);
        const auto fails = [&](const tocsin::alarm_rate_settings& settings, const char* text) {
            tocsin::alarm_rate rule(settings);
            const auto outcome = rule.fit(scores, {});
            CHECK_MESSAGE(message_has(outcome, text), outcome.message());
        };
        fails({.alarms = 0}, "0 alarms");
        fails({.per_rows = 0.5}, "at most one a row");
        fails({.per = std::chrono::hours{1}}, "interval");
        fails({.level = 1}, "level 1");
        fails({.gap = -1}, "gap -1");
    }

    TEST_CASE("alarm_rate: after loading every answer has the same bits") {
        tocsin::random_generator random(8);
        tocsin::alarm_rate rule(
            {.per = std::chrono::hours{24}, .interval = std::chrono::seconds{9}});
        REQUIRE(rule.fit(draw_scores(score_kind::smoothed, 3000, random), {}).ok());
        tocsin::alarm_rate loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(rule)).ok());
        CHECK(loaded.threshold() == rule.threshold());
        CHECK(loaded.promised() == rule.promised());
        CHECK(loaded.gap() == rule.gap());
        for (const double score : {0.01, 0.5, 3.0, 30.0}) {
            CHECK(loaded.expected_false_alarms(score) == rule.expected_false_alarms(score));
        }
        auto content = tocsin_test::save(rule);
        content["extremal_index"] = {1.5};
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
        CHECK_FALSE(loaded.fitted());
        content = tocsin_test::save(rule);
        content["body"][5] = 1e99;
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
        content = tocsin_test::save(rule);
        content["threshold"] = {1.01 * rule.threshold()};
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
    }

    TEST_CASE("alarm_rate: a fit to scores beyond 1e100, which count as that, loads again") {
        tocsin::random_generator random(13);
        for (const double unit : {1.0, -1.0}) {
            CAPTURE(unit);
            auto scores = draw_scores(score_kind::exponential, 1000, random);
            for (double& score : scores) {
                score = unit * 1e120 * (1 + score);
            }
            tocsin::alarm_rate rule;
            REQUIRE(rule.fit(scores, {}).ok());
            CHECK_FALSE(rule.exceeds(unit * 1e100));
            tocsin::alarm_rate loaded;
            const auto outcome = tocsin_test::load(loaded, tocsin_test::save(rule));
            CHECK_MESSAGE(outcome.ok(), outcome.message());
            CHECK(loaded.threshold() == rule.threshold());
        }
    }

    TEST_CASE("alarm_rate: a threshold below the tail of an older version loads") {
        tocsin::random_generator random(9);
        tocsin::alarm_rate rule({.per_rows = 4});
        REQUIRE(rule.fit(draw_scores(score_kind::exponential, 1000, random), {}).ok());
        auto content = tocsin_test::save(rule);
        const double older = 0.95 * rule.threshold(); // where ties hid the share of the tail
        content["threshold"] = {older};
        tocsin::alarm_rate loaded;
        const auto outcome = tocsin_test::load(loaded, content);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        CHECK(loaded.threshold() == older);
        content["threshold"] = {1000.0};
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
        content["threshold"] = {-1.0};
        CHECK_FALSE(tocsin_test::load(loaded, content).ok());
    }
}
