#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace {

/// Two features of unlike size.
tocsin::matrix<double> levels(tocsin::index_t count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> values(2, count);
    for (tocsin::index_t t = 0; t < count; ++t) {
        values.col(t) << (t % 50 < 25 ? 0 : 10) + 0.1 * random.normal(), 1000 + random.normal();
    }
    return values;
}
std::span<const double> column_of(const tocsin::matrix<double>& values, tocsin::index_t t) {
    return {values.col(t).data(), static_cast<std::size_t>(values.rows())};
}

} // namespace

TEST_SUITE("comparators") {

    TEST_CASE("nearest_value_novelty: the largest score of a nearest_value for each feature") {
        const auto training = levels(300, 1);
        const auto stream = levels(500, 2);
        tocsin::nearest_value_novelty scorer(200);
        CHECK(std::isnan(scorer.push(column_of(stream, 0))));
        REQUIRE(scorer.fit(training).ok());
        CHECK(scorer.features() == 2);
        std::array<tocsin::nearest_value, 2> each = {tocsin::nearest_value(200),
                                                     tocsin::nearest_value(200)};
        for (tocsin::index_t t = 100; t < 300; ++t) { // the newest 200
            each[0].push(training(0, t));
            each[1].push(training(1, t));
        }
        for (tocsin::index_t t = 0; t < 500; ++t) {
            const double expected =
                std::max(each[0].push(stream(0, t)), each[1].push(stream(1, t)));
            REQUIRE(scorer.push(column_of(stream, t)) == expected);
        }
        // After reset() it knows the training samples, and no others.
        scorer.reset();
        CHECK(scorer.push(column_of(training, 299)) == 0);
        const double in_the_gap[] = {5, 1000};
        CHECK(scorer.push(in_the_gap) > 0.8);
        CHECK(scorer.push(in_the_gap) < 0.1);
        scorer.reset();
        CHECK(scorer.push(in_the_gap) > 0.8);
    }

    TEST_CASE("nearest_value_novelty: the share is that of the feature whose value is farthest") {
        tocsin::nearest_value_novelty scorer(200);
        std::array<double, 2> shares{};
        const auto after = [&](double first, double second) {
            const double sample[] = {first, second};
            scorer.push(sample);
            scorer.shares(shares);
            return shares;
        };
        using pair = std::array<double, 2>;
        REQUIRE(scorer.fit(levels(300, 1)).ok());
        CHECK(after(5, 1000) == pair{1, 0});
        CHECK(after(5, 1100) == pair{0, 1});
        CHECK(after(5, 1100) == pair{0, 0}); // both are known
        after(-50, 1000);
        CHECK(after(-90, std::numeric_limits<double>::quiet_NaN()) == pair{0, 0});
        after(-130, 1000);
        scorer.reset();
        scorer.shares(shares);
        CHECK(shares == pair{0, 0});
    }

    TEST_CASE("nearest_value_novelty: a missing value has no score, the others are remembered") {
        tocsin::nearest_value_novelty scorer;
        REQUIRE(scorer.fit(levels(300, 1)).ok());
        const double half[] = {5, std::numeric_limits<double>::quiet_NaN()};
        const double infinite[] = {std::numeric_limits<double>::infinity(), 1010};
        CHECK(std::isnan(scorer.push(half)));
        CHECK(std::isnan(scorer.push(infinite)));
        const double both[] = {5, 1010};
        CHECK(scorer.push(both) == 0);
        CHECK(std::isnan(scorer.push(std::span(both).first(1))));
    }

    TEST_CASE("nearest_value_novelty: what cannot be learned from is refused with the reason") {
        CHECK(std::string(tocsin::nearest_value_novelty(1).fit(levels(10, 1)).message()) ==
              "nearest_value_novelty: memory 1 must lie in [2, 16777216]");
        tocsin::nearest_value_novelty scorer(100);
        REQUIRE(scorer.fit(levels(10, 1)).ok());
        CHECK(scorer.fit(levels(1, 1)).code() == tocsin::error_code::invalid_data);
        CHECK(scorer.features() == 0);
        auto missing = levels(10, 1);
        missing(1, 3) = std::numeric_limits<double>::quiet_NaN();
        CHECK(scorer.fit(missing).code() == tocsin::error_code::invalid_data);
        const double sample[] = {0, 1000};
        CHECK(std::isnan(scorer.push(sample)));
    }
}
