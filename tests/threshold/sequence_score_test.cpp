#include "tocsin/threshold/sequence_score.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

TEST_SUITE("threshold") {

    TEST_CASE("sequence score: it exceeds a threshold exactly when any distance does") {
        const std::vector<std::vector<double>> sequences{{1, 5, 2}, {5}, {4, 4}, {0, 0, 7}};
        for (const auto& distances : sequences) {
            for (const double threshold : {0.0, 4.0, 5.0, 7.0}) {
                bool any = false;
                for (const double distance : distances) {
                    any = any || distance > threshold;
                }
                CHECK((tocsin::sequence_score(distances) > threshold) == any);
            }
        }
    }

    TEST_CASE("sequence score: NaN distances do not hide the others") {
        const double not_a_number = std::numeric_limits<double>::quiet_NaN();
        CHECK(tocsin::sequence_score(std::vector<double>{not_a_number, 3, not_a_number}) == 3);
        CHECK(tocsin::sequence_score(std::vector<double>{3, not_a_number, 1}) == 3);
        CHECK(std::isnan(tocsin::sequence_score(std::vector<double>{not_a_number})));
        CHECK(std::isnan(tocsin::sequence_score({})));
    }
}
