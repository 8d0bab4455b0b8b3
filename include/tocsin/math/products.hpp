/// @file products.hpp
/// @brief The matrix products of layers, forward and backward.
///
/// Each is one function over views of dynamic size, so a program compiles Eigen's kernels once per
/// scalar type, whatever compile-time sizes its layers have. None allocates when `x` or the
/// gradient is a single column, as in streams. Arguments are any contiguous matrix or view.
#pragma once

#include "tocsin/core/views.hpp"

namespace tocsin {
namespace detail {

template <class Scalar>
using read_block = matrix_view<const Scalar>;
template <class Scalar>
using write_block = matrix_view<Scalar>;

template <class Scalar>
void multiply(const read_block<Scalar>& a, const read_block<Scalar>& x,
              write_block<Scalar> y) noexcept {
    y.noalias() = a * x;
}
template <class Scalar>
void multiply_add(const read_block<Scalar>& a, const read_block<Scalar>& x,
                  write_block<Scalar> y) noexcept {
    y.noalias() += a * x;
}
template <class Scalar>
void multiply_transposed(const read_block<Scalar>& a, const read_block<Scalar>& x,
                         write_block<Scalar> y) noexcept {
    y.noalias() = a.transpose() * x;
}
template <class Scalar>
void add_outer_product(const read_block<Scalar>& dz, const read_block<Scalar>& x,
                       write_block<Scalar> da) noexcept {
    da.noalias() += dz * x.transpose();
}

/// Whether the elements lie one after the other, column by column. Eigen keeps a matrix of one row (in
/// its type) by rows, which is the same order.
template <class Derived>
bool is_contiguous(const Derived& block) noexcept {
    return Derived::IsRowMajor ? block.rows() == 1 || block.cols() == 1
                               : block.outerStride() == block.rows() || block.cols() == 1;
}

template <class Scalar, class Derived>
read_block<Scalar> reading(const Derived& block) noexcept {
    TOCSIN_ASSERT(is_contiguous(block), "products: a view is not contiguous");
    return {block.data(), block.rows(), block.cols()};
}
template <class Scalar, class Derived>
write_block<Scalar> writing(Derived& block) noexcept {
    TOCSIN_ASSERT(is_contiguous(block), "products: a view is not contiguous");
    return {block.data(), block.rows(), block.cols()};
}

} // namespace detail

/// y = A x, `[m x k] [k x n]`.
template <class A, class X, class Y>
void multiply(const A& a, const X& x, Y&& y) noexcept {
    using scalar = typename A::Scalar;
    detail::multiply<scalar>(detail::reading<scalar>(a), detail::reading<scalar>(x),
                             detail::writing<scalar>(y));
}
/// y += A x.
template <class A, class X, class Y>
void multiply_add(const A& a, const X& x, Y&& y) noexcept {
    using scalar = typename A::Scalar;
    detail::multiply_add<scalar>(detail::reading<scalar>(a), detail::reading<scalar>(x),
                                 detail::writing<scalar>(y));
}
/// y = A^T x, `[m x k]^T [m x n]`: the gradient of an input.
template <class A, class X, class Y>
void multiply_transposed(const A& a, const X& x, Y&& y) noexcept {
    using scalar = typename A::Scalar;
    detail::multiply_transposed<scalar>(detail::reading<scalar>(a), detail::reading<scalar>(x),
                                        detail::writing<scalar>(y));
}
/// dA += dz x^T, `[m x n] [k x n]^T`: the gradient of a weight block over n columns.
template <class Slopes, class X, class Gradient>
void add_outer_product(const Slopes& dz, const X& x, Gradient&& da) noexcept {
    using scalar = typename Slopes::Scalar;
    detail::add_outer_product<scalar>(detail::reading<scalar>(dz), detail::reading<scalar>(x),
                                      detail::writing<scalar>(da));
}

} // namespace tocsin
