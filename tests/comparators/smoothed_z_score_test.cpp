#include "tocsin/comparators/smoothed_z_score.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

static_assert(tocsin::sample_scorer<tocsin::smoothed_z_score>);

tocsin::matrix<double> two_features() {
    tocsin::matrix<double> values(2, 4);
    values << 1, 3, 1, 3, //
        10, 10, 30, 30;   // means 2 and 20, deviations 1 and 10
    return values;
}

} // namespace

TEST_SUITE("comparators") {
    TEST_CASE("smoothed_z_score: trailing and centred means by hand") {
        tocsin::smoothed_z_score scorer(3);
        REQUIRE(scorer.fit(two_features()).ok());
        tocsin::matrix<double> values(2, 5);
        values << 2, 5, 2, 2, 2, //
            20, 20, 20, 20, 80;
        const double distances[] = {0, 1.5, 0, 0, 3};
        std::vector<double> scores(5);
        REQUIRE(tocsin::score_samples(scorer, values, scores).ok());
        const double trailing[] = {0, 0.75, 0.5, 0.5, 1};
        const double centred[] = {0.75, 0.5, 0.5, 1, 1.5};
        for (std::size_t t = 0; t < 5; ++t) {
            CHECK(scores[t] == doctest::Approx(trailing[t]));
            CHECK(scorer.distance({values.col(static_cast<tocsin::index_t>(t)).data(), 2}) ==
                  doctest::Approx(distances[t]));
        }
        REQUIRE(tocsin::centred_z_scores(scorer, values, scores).ok());
        for (std::size_t t = 0; t < 5; ++t) {
            CHECK(scores[t] == doctest::Approx(centred[t]));
        }
    }

    TEST_CASE("smoothed_z_score: missing values have no score and do not enter the mean") {
        tocsin::smoothed_z_score scorer(2);
        REQUIRE(scorer.fit(two_features()).ok());
        const double far[] = {4, 20};
        const double missing[] = {4, std::numeric_limits<double>::quiet_NaN()};
        const double normal[] = {2, 20};
        CHECK(scorer.push(far) == doctest::Approx(1));
        CHECK(std::isnan(scorer.push(missing)));
        CHECK(scorer.push(normal) == doctest::Approx(0.5));
    }

    TEST_CASE("smoothed_z_score: refuses no rows, one sample and the wrong width") {
        CHECK_FALSE(tocsin::smoothed_z_score(0).fit(two_features()).ok());
        tocsin::smoothed_z_score scorer(2);
        CHECK_FALSE(scorer.fit(two_features().leftCols(1)).ok());
        REQUIRE(scorer.fit(two_features()).ok());
        std::vector<double> scores(3);
        CHECK_FALSE(tocsin::centred_z_scores(scorer, two_features(), scores).ok());
        CHECK(std::isnan(scorer.push({scores.data(), 3})));
    }
}
