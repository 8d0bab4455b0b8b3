#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/metrics/roc.hpp"

#include <doctest/doctest.h>

#include "support/reference_values.hpp"
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

using namespace tocsin;

namespace {

/// Two clouds, and points between and around them.
matrix<double> clouds(index_t count, std::uint64_t seed) {
    random_generator random(seed);
    matrix<double> values(2, count);
    for (index_t t = 0; t < count; ++t) {
        const double centre = t % 2 == 0 ? -3 : 3;
        values(0, t) = centre + 0.5 * random.normal();
        values(1, t) = centre + 0.5 * random.normal();
    }
    return values;
}

} // namespace

TEST_SUITE("comparators") {

    static_assert(sample_scorer<isolation_forest>);

    TEST_CASE("isolation_forest: the normal path length equals scikit-learn's") {
        // sklearn.ensemble._iforest._average_path_length([1, 2, 3, 10, 256])
        CHECK(isolation_path_length(1) == 0);
        CHECK(isolation_path_length(2) == 1);
        CHECK(isolation_path_length(3) == doctest::Approx(1.207392357589623));
        CHECK(isolation_path_length(10) == doctest::Approx(3.748880484475505));
        CHECK(isolation_path_length(256) == doctest::Approx(10.244770920119917));
    }

    TEST_CASE("isolation_forest: a sample that one cut isolates has the path of one step") {
        // Of 2 samples, each is alone behind the only possible cut.
        matrix<double> two(1, 2);
        two << 0, 1;
        isolation_forest forest({.trees = 10});
        REQUIRE(forest.fit(two).ok());
        const double sample = 0;
        CHECK(forest.path_length({&sample, 1}) == 1);
        CHECK(forest.push({&sample, 1}) == 0.5); // 2^(-1 / c(2))
        // Equal samples cannot be cut: a leaf of 4 with its normal path.
        REQUIRE(forest.fit(matrix<double>::Constant(1, 4, 7)).ok());
        CHECK(forest.path_length({&sample, 1}) == doctest::Approx(isolation_path_length(4)));
    }

    TEST_CASE(
        "isolation_forest: features that vary are cut alike often, wherever constant ones are") {
        // Two equal samples, whose leaf is one step longer, and a third one.
        matrix<double> three = matrix<double>::Zero(9, 3);
        three(0, 2) = 1;
        three(8, 2) = 1;
        isolation_forest forest({.trees = 1000, .seed = 1});
        REQUIRE(forest.fit(three).ok());
        std::vector<double> between(9, 0.0);
        between[0] = 1; // with the third by feature 0, with the others by feature 8
        CHECK(forest.path_length(between) == doctest::Approx(1.5).epsilon(0.04));
    }

    TEST_CASE("isolation_forest: mean scores over seeds are scikit-learn's") {
        const tocsin_test::reference_values reference("isolation_forest");
        const auto& expected = reference["scores"];
        const matrix_view<const double> points(reference["points"].data(), 3, 200);
        constexpr int seeds = 20;
        std::vector<double> scores(200, 0.0);
        for (std::uint64_t seed = 0; seed < seeds; ++seed) {
            isolation_forest forest({.samples = 128, .seed = seed});
            REQUIRE(forest.fit(points).ok());
            for (index_t t = 0; t < 200; ++t) {
                scores[static_cast<std::size_t>(t)] +=
                    forest.push({points.col(t).data(), 3}) / seeds;
            }
        }
        // Both are means over 20 seeds: five deviations of their difference, for 200 points.
        double difference = 0;
        for (std::size_t k = 0; k < 200; ++k) {
            const double tolerance = 5 * reference["deviations"][k] * std::sqrt(2.0 / seeds);
            CHECK(std::abs(scores[k] - expected[k]) < tolerance);
            difference += (scores[k] - expected[k]) / 200;
        }
        CHECK(std::abs(difference) < 0.002);
    }

    TEST_CASE(
        "isolation_forest: what lies outside and between the clouds scores higher; a seed gives "
        "the same forest") {
        isolation_forest forest({.seed = 3});
        REQUIRE(forest.fit(clouds(1000, 1)).ok());
        const matrix<double> normal = clouds(300, 2);
        std::vector<double> scores(300);
        REQUIRE(score_samples(forest, normal, scores).ok());
        std::vector<std::uint8_t> labels(300, 0);
        for (const auto& [x, y] : {std::pair{0.0, 0.0}, {3.0, -3.0}, {8.0, 8.0}, {-3.0, 6.0}}) {
            const double sample[2] = {x, y};
            scores.push_back(forest.push(sample));
            labels.push_back(1);
        }
        CHECK(*auc_roc(scores, labels) >
              0.95); // a forest sees the corners between clouds less well
        for (const double score : scores) {
            CHECK(score > 0);
            CHECK(score <= 1);
        }
        isolation_forest again({.seed = 3});
        REQUIRE(again.fit(clouds(1000, 1)).ok());
        isolation_forest other({.seed = 4});
        REQUIRE(other.fit(clouds(1000, 1)).ok());
        const double sample[2] = {1, 2};
        CHECK(again.push(sample) == forest.push(sample));
        CHECK(other.push(sample) != forest.push(sample));
    }

    TEST_CASE("isolation_forest: bad settings and samples") {
        isolation_forest forest({.trees = 0});
        CHECK(!forest.fit(clouds(10, 1)).ok());
        forest = isolation_forest{};
        const double sample[2] = {1, std::numeric_limits<double>::quiet_NaN()};
        CHECK(std::isnan(forest.push(std::span(sample).first(1))));
        CHECK(!forest.fit(clouds(1, 1)).ok());
        REQUIRE(forest.fit(clouds(5, 1)).ok());
        CHECK(std::isnan(forest.push(sample)));
        CHECK(std::isnan(forest.push(std::span(sample).first(1))));
    }
}
