#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/residual.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <cstddef>
#include <vector>

namespace {

/// Allocations of every function that promises none, and of one that does not.
template <int Dimension, class Scalar>
void check_allocations(int dimension) {
    const tocsin::matrix<Scalar> errors = tocsin::matrix<Scalar>::Random(dimension, 30);
    tocsin::matrix<Scalar> residual = errors;
    tocsin::moments<Dimension> moments(dimension);
    tocsin::mahalanobis<Dimension> full(dimension);
    tocsin::diagonal_gaussian<Dimension> diagonal(dimension);
    full.accumulate(errors);
    diagonal.accumulate(errors);
    REQUIRE(full.fit().ok());
    REQUIRE(diagonal.fit().ok());
    std::vector<double> shares(static_cast<std::size_t>(dimension));
    std::vector<double> distances(30);
    double sum = 0;

    const long during = tocsin_test::allocations_during([&] {
        tocsin::absolute_residual(errors, residual, residual);
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            moments.add(errors.col(c));
            sum += full.squared_distance(errors.col(c));
            sum += diagonal.squared_distance(errors.col(c));
            sum += full.log_density(errors.col(c)) > diagonal.log_density(errors.col(c)) ? 1 : 0;
            full.shares(errors.col(c), shares);
            diagonal.shares(errors.col(c), shares);
        }
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            full.adapt(errors.col(c), 0.01);
            diagonal.adapt(errors.col(c), 0.01);
        }
        full.squared_distances(errors, distances);
        diagonal.accumulate(errors);
    });
    // Gathers a block of columns on the heap: shows that the counter counts.
    const long control = tocsin_test::allocations_during([&] { full.accumulate(errors); });

    CHECK(during == 0);
    CHECK(control > 0);
    CHECK(sum > 0);
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE_TEMPLATE("allocation: distances, shares, adapting and single samples need no heap",
                       Scalar, float, double) {
        check_allocations<tocsin::dynamic, Scalar>(1);
        check_allocations<tocsin::dynamic, Scalar>(5);
        check_allocations<tocsin::dynamic, Scalar>(100);
        check_allocations<8, Scalar>(8);
    }
}
