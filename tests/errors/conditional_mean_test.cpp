#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/conditional_mean.hpp"

#include <Eigen/Cholesky>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using tocsin::detail::fill_by_conditional_mean;
using tocsin::detail::most_missing_elements;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A covariance with correlations of every size, with W = L^-1.
struct gaussian {
    tocsin::matrix<double> covariance;
    tocsin::matrix<double> whitening;

    gaussian(int dimension, std::uint64_t seed) {
        tocsin::random_generator random(seed);
        tocsin::matrix<double> root(dimension, dimension + 5);
        for (double& value : root.reshaped()) {
            value = random.normal();
        }
        covariance = root * root.transpose() / (dimension + 5.0);
        covariance.diagonal().array() += 0.1;
        whitening = Eigen::LLT<tocsin::matrix<double>>(covariance)
                        .matrixL()
                        .solve(tocsin::matrix<double>::Identity(dimension, dimension));
    }
};

/// Standard normal values, `missing` of them NaN at random places.
tocsin::column<double> partial_vector(int dimension, int missing, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::column<double> values(dimension);
    for (double& value : values) {
        value = random.normal();
    }
    while (missing > 0) {
        double& value = values[static_cast<tocsin::index_t>(
            random.below(static_cast<std::uint64_t>(dimension)))];
        missing -= std::isnan(value) ? 0 : 1;
        value = not_a_number;
    }
    return values;
}

/// The definition, C_MO C_OO^-1 x_O, by Eigen.
tocsin::column<double> by_definition(const tocsin::matrix<double>& covariance,
                                     const tocsin::column<double>& x) {
    std::vector<tocsin::index_t> observed;
    std::vector<tocsin::index_t> missing;
    for (tocsin::index_t k = 0; k < x.size(); ++k) {
        (std::isnan(x[k]) ? missing : observed).push_back(k);
    }
    const tocsin::matrix<double> of_observed = covariance(observed, observed);
    tocsin::column<double> filled = x;
    filled(missing) = covariance(missing, observed) *
                      Eigen::LDLT<tocsin::matrix<double>>(of_observed).solve(x(observed));
    return filled;
}

void check_filled(int dimension, int missing, std::uint64_t seed) {
    CAPTURE(dimension);
    CAPTURE(missing);
    const gaussian distribution(dimension, seed);
    const auto x = partial_vector(dimension, missing, seed + 1);
    auto filled = x;
    REQUIRE(fill_by_conditional_mean(distribution.whitening, distribution.covariance, filled.data(),
                                     dimension));
    const auto expected = by_definition(distribution.covariance, x);
    CHECK((filled - expected).cwiseAbs().maxCoeff() <= 1e-10 * expected.cwiseAbs().maxCoeff());
    for (int k = 0; k < dimension; ++k) {
        CHECK((std::isnan(x[k]) || filled[k] == x[k])); // what was observed stays
    }
}

bool fills(int dimension, int missing) {
    const gaussian distribution(dimension, 5);
    auto x = partial_vector(dimension, missing, 6);
    return fill_by_conditional_mean(distribution.whitening, distribution.covariance, x.data(),
                                    dimension);
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE("conditional mean: missing elements are C_MO C_OO^-1 x_O") {
        for (int dimension = 2; dimension <= 40; ++dimension) {
            for (int missing = 1; missing < dimension; ++missing) {
                check_filled(dimension, missing, static_cast<std::uint64_t>(100 * missing));
            }
        }
    }

    TEST_CASE("conditional mean: as many as fit, missing or observed") {
        check_filled(220, most_missing_elements, 1);
        check_filled(220, 220 - most_missing_elements, 2);
        check_filled(192, 96, 3); // both
        CHECK(fills(220, 96));
        CHECK_FALSE(fills(220, 97));
        CHECK_FALSE(fills(220, 110));
        CHECK_FALSE(fills(220, 123));
        CHECK(fills(220, 124));
    }

    TEST_CASE("conditional mean: nothing missing changes nothing, all missing has no answer") {
        const gaussian distribution(4, 7);
        const auto whole = partial_vector(4, 0, 8);
        auto x = whole;
        CHECK(
            fill_by_conditional_mean(distribution.whitening, distribution.covariance, x.data(), 4));
        CHECK(x == whole);
        CHECK_FALSE(fills(1, 1));
        CHECK_FALSE(fills(4, 4));
        CHECK_FALSE(fills(300, 300));
    }

    TEST_CASE("conditional mean: what cannot be solved is said, not answered") {
        const tocsin::matrix<double> zero = tocsin::matrix<double>::Zero(3, 3);
        Eigen::Vector3d mostly_there(1, not_a_number, 2);
        CHECK_FALSE(fill_by_conditional_mean(zero, zero, mostly_there.data(), 3));
        Eigen::Vector3d mostly_missing(1, not_a_number, not_a_number);
        CHECK_FALSE(fill_by_conditional_mean(zero, zero, mostly_missing.data(), 3));
        const tocsin::matrix<double> spoilt = tocsin::matrix<double>::Constant(3, 3, not_a_number);
        mostly_there[1] = not_a_number;
        CHECK_FALSE(fill_by_conditional_mean(spoilt, spoilt, mostly_there.data(), 3));
    }
}
