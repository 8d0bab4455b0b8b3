#include "tocsin/comparators/k_means.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tocsin;

TEST_SUITE("comparators") {

    static_assert(sample_scorer<k_means>);

    TEST_CASE("k_means: finds the centres that scikit-learn finds") {
        // sklearn.cluster.KMeans(3, n_init=10).fit(X): centres and inertia_ / len(X)
        matrix<double> values(2, 9);
        values << 0, 1, 0, 10, 11, 10, 0, 1, 0, //
            0, 0, 1, 0, 0, 1, 10, 10, 11;
        k_means clusters({.clusters = 3});
        REQUIRE(clusters.fit(values).ok());
        CHECK(clusters.mean_squared_distance() == doctest::Approx(4.0 / 9));
        for (const auto& [x, y] :
             {std::pair{1.0 / 3, 1.0 / 3}, {31.0 / 3, 1.0 / 3}, {1.0 / 3, 31.0 / 3}}) {
            const double centre[2] = {x, y};
            CHECK(clusters.push(centre) == doctest::Approx(0).epsilon(1e-12));
        }
        const double sample[2] = {1.0 / 3, 1.0 / 3 - 5};
        CHECK(clusters.push(sample) == doctest::Approx(5));
    }

    TEST_CASE("k_means: more clusters than samples, equal samples, NaN, bad settings") {
        k_means clusters;
        REQUIRE(clusters.fit(matrix<double>::Constant(2, 3, 1)).ok());
        CHECK(clusters.centres().cols() == 3);
        const double sample[2] = {1, 1};
        CHECK(clusters.push(sample) == 0);
        const double missing[2] = {1, std::numeric_limits<double>::quiet_NaN()};
        CHECK(std::isnan(clusters.push(missing)));
        CHECK(!clusters.fit(matrix<double>(2, 0)).ok());
        CHECK(std::isnan(clusters.push(sample)));
        CHECK(!k_means({.clusters = 0}).fit(matrix<double>::Zero(1, 5)).ok());
    }
}
