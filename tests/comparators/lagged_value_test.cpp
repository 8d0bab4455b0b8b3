#include "tocsin/comparators/lagged_value.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

static_assert(tocsin::sample_scorer<tocsin::lagged_value>);

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double push(tocsin::lagged_value& scorer, double value) {
    return scorer.push({&value, 1});
}

} // namespace

TEST_SUITE("comparators") {
    TEST_CASE("lagged_value: differences to the last value in units of the training, by hand") {
        tocsin::matrix<double> training(1, 5);
        training << 0, 2, 0, 2, 0; // every difference has the size 2
        tocsin::lagged_value scorer;
        REQUIRE(scorer.fit(training).ok());
        CHECK(std::isnan(push(scorer, 1)));
        CHECK(push(scorer, 4) == doctest::Approx(1.5));
        CHECK(push(scorer, 4) == 0);
        scorer.reset();
        CHECK(std::isnan(push(scorer, 7)));
    }

    TEST_CASE("lagged_value: a period ago is exact on a periodic series, two features are pooled") {
        tocsin::matrix<double> training(2, 12);
        for (int t = 0; t < 12; ++t) {
            training(0, t) = t % 3;
            training(1, t) = 3 * (t % 4);
        }
        tocsin::lagged_value scorer(12);
        CHECK(scorer.fit(training).message() ==
              std::string("lagged_value: training samples are 2 x 12, needed are at least 1 x 13"));
        scorer = tocsin::lagged_value(3);
        REQUIRE(scorer.fit(training).ok());
        std::vector<double> scores(12);
        REQUIRE(tocsin::score_samples(scorer, training, scores).ok());
        CHECK(std::isnan(scores[2]));
        // The first feature repeats; the second differs by 3 six times and by 9 three times.
        const double scale = std::sqrt((3 * 81.0 + 6 * 9.0) / 9);
        double squares = 0;
        for (std::size_t t = 3; t < 12; ++t) {
            squares += scores[t] * scores[t];
        }
        CHECK(squares == doctest::Approx(9.0 / 2)); // by definition of the scale
        CHECK(scores[3] == doctest::Approx(9 / scale / std::sqrt(2.0)));
    }

    TEST_CASE("lagged_value: a missing value has no score and is held for the next comparison") {
        tocsin::matrix<double> training(1, 3);
        training << 0, 1, 0;
        tocsin::lagged_value scorer;
        REQUIRE(scorer.fit(training).ok());
        CHECK(std::isnan(push(scorer, none)));
        CHECK(push(scorer, 3) == doctest::Approx(3 - 1.0 / 3)); // no value yet: the mean
        CHECK(std::isnan(push(scorer, none)));
        CHECK(push(scorer, 5) == doctest::Approx(2));
    }

    TEST_CASE("lagged_value: refuses a lag of 0, missing training values and the wrong width") {
        tocsin::matrix<double> training = tocsin::matrix<double>::Random(2, 9);
        tocsin::lagged_value scorer(0);
        CHECK_FALSE(scorer.fit(training).ok());
        scorer = tocsin::lagged_value(1);
        training(1, 3) = none;
        CHECK(scorer.fit(training).code() == tocsin::error_code::invalid_data);
        CHECK(std::isnan(push(scorer, 1)));
        training(1, 3) = 0;
        REQUIRE(scorer.fit(training).ok());
        CHECK(std::isnan(push(scorer, 1))); // one feature where there are two
        std::vector<double> scores(8);
        CHECK_FALSE(tocsin::score_samples(scorer, training, scores).ok());
    }
}
