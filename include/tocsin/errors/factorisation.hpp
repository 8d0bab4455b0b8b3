/// @file factorisation.hpp
/// @brief Cholesky factor of a covariance with what distances need of it.
///
/// Written out because Eigen's decompositions, compiled anew for each dimension, would take half
/// the compile time of a program that uses a detector, and because these need no heap.
#pragma once

#include "tocsin/core/views.hpp"

#include <cmath>

namespace tocsin::detail {

/// Replaces a symmetric matrix by its lower Cholesky factor L, A = L L^T, zeros above the diagonal.
/// Reads the lower triangle alone. False, with the matrix spoilt, unless A is positive definite;
/// NaN is not. Column by column, so that the inner loop is contiguous. Never allocates.
template <class Matrix>
bool cholesky_in_place(Matrix& a) noexcept {
    const index_t n = a.rows();
    for (index_t j = 0; j < n; ++j) {
        auto column = a.col(j).tail(n - j);
        for (index_t k = 0; k < j; ++k) {
            column -= a(j, k) * a.col(k).tail(n - j);
        }
        const double pivot = a(j, j);
        if (!(pivot > 0) || !std::isfinite(pivot)) {
            return false;
        }
        column /= std::sqrt(pivot);
        a.col(j).head(j).setZero();
    }
    return true;
}

/// x = L^-1 x by forward substitution, in place. Never allocates.
template <class Matrix, class Vector>
void solve_lower_in_place(const Matrix& lower, Vector& x) noexcept {
    const index_t n = lower.rows();
    for (index_t j = 0; j < n; ++j) {
        x[j] /= lower(j, j);
        const index_t below = n - j - 1;
        x.tail(below) -= x[j] * lower.col(j).tail(below);
    }
}

/// L^-1, lower triangular, zeros above the diagonal; not finite where an element overflows.
/// @param inverse `[n or more rows x n]`, further rows become zero. Never allocates.
template <class Matrix, class Inverse>
void invert_lower(const Matrix& lower, Inverse& inverse) noexcept {
    const index_t n = lower.rows();
    inverse.setZero();
    for (index_t j = 0; j < n; ++j) {
        inverse(j, j) = 1;
        auto column = inverse.col(j).segment(j, n - j);
        solve_lower_in_place(lower.bottomRightCorner(n - j, n - j), column);
    }
}

/// y = W x for a lower triangular W; further rows of W are left out. Never allocates.
/// @param y `[n]`, another vector than x
template <class Matrix, class Vector, class Product>
void multiply_lower(const Matrix& lower, const Vector& x, Product& y) noexcept {
    const index_t n = lower.cols();
    y.setZero();
    for (index_t j = 0; j < n; ++j) {
        y.tail(n - j) += x[j] * lower.col(j).segment(j, n - j);
    }
}

/// W = L^-1 becomes the inverse Cholesky factor of
///     scale L (I + u u^T) L^T,   which is scale (L L^T + v v^T) for u = W v.
/// The factor of I + u u^T and its inverse N have a closed form (Gill, Golub, Murray and Saunders,
/// "Methods for modifying matrix factorizations", Mathematics of Computation 28, 1974). With
/// t_i = 1 + u_0^2 + ... + u_i^2 and t_-1 = 1, row i of N W is
///     sqrt(t_(i-1) / t_i) (W_i - u_i / t_(i-1) sum over j < i of u_j W_j).
/// Nothing is subtracted from the diagonal, so that it stays positive. O(n^2), never allocates.
/// @param inverse `[n or more rows x n]`
/// @param scale   positive
/// @param gain    `[n]`, scratch
/// @param pull    `[n]`, scratch
template <class Inverse, class Vector>
void update_inverse_lower(Inverse& inverse, const Vector& u, double scale, Vector& gain,
                          Vector& pull) noexcept {
    const index_t n = inverse.cols();
    const double stretch = 1 / std::sqrt(scale);
    double before = 1; // t_(i-1)
    for (index_t i = 0; i < n; ++i) {
        const double after = before + u[i] * u[i];
        gain[i] = stretch * std::sqrt(before / after);
        pull[i] = u[i] / before;
        before = after;
    }
    for (index_t col = 0; col < n; ++col) {
        double sum = 0;
        for (index_t i = col; i < n; ++i) {
            const double element = inverse(i, col);
            inverse(i, col) = gain[i] * (element - pull[i] * sum);
            sum += u[i] * element;
        }
    }
}

/// R^-1/2, the symmetric inverse square root, from any square root G of R = G G^T.
///
/// One-sided Jacobi rotations (Hestenes 1958; de Rijk 1989) turn the columns of G until they are
/// orthogonal: G V = W = U S. Then R = U S^2 U^T and R^-1/2 = sum_k w_k w_k^T / |w_k|^3, without V.
/// @param root   G, overwritten by W
/// @param result overwritten; not finite unless G has full rank. Never allocates.
template <class Matrix>
void inverse_square_root(Matrix& root, Matrix& result) noexcept {
    constexpr int most_sweeps = 40; // ten do for dimension 128; a bound in case of NaN
    constexpr double orthogonal = 1e-15;
    const index_t n = root.rows();
    bool rotated = true;
    for (int sweep = 0; sweep < most_sweeps && rotated; ++sweep) {
        rotated = false;
        for (index_t p = 0; p + 1 < n; ++p) {
            for (index_t q = p + 1; q < n; ++q) {
                const double pp = root.col(p).squaredNorm();
                const double qq = root.col(q).squaredNorm();
                const double pq = root.col(p).dot(root.col(q));
                if (std::abs(pq) <= orthogonal * std::sqrt(pp * qq)) {
                    continue;
                }
                rotated = true;
                // The smaller root of t^2 + 2 zeta t - 1 = 0 keeps the angle below 45 degrees.
                const double zeta = (qq - pp) / (2 * pq);
                const double tangent =
                    std::copysign(1 / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
                const double cosine = 1 / std::sqrt(1 + tangent * tangent);
                const double sine = cosine * tangent;
                for (index_t row = 0; row < n; ++row) {
                    const double at_p = root(row, p);
                    root(row, p) = cosine * at_p - sine * root(row, q);
                    root(row, q) = sine * at_p + cosine * root(row, q);
                }
            }
        }
    }
    result.setZero();
    for (index_t k = 0; k < n; ++k) {
        const double length = root.col(k).norm();
        const double weight = 1 / (length * length * length);
        for (index_t col = 0; col < n; ++col) {
            result.col(col) += (weight * root(col, k)) * root.col(k);
        }
    }
}

} // namespace tocsin::detail
