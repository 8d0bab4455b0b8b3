#include "tocsin/core/random.hpp"
#include "tocsin/errors/factorisation.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <doctest/doctest.h>

#include <limits>

using namespace tocsin;

namespace {

matrix<double> positive_definite(int size, random_generator& random) {
    matrix<double> factor(size, size);
    for (index_t k = 0; k < factor.size(); ++k) {
        factor.data()[k] = random.normal();
    }
    matrix<double> product = factor * factor.transpose();
    product.diagonal().array() += 1e-3;
    return product;
}

} // namespace

TEST_SUITE("errors") {
    TEST_CASE("factorisation: the factor, solutions and roots equal Eigen's decompositions") {
        random_generator random{5};
        for (const int size : {1, 2, 3, 8, 33}) {
            CAPTURE(size);
            const matrix<double> a = positive_definite(size, random);
            matrix<double> lower = a;
            REQUIRE(detail::cholesky_in_place(lower));
            const matrix<double> expected = Eigen::LLT<matrix<double>>(a).matrixL();
            CHECK((lower - expected).norm() <= 1e-12 * expected.norm());

            column<double> x(size);
            for (double& value : x) {
                value = random.normal();
            }
            column<double> solved = x;
            detail::solve_lower_in_place(lower, solved);
            CHECK((lower * solved - x).norm() <= 1e-11 * x.norm());

            matrix<double> root = lower;
            matrix<double> inverse_root = a;
            detail::inverse_square_root(root, inverse_root);
            const Eigen::SelfAdjointEigenSolver<matrix<double>> eigen(a);
            const matrix<double> reference = eigen.operatorInverseSqrt();
            CHECK((inverse_root - reference).norm() <= 1e-9 * reference.norm());
        }
    }

    TEST_CASE("factorisation: an updated inverse factor belongs to the updated matrix") {
        random_generator random{6};
        for (const int size : {1, 2, 3, 8, 33}) {
            CAPTURE(size);
            const matrix<double> a = positive_definite(size, random);
            matrix<double> lower = a;
            REQUIRE(detail::cholesky_in_place(lower));
            matrix<double> inverse(size + 2, size);
            detail::invert_lower(lower, inverse);
            column<double> v(size);
            for (double& value : v) {
                value = random.normal();
            }
            column<double> u(size);
            detail::multiply_lower(inverse, v, u);
            CHECK((lower * u - v).norm() <= 1e-11 * v.norm());

            column<double> gain(size);
            column<double> pull(size);
            detail::update_inverse_lower(inverse, u, 0.75, gain, pull);
            matrix<double> updated = 0.75 * (a + v * v.transpose());
            REQUIRE(detail::cholesky_in_place(updated));
            matrix<double> expected(size + 2, size);
            detail::invert_lower(updated, expected);
            CHECK((inverse - expected).norm() <= 1e-9 * expected.norm());
            CHECK(inverse.bottomRows(2).isZero(0));
        }
    }

    TEST_CASE("factorisation: a matrix that is not positive definite is refused, NaN included") {
        matrix<double> singular = matrix<double>::Ones(3, 3);
        CHECK_FALSE(detail::cholesky_in_place(singular));
        matrix<double> negative = -matrix<double>::Identity(2, 2);
        CHECK_FALSE(detail::cholesky_in_place(negative));
        matrix<double> broken = matrix<double>::Identity(2, 2);
        broken(1, 0) = std::numeric_limits<double>::quiet_NaN();
        CHECK_FALSE(detail::cholesky_in_place(broken));
        matrix<double> infinite = matrix<double>::Identity(2, 2);
        infinite(0, 0) = std::numeric_limits<double>::infinity();
        CHECK_FALSE(detail::cholesky_in_place(infinite));
    }
}
