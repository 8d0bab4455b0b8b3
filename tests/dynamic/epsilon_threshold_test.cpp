#include "tocsin/dynamic/epsilon_threshold.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

const double infinity = std::numeric_limits<double>::infinity();

static_assert(tocsin::threshold_rule<tocsin::epsilon_threshold>);

std::vector<double> quiet_scores() {
    std::vector<double> scores(100);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        scores[i] = i % 3 == 0 ? 0.12 : 0.1;
    }
    return scores;
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("epsilon choice: the score of each candidate by hand") {
        // Mean 1, deviation 3: one row at 10 among nine at 0. Candidates z = 2.5 and 3 leave out
        // the same row, so 3 wins; no higher one leaves out any.
        std::vector<double> scores(10, 0);
        scores[4] = 10;
        const auto level = tocsin::detail::level_and_spread::of(scores);
        CHECK(level.mean == 1);
        CHECK(level.deviation == 3);
        std::vector<tocsin::index_t> scratch;
        const auto chosen = tocsin::detail::choose_epsilon(scores, level, 0, scratch);
        CHECK(chosen.z == 3);
        CHECK(chosen.epsilon == 10);
        // With two rows on each side, half of the rows are anomalous, which is not allowed.
        const auto none = tocsin::detail::choose_epsilon(scores, level, 2, scratch);
        CHECK(none.z == 12);
        CHECK(none.epsilon == 37);
        // Every candidate leaves out the high rows; six runs are too many, five are not.
        std::vector<double> many(4000, 0);
        for (const int runs : {5, 6}) {
            for (std::size_t i = 0; i < static_cast<std::size_t>(runs); ++i) {
                many[300 + 500 * i] = 12;
            }
            const auto of_many = tocsin::detail::level_and_spread::of(many);
            CHECK(tocsin::detail::choose_epsilon(many, of_many, 1, scratch).z ==
                  (runs == 5 ? 11.5 : 12));
        }
    }

    TEST_CASE("epsilon threshold: separates unlabelled anomalies from the rest") {
        auto scores = quiet_scores();
        scores[30] = 5;
        scores[70] = 6;
        tocsin::epsilon_threshold rule;
        CHECK(rule.threshold() == infinity);
        REQUIRE(rule.fit(scores, {}).ok());
        CHECK(rule.exceeds(5));
        CHECK_FALSE(rule.exceeds(0.12));
        CHECK(rule.z() > 2);
        CHECK(rule.z() < 12);
        std::vector<std::uint8_t> labels(100, 0);
        labels[30] = labels[70] = 1;
        REQUIRE(rule.fit(scores, labels).ok());
        CHECK(rule.z() == 12); // nothing left to separate
        CHECK_FALSE(rule.fit(scores, std::vector<std::uint8_t>(100, 1)).ok());
        CHECK_FALSE(rule.fitted());
        CHECK_FALSE(tocsin::epsilon_threshold(-1).fit(scores, {}).ok());
        REQUIRE(rule.fit(std::vector<double>(50, 2.0), {}).ok());
        CHECK(rule.threshold() == 2);
        CHECK_FALSE(rule.exceeds(2));

        REQUIRE(rule.fit(scores, {}).ok());
        tocsin::epsilon_threshold loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(rule)).ok());
        CHECK(loaded.threshold() == rule.threshold());
        CHECK(loaded.z() == rule.z());
    }
}
