#include "tocsin/math/packed_product.hpp"

#include <Eigen/Core>
#include <doctest/doctest.h>

#include "support/random_values.hpp"

namespace {

using tocsin::index_t;
using tocsin_test::random_values;

/// Error of a product of random sizes, in one or several segments, against Eigen.
template <class Lanes>
double product_error(int outputs, int segments, int length, int columns, bool with_start) {
    using scalar = typename Lanes::scalar_type;
    using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
    const int terms = segments * length;
    const tocsin::product_layout layout{outputs, terms, Lanes::count};
    const auto weights = random_values<scalar>(index_t{terms} * outputs, 1);
    const auto values = random_values<scalar>(index_t{terms} * columns, 2);
    const auto start = random_values<scalar>(outputs, 3);
    auto packed = tocsin_test::garbage<scalar>(layout.size());
    tocsin::pack_product(
        layout, [&](int r, int j) { return weights[static_cast<std::size_t>(j * terms + r)]; },
        packed.data());
    auto result = tocsin_test::garbage<scalar>(index_t{outputs} * columns);
    tocsin::packed_product<Lanes>(
        layout, packed.data(), {values.data(), segments, length, index_t{length} * columns, length},
        columns, with_start ? start.data() : nullptr, result.data());

    if (columns == 1 && segments == 1) {
        auto alone = tocsin_test::garbage<scalar>(outputs);
        tocsin::packed_column_product<Lanes>(layout, packed.data(), values.data(),
                                             with_start ? start.data() : nullptr, alone.data());
        const double apart = tocsin_test::block_error(alone, result);
        if (!(apart <= (sizeof(scalar) == 4 ? 1e-5 : 1e-13))) {
            return apart;
        }
    }

    // Column c, segment s of the operand lies at [s][c].
    matrix operand(terms, columns);
    for (int s = 0; s < segments; ++s) {
        for (int c = 0; c < columns; ++c) {
            for (int k = 0; k < length; ++k) {
                operand(s * length + k, c) = static_cast<double>(
                    values[static_cast<std::size_t>((s * columns + c) * length + k)]);
            }
        }
    }
    const matrix m = Eigen::Map<const Eigen::Matrix<scalar, Eigen::Dynamic, Eigen::Dynamic>>(
                         weights.data(), terms, outputs)
                         .template cast<double>();
    matrix expected = m.transpose() * operand;
    if (with_start) {
        expected.colwise() +=
            Eigen::Map<const Eigen::Matrix<scalar, Eigen::Dynamic, 1>>(start.data(), outputs)
                .template cast<double>();
    }
    return tocsin_test::block_error(result, tocsin_test::span_of(expected));
}

template <class Scalar>
using widest = tocsin::lanes<Scalar, tocsin::widest_lanes<Scalar>>;
template <class Scalar>
using single = tocsin::lanes<Scalar, 1>;

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("packed_product: equals a matrix product for sizes from 1 to 67", Lanes,
                       widest<float>, widest<double>, single<float>, single<double>) {
        const double tolerance = sizeof(typename Lanes::scalar_type) == 4 ? 1e-5 : 1e-13;
        tocsin::random_generator random(5);
        for (int k = 0; k < 300; ++k) {
            const auto size = [&](int largest) {
                return 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(largest)));
            };
            const int outputs = size(67);
            const int segments = k < 100 ? 1 : size(3);
            const int length = size(67);
            const int columns = k < 100 ? 1 : size(67);
            CAPTURE(outputs);
            CAPTURE(segments);
            CAPTURE(length);
            CAPTURE(columns);
            CHECK(product_error<Lanes>(outputs, segments, length, columns, k % 2 == 0) <=
                  tolerance);
        }
    }
}
