#include "tocsin/layers/initialisers.hpp"

#include <doctest/doctest.h>

#include <cmath>

TEST_SUITE("layers") {

    TEST_CASE_TEMPLATE("initialisers: orthogonal columns have length one and right angles", Scalar,
                       float, double) {
        const auto tolerance = 8 * std::numeric_limits<Scalar>::epsilon();
        for (const int size : {1, 2, 7, 40}) {
            tocsin::random_generator random(2);
            tocsin::matrix<Scalar> weights(size, size);
            tocsin::initialise_orthogonal(weights, random);
            const tocsin::matrix<Scalar> product = weights.transpose() * weights;
            CHECK((product - tocsin::matrix<Scalar>::Identity(size, size)).cwiseAbs().maxCoeff() <=
                  tolerance);
        }
    }

    TEST_CASE_TEMPLATE("initialisers: Glorot's uniform fills its limits evenly", Scalar, float,
                       double) {
        tocsin::random_generator random(2);
        tocsin::matrix<Scalar> weights(60, 90);
        tocsin::initialise_glorot(weights, random);
        const double limit = std::sqrt(6.0 / 150);
        const Eigen::MatrixXd values = weights.template cast<double>();
        CHECK(values.maxCoeff() <= limit * (1 + 1e-7));
        CHECK(values.minCoeff() >= -limit * (1 + 1e-7));
        CHECK(std::abs(values.mean()) < 5 * limit / std::sqrt(3 * 5400.0));
        // The variance of a uniform distribution is limit^2 / 3.
        CHECK(values.squaredNorm() / 5400 == doctest::Approx(limit * limit / 3).epsilon(0.05));
    }

    TEST_CASE("initialisers: one seed gives one matrix") {
        const auto draw = [](std::uint64_t seed) {
            tocsin::random_generator random(seed);
            Eigen::MatrixXd weights(5, 5);
            tocsin::initialise_orthogonal(weights, random);
            return weights;
        };
        CHECK(draw(1) == draw(1));
        CHECK(draw(1) != draw(2));
    }

    TEST_CASE("initialisers: policies state their forget bias") {
        CHECK(tocsin::glorot_orthogonal{}.forget_gate_bias == 1);
        CHECK(tocsin::uniform_by_hidden_size{}.forget_gate_bias == 0);
        tocsin::random_generator random(2);
        Eigen::MatrixXd weights(20, 30);
        tocsin::uniform_by_hidden_size{}.input_weights(weights, 16, random);
        CHECK(weights.cwiseAbs().maxCoeff() <= 0.25);
        CHECK(weights.cwiseAbs().maxCoeff() > 0.24);
    }
}
