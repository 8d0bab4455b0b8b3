#include "tocsin/math/products.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace {

template <class Scalar>
constexpr Scalar tolerance = 16 * std::numeric_limits<Scalar>::epsilon();

/// Row by column in double.
template <class Matrix>
Eigen::MatrixXd exact(const Matrix& values) {
    return values.template cast<double>();
}

template <class Scalar>
void check_shape(int m, int k, int n) {
    CAPTURE(m);
    CAPTURE(k);
    CAPTURE(n);
    using matrix = tocsin::matrix<Scalar>;
    const matrix a = matrix::Random(m, k);
    const matrix x = matrix::Random(k, n);
    const matrix dz = matrix::Random(m, n);
    matrix y = matrix::Constant(m, n, std::numeric_limits<Scalar>::quiet_NaN());
    const auto close = [](const matrix& ours, const Eigen::MatrixXd& expected) {
        return ours.rows() == expected.rows() && ours.cols() == expected.cols() &&
               (exact(ours) - expected).norm() <=
                   static_cast<double>(tolerance<Scalar>) * (1 + expected.norm());
    };
    tocsin::multiply(a, x, y);
    CHECK(close(y, exact(a).lazyProduct(exact(x))));
    y.setOnes();
    tocsin::multiply_add(a, x, y);
    CHECK(close(y, Eigen::MatrixXd::Ones(m, n) + exact(a).lazyProduct(exact(x))));
    matrix dx = matrix::Constant(k, n, std::numeric_limits<Scalar>::quiet_NaN());
    tocsin::multiply_transposed(a, dz, dx);
    CHECK(close(dx, exact(a).transpose().lazyProduct(exact(dz))));
    matrix da = matrix::Ones(m, k);
    tocsin::add_outer_product(dz, x, da);
    CHECK(close(da, Eigen::MatrixXd::Ones(m, k) + exact(dz).lazyProduct(exact(x).transpose())));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("products: all four equal plain sums, for one column and for many", Scalar,
                       float, double) {
        check_shape<Scalar>(1, 1, 1);
        check_shape<Scalar>(3, 2, 1);
        check_shape<Scalar>(5, 4, 3);
        check_shape<Scalar>(40, 17, 1);
        check_shape<Scalar>(33, 29, 31);
    }

    TEST_CASE("products: no columns leave sums alone and write zero gradients") {
        check_shape<double>(4, 3, 0);
    }

    TEST_CASE("products: matrices of static size are taken too") {
        Eigen::Matrix<float, 2, 3> a;
        a << 1, 2, 3, 4, 5, 6;
        const Eigen::Matrix<float, 3, 1> x(1, 0, -1);
        Eigen::Matrix<float, 2, 1> y;
        tocsin::multiply(a, x, y);
        CHECK(y == Eigen::Vector2f(-2, -2));
    }
}
