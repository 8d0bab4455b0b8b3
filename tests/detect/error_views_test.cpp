#include "tocsin/core/random.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

using tocsin::detail::largest_score;
using tocsin::detail::shares_by_magnitude;
using tocsin::detail::shares_of;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const double missing = std::numeric_limits<double>::quiet_NaN();
const double largest_double = std::numeric_limits<double>::max();

tocsin::diagonal_gaussian<> fitted(int dimension) {
    tocsin::random_generator random(1);
    tocsin::diagonal_gaussian<> made(dimension);
    std::vector<double> errors(static_cast<std::size_t>(50 * dimension));
    for (double& error : errors) {
        error = random.uniform();
    }
    made.accumulate(std::span<const double>(errors));
    REQUIRE(made.fit().ok());
    return made;
}

/// Has no shares of its own.
struct sum_of_magnitudes {
    static constexpr const char* kind = "sum";
    int elements = 3;
    int dimension() const noexcept { return elements; }
    void accumulate(std::span<const double> /*errors*/) {}
    tocsin::status fit() { return {}; }
    double score(std::span<const double> error) const noexcept {
        return std::accumulate(error.begin(), error.end(), 0.0);
    }
};

// The view per feature has vectors of another length, also where that is known at compile time.
template <class Statistic, int Window>
using feature_statistic = typename tocsin::error_views<Statistic, Window>::feature_statistic;
static_assert(std::is_same_v<feature_statistic<tocsin::mahalanobis<3>, 7>, tocsin::mahalanobis<7>>);
static_assert(std::is_same_v<feature_statistic<tocsin::mahalanobis<3>, tocsin::dynamic>,
                             tocsin::mahalanobis<>>);
static_assert(std::is_same_v<feature_statistic<tocsin::mahalanobis<>, 7>, tocsin::mahalanobis<>>);
static_assert(
    std::is_same_v<feature_statistic<tocsin_test::largest_error, 7>, tocsin_test::largest_error>);

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("error views: one statistic per view, each of its own dimension") {
        tocsin::error_views<tocsin::diagonal_gaussian<>> views(3, 4);
        CHECK(views.per_step().dimension() == 3);
        CHECK(views.per_feature().dimension() == 4);
        const auto dimension = [](const auto& statistic) { return statistic.dimension(); };
        CHECK(views.visit(tocsin::error_view::per_step, dimension) == 3);
        CHECK(views.visit(tocsin::error_view::per_feature, dimension) == 4);
        CHECK(views.per_step().fit().code() == tocsin::error_code::invalid_data);
    }

    TEST_CASE("largest score: of vectors one after the other, with the score of each") {
        const auto statistic = fitted(2);
        const std::vector<double> errors{0.1, 0.2, 9, 0.3, 0.4, 0.5};
        std::array<double, 3> each{};
        const auto found = largest_score(statistic, errors, each);
        CHECK(found.worst == 1);
        CHECK(found.score == each[1]);
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(each[k] == statistic.score(std::span<const double>(errors).subspan(2 * k, 2)));
        }
        CHECK(largest_score(statistic, errors).score == found.score);
    }

    TEST_CASE("largest score: vectors that cannot be judged are left out") {
        const auto statistic = fitted(2);
        const std::vector<double> some{missing, missing, 0.1, missing, 0.5, 0.5};
        std::array<double, 3> each{};
        const auto found = largest_score(statistic, some, each);
        CHECK(std::isnan(each[0]));
        CHECK(found.worst > 0);
        CHECK(found.score == std::max(each[1], each[2]));
        CHECK(std::isnan(largest_score(statistic, std::vector<double>(4, missing)).score));
        CHECK(std::isnan(largest_score(statistic, std::vector<double>()).score));
        // An incomplete vector at the end is none.
        CHECK(std::isnan(largest_score(statistic, std::vector<double>(1, 0.5)).score));
    }

    TEST_CASE("shares by magnitude: add up to 1, also where errors overflow") {
        const auto of = [](std::vector<double> error) {
            std::vector<double> shares(error.size());
            shares_by_magnitude(error, shares);
            CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == doctest::Approx(1));
            return shares;
        };
        CHECK(of({1, -3, 0})[1] == doctest::Approx(0.75));
        CHECK(of({missing, 2, 2})[0] == 0);
        CHECK(of({0, 0})[1] == doctest::Approx(0.5));
        CHECK(of({infinity, 1, 5})[0] == doctest::Approx(1));
        CHECK(of({infinity, -infinity, 5})[1] == doctest::Approx(0.5));
        CHECK(of({largest_double, largest_double, largest_double})[2] == doctest::Approx(1.0 / 3));
    }

    TEST_CASE("shares by magnitude: what was not observed has none, whatever the others are") {
        for (const auto& error :
             {std::vector<double>{missing, 0, 0}, std::vector<double>{missing, 1, 0}}) {
            std::vector<double> shares(3);
            shares_by_magnitude(error, shares);
            CHECK(shares[0] == 0);
            CHECK(shares[1] + shares[2] == doctest::Approx(1));
        }
    }

    TEST_CASE("shares: the statistic's, or by magnitude where it has none") {
        const auto statistic = fitted(3);
        const std::vector<double> error{0.5, 9, missing};
        std::vector<double> expected(3);
        statistic.shares(std::span<const double>(error), std::span<double>(expected));
        std::vector<double> shares(3);
        shares_of(statistic, std::span<const double>(error), std::span<double>(shares));
        CHECK(shares == expected);
        CHECK(shares[1] > 0.9);
        CHECK(shares[2] == 0);

        static_assert(tocsin::error_statistic<sum_of_magnitudes>);
        shares_of(sum_of_magnitudes{}, std::span<const double>(error), std::span<double>(shares));
        CHECK(shares[0] == doctest::Approx(0.5 / 9.5));
        CHECK(shares[2] == 0);
    }
}
