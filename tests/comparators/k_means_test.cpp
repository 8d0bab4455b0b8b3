#include "tocsin/comparators/k_means.hpp"

#include <doctest/doctest.h>

#include "support/reference_values.hpp"
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>

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

    TEST_CASE("k_means: from given centres it ends where scikit-learn's ends") {
        const tocsin_test::reference_values reference("k_means");
        const matrix_view<const double> points(reference["points"].data(), 2, 60);
        const matrix_view<const double> first(reference["first_centres"].data(), 2, 4);
        k_means clusters({.clusters = 4});
        REQUIRE(clusters.fit(points, first).ok());
        const auto& expected = reference["centres"];
        REQUIRE(clusters.centres().size() == 8);
        for (index_t k = 0; k < 8; ++k) {
            CHECK(clusters.centres().data()[k] ==
                  doctest::Approx(expected[static_cast<std::size_t>(k)]).epsilon(1e-12));
        }
        CHECK(clusters.mean_squared_distance() ==
              doctest::Approx(reference.number("mean_squared_distance")).epsilon(1e-12));
        // It has moved, by more than one step.
        CHECK(reference.number("iterations") > 3);
        k_means hasty({.clusters = 4, .iterations = 1});
        REQUIRE(hasty.fit(points, first).ok());
        CHECK(hasty.centres() != clusters.centres());

        // Its own centres are where it stays, also if it has fewer of them than it may have.
        const matrix<double> settled = clusters.centres();
        REQUIRE(clusters.fit(points, clusters.centres()).ok());
        CHECK(clusters.centres().isApprox(settled, 1e-12));
        REQUIRE(clusters.fit(points, settled.leftCols(3)).ok());
        CHECK(clusters.centres().cols() == 3);

        const status wrong = clusters.fit(points, matrix<double>::Zero(2, 5));
        CHECK(wrong.code() == error_code::invalid_argument);
        CHECK(std::string_view(wrong.message()).find("2 features for 5 clusters") !=
              std::string_view::npos);
        CHECK(clusters.features() == 0);
        matrix<double> missing = first;
        missing(1, 2) = std::numeric_limits<double>::quiet_NaN();
        CHECK(!clusters.fit(points, missing).ok());
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
