#include "tocsin/threshold/normal_scores.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

using tocsin::detail::normal_scores;

TEST_SUITE("threshold") {

    TEST_CASE("normal scores: those with label 0, in their order") {
        const std::vector<double> scores{5, 1, 4, 1, 3};
        const std::vector<std::uint8_t> labels{0, 1, 0, 0, 255};
        CHECK(normal_scores(scores, labels) == std::vector<double>{5, 4, 1});
    }

    TEST_CASE("normal scores: without labels every score is normal") {
        const std::vector<double> scores{2, -std::numeric_limits<double>::infinity(), 1};
        CHECK(normal_scores(scores, {}) == scores);
        CHECK(normal_scores({}, {}).empty());
    }

    TEST_CASE("normal scores: there may be none") {
        const std::vector<double> scores{2, 1};
        const std::vector<std::uint8_t> labels{1, 2};
        CHECK(normal_scores(scores, labels).empty());
    }
}
