#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "event_charts.hpp"
#include "promise.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using tocsin::index_t;

namespace {

std::vector<double> normal_values(std::size_t count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    std::vector<double> values(count);
    std::generate(values.begin(), values.end(), [&] { return random.normal(); });
    return values;
}

} // namespace

TEST_SUITE("evaluate") {
    TEST_CASE("promises: independent scores keep them, labelled rows do not count") {
        evaluate::promise_counts promises;
        evaluate::metrics file;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            auto scores = normal_values(12000, seed);
            std::vector<std::uint8_t> labels(scores.size(), 0);
            std::fill(scores.begin() + 5000, scores.begin() + 6000, 100.0);
            std::fill(labels.begin() + 5000, labels.begin() + 6000, std::uint8_t{1});
            promises.add(scores, {0, 2000}, {2000, 12000}, labels, file);
        }
        const auto lines = promises.lines();
        REQUIRE(lines.size() == evaluate::stated_promises.size());
        for (const auto& line : lines) {
            CAPTURE(line.promised);
            CHECK(line.files == 10);
            CHECK(line.events == 10);
            CHECK(line.found == 10);
            CHECK(line.expected == doctest::Approx(9000 * line.promised / 10000));
        }
        CHECK(lines[0].pooled > 0.5);
        CHECK(lines[0].pooled < 2);
        CHECK(lines[0].within == 10);
        evaluate::metrics totals;
        promises.summarise(totals);
        CHECK(totals.promised_rate == 10);
        CHECK(*totals.realised_over_promised == doctest::Approx(lines[1].median));
        CHECK(file.realised_over_promised.has_value());
    }

    TEST_CASE("promises: expected false alarms are compared with what is promised") {
        evaluate::promise_counts promises;
        evaluate::metrics file;
        std::vector<double> expected(10000, 5000.0);
        expected[100] = 5;    // an alarm where 10 are promised, not where 1 is
        expected[102] = 5;    // of the same cluster
        expected[700] = 0.5;  // an alarm for both
        expected[9000] = 0.1; // labelled
        std::vector<std::uint8_t> labels(expected.size(), 0);
        labels[9000] = 1;
        promises.add_expected(expected, 0, 10, labels, file);
        const auto lines = promises.lines();
        CHECK(*file.realised_rate == doctest::Approx(2).epsilon(1e-3));
        CHECK(lines[1].pooled == doctest::Approx(0.2).epsilon(1e-3));
        CHECK(lines[2].pooled == doctest::Approx(1).epsilon(1e-3));
        CHECK(lines[2].found == 1);
    }

    TEST_CASE("promises: a cluster goes on above the level, below the threshold too") {
        std::vector<double> expected(10000, 5000.0);
        for (std::size_t t = 100; t < 200; ++t) {
            expected[t] = t % 40 == 20 ? 0.5 : 300.0; // alarms in rows 100, 140 and 180
        }
        const std::vector<std::uint8_t> labels(expected.size(), 0);
        const auto counted = [&](double level) {
            evaluate::promise_counts promises;
            evaluate::metrics file;
            promises.add_expected(expected, level, 10, labels, file);
            return *file.realised_rate;
        };
        CHECK(counted(500) == doctest::Approx(1));
        CHECK(counted(0) == doctest::Approx(3));
        CHECK(counted(250) == doctest::Approx(3));

        // AR(.999): counted from rows above the threshold alone, there are three times as many as
        // promised.
        tocsin::random_generator random(4);
        evaluate::promise_counts promises;
        for (int file = 0; file < 20; ++file) {
            std::vector<double> scores(24000);
            double level = random.normal();
            for (double& score : scores) {
                level = 0.999 * level + std::sqrt(1 - 0.999 * 0.999) * random.normal();
                score = std::abs(level);
            }
            evaluate::metrics counts;
            promises.add(scores, {0, 4000}, {4000, 24000},
                         std::vector<std::uint8_t>(scores.size(), 0), counts);
        }
        CHECK(promises.lines()[2].pooled < 2);
    }

    TEST_CASE(
        "event charts: a shift within the noise shows in the level, and only after it begins") {
        auto residuals = normal_values(3000, 3);
        const index_t shift = 2500;
        std::for_each(residuals.begin() + shift, residuals.end(), [](double& r) { r += 1.2; });
        const auto held_out = [](const std::vector<double>& values) {
            evaluate::held_out rows{{values}, {values}};
            for (double& error : rows.errors[0]) {
                error = std::abs(error);
            }
            return rows;
        };
        const std::vector<std::size_t> parts{0};
        const evaluate::event_rule rule;
        const auto series = evaluate::charted(rule, held_out(residuals), parts, {0, 1500});
        REQUIRE(series.size() == 2);
        const auto highest = [](const std::vector<double>& of, index_t begin, index_t end) {
            return *std::max_element(of.begin() + begin, of.begin() + end);
        };
        CHECK(highest(series[1], shift, 3000) > 2 * highest(series[1], 0, shift));
        CHECK(highest(series[0], shift, 3000) < 2 * highest(series[0], 0, shift));

        const evaluate::promised_charts charts;
        const auto scores = charts.scores(held_out(residuals), parts, {0, 1500});
        auto changed = residuals;
        std::fill(changed.begin() + 2000, changed.end(), 50.0);
        const auto others = charts.scores(held_out(changed), parts, {0, 1500});
        CHECK(std::equal(scores.begin(), scores.begin() + 2000, others.begin()));
        CHECK(highest(others, 2000, 3000) > charts.threshold());
        const auto flags = charts.flags(std::vector<double>(others.begin() + 1500, others.end()));
        CHECK(std::count(flags.begin(), flags.begin() + 300, 1) == 0);
        CHECK(flags[700] == 1);
    }
}
