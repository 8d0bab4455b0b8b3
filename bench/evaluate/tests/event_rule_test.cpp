#include <doctest/doctest.h>

#include "event_rule.hpp"
#include "inserted_anomalies.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

using evaluate::consensus;
using evaluate::contender;
using evaluate::event_rule;

namespace {

/// Without smoothing or buffer, so that results are obvious.
event_rule plain(consensus combined) {
    event_rule rule;
    rule.smoothing = 1;
    rule.quantile = 1;
    rule.combined = combined;
    rule.threshold = 2;
    rule.pruning = 0;
    rule.buffer = 0;
    return rule;
}

tocsin::matrix<double> sine(tocsin::index_t rows) {
    tocsin::matrix<double> values(2, rows);
    for (tocsin::index_t t = 0; t < rows; ++t) {
        values(0, t) = std::sin(2 * std::numbers::pi * static_cast<double>(t) / 40);
        values(1, t) = static_cast<double>(t);
    }
    return values;
}

} // namespace

TEST_SUITE("evaluate") {
    TEST_CASE("event rule: errors count in units of held-out errors, combined by the rule") {
        // The mean error, of which a 20th is added to the unit, is about 0.1.
        std::vector<double> errors(1000, 0.0);
        errors[500] = 4;
        const double unit = 2 + 0.05 * 0.1;
        std::vector<std::vector<double>> known;
        for (const double factor : {1.0, 2.0, 3.0, 10.0}) {
            auto scaled = errors;
            scaled[500] = 4 * factor;
            scaled[70] = 2;
            scaled[10] = 100; // while it warms up
            known.push_back(scaled);
        }
        const auto at = [&](consensus combined, const contender& which) {
            return evaluate::event_scores(plain(combined), which, known, {0, 200})[500];
        };
        const contender four{"four", {0, 1, 2, 3}};
        CHECK(at(consensus::second_highest, four) == doctest::Approx(12 / unit).epsilon(2e-3));
        CHECK(at(consensus::median, four) == doctest::Approx(10 / unit).epsilon(2e-3));
        CHECK(at(consensus::mean, four) == doctest::Approx(16 / unit).epsilon(2e-3));
        const contender one{"one", {1}};
        for (const auto combined :
             {consensus::mean, consensus::median, consensus::second_highest}) {
            CHECK(at(combined, one) == doctest::Approx(8 / unit).epsilon(2e-3));
        }
    }

    TEST_CASE("event rule: methods without any error have the score 0") {
        const std::vector<std::vector<double>> none{std::vector<double>(5, 0.0)};
        for (const double score :
             evaluate::event_scores(event_rule{}, {"one", {0}}, none, {0, 2})) {
            CHECK(score == 0);
        }
    }

    TEST_CASE("event rule: threshold, pruning and buffer decide what is flagged") {
        event_rule rule = plain(consensus::mean);
        const std::vector<double> scores = {0, 2, 2.1, 0, 0, 0, 0, 10, 0, 0, 0, 5};
        const auto flagged = [&] {
            std::vector<std::size_t> rows;
            const auto flags = evaluate::event_flags(rule, scores);
            for (std::size_t t = 0; t < flags.size(); ++t) {
                if (flags[t] != 0) {
                    rows.push_back(t);
                }
            }
            return rows;
        };
        CHECK(flagged() == std::vector<std::size_t>{2, 7, 11});
        rule.pruning = 0.5; // of the highest, 10
        CHECK(flagged() == std::vector<std::size_t>{7, 11});
        rule.buffer = 2; // overlapping buffers, and the end of the recording
        CHECK(flagged() == std::vector<std::size_t>{5, 6, 7, 8, 9, 10, 11});
        CHECK(evaluate::event_flags(rule, {}).empty());
    }

    TEST_CASE("inserted anomalies: they are in the returned ranges, and nowhere else") {
        const auto before = sine(3000);
        tocsin::random_generator random(7);
        int found = 0;
        for (int draw = 0; draw < 50; ++draw) {
            auto values = before;
            const auto anomalies = evaluate::insert_anomalies(values, {1000, 3000}, random);
            REQUIRE(anomalies.size() <= 2);
            found += static_cast<int>(anomalies.size());
            auto restored = values;
            for (const auto& range : anomalies) {
                CHECK(range.begin >= 1050);
                CHECK(range.end <= 2980);
                CHECK(range.size() >= 10);
                CHECK(range.size() <= 250);
                const auto changed = values.row(0).segment(range.begin, range.size());
                const auto original = before.row(0).segment(range.begin, range.size());
                CHECK((changed - original).norm() > 0);
                CHECK(changed.cwiseAbs().maxCoeff() <= 2.0001);
                restored.row(0).segment(range.begin, range.size()) = original;
            }
            if (anomalies.size() == 2) {
                CHECK(anomalies[0].end + 250 <= anomalies[1].begin);
            }
            CHECK(restored == before);
        }
        CHECK(found > 40);
    }

    TEST_CASE("inserted anomalies: none if the rows are too few") {
        auto values = sine(70);
        tocsin::random_generator random(1);
        for (int draw = 0; draw < 20; ++draw) {
            CHECK(evaluate::insert_anomalies(values, {0, 70}, random).empty());
        }
        CHECK(values == sine(70));
    }
}
