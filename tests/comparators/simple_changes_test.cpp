#include "tocsin/comparators/simple_changes.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tocsin;

TEST_SUITE("comparators") {

    static_assert(sample_scorer<squared_difference>);
    static_assert(sample_scorer<moving_variance>);

    TEST_CASE("squared_difference: in units of the training variance, NaN where there is no pair") {
        matrix<double> training(2, 4);
        training << 0, 2, 0, 2, // deviation 1
            0, 20, 0, 20;       // deviation 10
        squared_difference scorer;
        REQUIRE(scorer.fit(training).ok());
        const double first[2] = {1, 5};
        const double second[2] = {4, 25};
        const double missing[2] = {4, std::numeric_limits<double>::quiet_NaN()};
        CHECK(std::isnan(scorer.push(first)));
        CHECK(scorer.push(second) == doctest::Approx(9 + 4));
        CHECK(std::isnan(scorer.push(missing)));
        CHECK(scorer.push(first) == doctest::Approx(9 + 4)); // from the held value
        scorer.reset();
        CHECK(std::isnan(scorer.push(second)));
        CHECK(std::isnan(squared_difference{}.push(first)));
    }

    TEST_CASE("moving_variance: of the last samples, in units of the training variance") {
        matrix<double> training(1, 4);
        training << 0, 4, 0, 4; // deviation 2
        moving_variance scorer(3);
        REQUIRE(scorer.fit(training).ok());
        const double values[5] = {0, 0, 3, 3, 3};
        double last = 0;
        for (int t = 0; t < 5; ++t) {
            last = scorer.push({values + t, 1});
            if (t == 2 || t == 3) {
                CHECK(last == doctest::Approx(2.0 / 4)); // the variance of 0, 0, 3 is 2
            }
        }
        CHECK(last == doctest::Approx(0));
        CHECK(!moving_variance(0).fit(training).ok());
        CHECK(!moving_variance(3).fit(training.leftCols(1)).ok());
    }
}
