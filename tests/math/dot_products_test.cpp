#include "tocsin/math/dot_products.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"

namespace {

using tocsin::index_t;

/// Error of `outputs` dot products of `terms` terms against sums in double.
template <class Lanes>
double error_of(int outputs, int terms) {
    using scalar = typename Lanes::scalar_type;
    const tocsin::row_layout layout{outputs, terms, Lanes::count};
    const auto matrix = tocsin_test::random_values<scalar>(index_t{outputs} * terms, 1);
    const auto values = tocsin_test::random_values<scalar>(terms, 2);
    const auto start = tocsin_test::random_values<scalar>(outputs, 3);
    auto packed = tocsin_test::garbage<scalar>(layout.size());
    const auto at = [&](int r, int j) { return matrix[static_cast<std::size_t>(j * terms + r)]; };
    tocsin::pack_rows(layout, at, packed.data());
    auto result = tocsin_test::garbage<scalar>(outputs);
    tocsin::dot_products<Lanes>(layout, packed.data(), values.data(), start.data(), result.data());
    tocsin::aligned_vector<double> expected(start.begin(), start.end());
    for (int j = 0; j < outputs; ++j) {
        for (int r = 0; r < terms; ++r) {
            expected[static_cast<std::size_t>(j)] +=
                static_cast<double>(at(r, j)) *
                static_cast<double>(values[static_cast<std::size_t>(r)]);
        }
    }
    return tocsin_test::block_error(result, expected);
}

/// Error of the products with a batch against those with its columns one by one.
template <class Lanes>
double error_of_columns(int outputs, int terms, int columns) {
    using scalar = typename Lanes::scalar_type;
    const tocsin::row_layout layout{outputs, terms, Lanes::count};
    const auto matrix = tocsin_test::random_values<scalar>(index_t{outputs} * terms, 1);
    const auto values = tocsin_test::random_values<scalar>(index_t{terms} * columns, 2);
    const auto start = tocsin_test::random_values<scalar>(outputs, 3);
    auto packed = tocsin_test::garbage<scalar>(layout.size());
    tocsin::pack_rows(
        layout, [&](int r, int j) { return matrix[static_cast<std::size_t>(j * terms + r)]; },
        packed.data());
    auto together = tocsin_test::garbage<scalar>(index_t{outputs} * columns);
    auto one_by_one = together;
    tocsin::dot_products_of_columns<Lanes>(layout, packed.data(), values.data(), columns,
                                           start.data(), together.data());
    for (int c = 0; c < columns; ++c) {
        tocsin::dot_products<Lanes>(layout, packed.data(), values.data() + index_t{c} * terms,
                                    start.data(), one_by_one.data() + index_t{c} * outputs);
    }
    return tocsin_test::block_error(together, one_by_one);
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("dot_products: equal sums in double for sizes from 1 to 67", Scalar, float,
                       double) {
        const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-13;
        for (int terms = 1; terms <= 67; ++terms) {
            for (const int outputs : {1, 3, 4, 6, 67}) {
                CAPTURE(terms);
                CAPTURE(outputs);
                CHECK(error_of<tocsin::lanes<Scalar, tocsin::widest_lanes<Scalar>>>(
                          outputs, terms) <= tolerance);
                CHECK(error_of<tocsin::lanes<Scalar, 1>>(outputs, terms) <= tolerance);
            }
        }
    }

    TEST_CASE_TEMPLATE("dot_products: a batch gives what its columns give one by one", Scalar,
                       float, double) {
        const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-13;
        for (const int terms : {1, 5, 8, 16, 21, 67}) {
            for (int columns = 1; columns <= 9; ++columns) {
                CAPTURE(terms);
                CAPTURE(columns);
                CHECK(error_of_columns<tocsin::lanes<Scalar, tocsin::widest_lanes<Scalar>>>(
                          3, terms, columns) <= tolerance);
                CHECK(error_of_columns<tocsin::lanes<Scalar, 1>>(3, terms, columns) <= tolerance);
            }
        }
    }
}
