#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

using tocsin_test::span_of;

namespace {

/// Allocations of every function that promises none, and of one that does not.
template <int Dimension, class Scalar>
void check_allocations(int dimension) {
    const tocsin::matrix<Scalar> errors = tocsin::matrix<Scalar>::Random(dimension, 30);
    const tocsin::matrix<double> doubles = errors.template cast<double>();
    tocsin::moments<Dimension> moments(dimension);
    tocsin::mahalanobis<Dimension> full(dimension);
    tocsin::diagonal_gaussian<Dimension> diagonal(dimension);
    full.accumulate(errors);
    diagonal.accumulate(errors);
    REQUIRE(full.fit().ok());
    REQUIRE(diagonal.fit().ok());
    std::vector<double> shares(static_cast<std::size_t>(dimension));
    std::vector<double> distances(30);
    tocsin::column<double> partial(dimension);
    double sum = 0;

    const long during = tocsin_test::allocations_during([&] {
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            moments.add(errors.col(c));
            const auto error = span_of(doubles.col(c));
            sum +=
                full.score(error) + full.score(doubles.col(c)) + full.log_density(doubles.col(c));
            sum += diagonal.score(error);
            sum += full.density().at(1.0) > diagonal.density().at(1.0) ? 1 : 0;
            full.shares(error, shares);
            diagonal.shares(error, shares);
            // Without its first element, except where it is the only one.
            partial = doubles.col(c);
            partial[0] = std::numeric_limits<double>::quiet_NaN();
            for (const double score :
                 {full.score(span_of(partial)), diagonal.score(span_of(partial))}) {
                sum += std::isnan(score) ? 0 : score;
            }
            full.shares(span_of(partial), shares);
            diagonal.shares(span_of(partial), shares);
        }
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            full.adapt(span_of(doubles.col(c)), 0.01);
            diagonal.adapt(span_of(doubles.col(c)), 0.01);
        }
        diagonal.accumulate(errors);
        diagonal.accumulate(span_of(doubles));
    });
    // A block, where its size is not known before.
    const long of_many = tocsin_test::allocations_during([&] { full.scores(errors, distances); });
    // Gathers a block of columns on the heap: shows that the counter counts.
    const long control = tocsin_test::allocations_during([&] { full.accumulate(errors); });

    CHECK(during == 0);
    CHECK(of_many == (Dimension == tocsin::dynamic ? 1 : 0));
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
