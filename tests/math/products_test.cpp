#include "tocsin/core/views.hpp"
#include "tocsin/math/outer_product.hpp"
#include "tocsin/math/products.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace {

using tocsin_test::random_values;

template <class Scalar>
constexpr double tolerance = 16 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());

template <class Matrix>
Eigen::MatrixXd exact(const Matrix& values) {
    return values.template cast<double>();
}

/// All products of one shape against Eigen's plain sums in double, each entry relative to the sum of
/// magnitudes that it is made of.
template <class Scalar>
void check_shape(int m, int k, int n) {
    CAPTURE(m);
    CAPTURE(k);
    CAPTURE(n);
    using matrix = tocsin::matrix<Scalar>;
    const matrix a = matrix::Random(m, k);
    const matrix x = matrix::Random(k, n);
    const matrix dz = matrix::Random(m, n);
    const matrix bias = matrix::Random(m, 1);
    const auto nothing = std::numeric_limits<Scalar>::quiet_NaN();
    const auto close = [](const matrix& ours, const Eigen::MatrixXd& expected, int terms) {
        return ours.size() == 0 ||
               (exact(ours) - expected).cwiseAbs().maxCoeff() <= tolerance<Scalar> * (2 + terms);
    };
    matrix y = matrix::Constant(m, n, nothing);
    tocsin::multiply<Scalar>(a.data(), m, k, x.data(), n, nullptr, y.data());
    CHECK(close(y, exact(a).lazyProduct(exact(x)), k));
    y.setConstant(nothing);
    tocsin::multiply<Scalar>(a.data(), m, k, x.data(), n, bias.data(), y.data());
    CHECK(close(y, (exact(a).lazyProduct(exact(x))).colwise() + exact(bias).col(0), k));
    matrix dx = matrix::Constant(k, n, nothing);
    tocsin::multiply_transposed<Scalar>(a.data(), m, k, dz.data(), n, dx.data());
    CHECK(close(dx, exact(a).transpose().lazyProduct(exact(dz)), m));
    matrix da = matrix::Ones(m, k);
    tocsin::add_outer_products<Scalar>(dz.data(), m, x.data(), k, n, da.data());
    CHECK(close(da, Eigen::MatrixXd::Ones(m, k) + exact(dz).lazyProduct(exact(x).transpose()), n));
    matrix sums = bias;
    tocsin::add_columns<Scalar>(dz.data(), m, n, sums.data());
    CHECK(close(sums, exact(bias) + exact(dz).rowwise().sum(), n));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("products: all equal plain sums, for one column and for many", Scalar, float,
                       double) {
        for (const int m : {1, 2, 3, 5, 8, 15, 16, 17, 33}) {
            for (const int k : {1, 4, 7, 16, 31, 64, 67}) {
                for (const int n : {1, 2, 3, 6, 13}) {
                    check_shape<Scalar>(m, k, n);
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("products: equal plain sums where a matrix is packed in parts", Scalar,
                       float, double) {
        check_shape<Scalar>(3, 5000, 4);  // more terms than are packed at a time
        check_shape<Scalar>(5000, 3, 4);  // more outputs
        check_shape<Scalar>(70, 1100, 9); // both
        check_shape<Scalar>(1, 4097, 1);
    }

    TEST_CASE_TEMPLATE("products: outer products of more columns than stay in the cache", Scalar,
                       float, double) {
        check_shape<Scalar>(40, 33, 2000);
        check_shape<Scalar>(3, 130, 1025);
    }

    TEST_CASE("products: no columns leave sums alone and write nothing") {
        const auto weights = random_values<float>(12, 1);
        auto gradient = weights;
        auto sums = random_values<float>(4, 2);
        const auto before = sums;
        tocsin::add_outer_products<float>(nullptr, 4, nullptr, 3, 0, gradient.data());
        tocsin::add_columns<float>(nullptr, 4, 0, sums.data());
        CHECK(gradient == weights);
        CHECK(sums == before);
        float untouched = 7;
        tocsin::multiply<float>(weights.data(), 4, 3, nullptr, 0, nullptr, &untouched);
        tocsin::multiply_transposed<float>(weights.data(), 4, 3, nullptr, 0, &untouched);
        CHECK(untouched == 7);
    }

    TEST_CASE("products: nothing is read or written outside the arrays") {
        // Garbage (NaN) around each array would reach the result; sanitizers see the rest.
        for (const int m : {1, 3, 17}) {
            for (const auto& [k, n] : {std::pair(1, 7), {5, 7}, {18, 7}, {18, 1}, {5, 1}}) {
                constexpr int around = 32;
                const auto surrounded = [&](int size) {
                    auto values = tocsin_test::garbage<float>(size + 2 * around);
                    for (int j = 0; j < size; ++j) {
                        values[static_cast<std::size_t>(around + j)] = 1;
                    }
                    return values;
                };
                /// A result that has `size` entries of a value, and garbage around them.
                const auto is_only = [&](const auto& result, int size, int value) {
                    for (int j = 0; j < size; ++j) {
                        CHECK(result[static_cast<std::size_t>(around + j)] ==
                              static_cast<float>(value));
                    }
                    for (int j = 0; j < around; ++j) {
                        CHECK(std::isnan(result[static_cast<std::size_t>(j)]));
                        CHECK(std::isnan(result[static_cast<std::size_t>(around + size + j)]));
                    }
                };
                const auto a = surrounded(m * k);
                const auto dz = surrounded(m * n);
                const auto x = surrounded(k * n);
                const auto bias = surrounded(m);
                auto da = surrounded(m * k);
                tocsin::add_outer_products<float>(dz.data() + around, m, x.data() + around, k, n,
                                                  da.data() + around);
                is_only(da, m * k, 1 + n);
                auto y = surrounded(m * n);
                tocsin::multiply<float>(a.data() + around, m, k, x.data() + around, n,
                                        bias.data() + around, y.data() + around);
                is_only(y, m * n, k + 1);
                tocsin::multiply<float>(a.data() + around, m, k, x.data() + around, n, nullptr,
                                        y.data() + around);
                is_only(y, m * n, k);
                auto dx = surrounded(k * n);
                tocsin::multiply_transposed<float>(a.data() + around, m, k, dz.data() + around, n,
                                                   dx.data() + around);
                is_only(dx, k * n, m);
                auto sums = surrounded(m);
                tocsin::add_columns<float>(dz.data() + around, m, n, sums.data() + around);
                is_only(sums, m, 1 + n);
            }
        }
    }
}
