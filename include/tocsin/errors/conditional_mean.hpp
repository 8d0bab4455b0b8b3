/// @file conditional_mean.hpp
/// @brief Missing elements of a Gaussian vector, as expected from those that were observed.
#pragma once

#include "tocsin/core/extents.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace tocsin::detail {

/// Most elements that can be missing at once; more where as few are observed.
inline constexpr int most_missing_elements = 96;

/// A lower triangle by rows, of at most most_missing_elements rows.
class small_triangle {
  public:
    double& operator()(int row, int col) noexcept { return values_[at(row, col)]; }
    double operator()(int row, int col) const noexcept { return values_[at(row, col)]; }

    /// Replaces A, positive definite, by L with A = L L^T; false where that fails.
    bool factorise(int size) noexcept {
        for (int i = 0; i < size; ++i) {
            for (int j = 0; j <= i; ++j) {
                double sum = (*this)(i, j);
                for (int k = 0; k < j; ++k) {
                    sum -= (*this)(i, k) * (*this)(j, k);
                }
                if (i > j) {
                    (*this)(i, j) = sum / (*this)(j, j);
                } else if (sum > 0 && std::isfinite(sum)) {
                    (*this)(i, i) = std::sqrt(sum);
                } else {
                    return false;
                }
            }
        }
        return true;
    }
    /// x = A^-1 x after factorise().
    void solve(int size, double* x) const noexcept {
        for (int i = 0; i < size; ++i) {
            for (int k = 0; k < i; ++k) {
                x[i] -= (*this)(i, k) * x[k];
            }
            x[i] /= (*this)(i, i);
        }
        for (int i = size - 1; i >= 0; --i) {
            for (int k = i + 1; k < size; ++k) {
                x[i] -= (*this)(k, i) * x[k];
            }
            x[i] /= (*this)(i, i);
        }
    }

  private:
    static constexpr std::size_t at(int row, int col) noexcept {
        const auto r = static_cast<std::size_t>(row);
        return r * (r + 1) / 2 + static_cast<std::size_t>(col);
    }
    std::array<double,
               static_cast<std::size_t>(most_missing_elements) * (most_missing_elements + 1) / 2>
        values_;
};

/// Replaces the NaN elements M of a deviation x from the mean by their conditional expectation given
/// the others O. The squared Mahalanobis distance of the result equals that of x_O under the marginal
/// distribution of O, because the conditional expectation minimises the distance over x_M.
///
/// With few elements missing it solves P_MM x_M = -P_MO x_O, P = C^-1 = W^T W; with few observed,
/// x_M = C_MO C_OO^-1 x_O. About 40 KB of stack, never allocates.
/// @param whitening  W = L^-1, lower triangular, C = L L^T; at least `size` rows
/// @param covariance C, `[size x size]`
/// @param x          `size` deviations, NaN where missing, at least one observed
/// @return false, with x spoilt, where more than most_missing_elements are missing and as many
///         observed, or where the covariance cannot be solved
template <class Whitening, class Covariance>
[[gnu::noinline]] bool fill_by_conditional_mean(const Whitening& whitening,
                                                const Covariance& covariance, double* x,
                                                int size) noexcept {
    constexpr auto most = static_cast<std::size_t>(most_missing_elements);
    std::array<int, most> chosen; // the smaller of the two sets
    int missing = 0;
    for (int k = 0; k < size; ++k) {
        missing += std::isnan(x[k]) ? 1 : 0;
    }
    const bool choose_missing = 2 * missing <= size;
    const int count = choose_missing ? missing : size - missing;
    if (missing == 0) {
        return true;
    }
    if (count == 0 || count > most_missing_elements) {
        return false;
    }
    int found = 0;
    for (int k = 0; k < size; ++k) {
        if (std::isnan(x[k]) == choose_missing) {
            chosen[static_cast<std::size_t>(found++)] = k;
        }
    }
    const auto element = [&](int k) { return chosen[static_cast<std::size_t>(k)]; };
    small_triangle matrix;
    std::array<double, most> solution;
    if (choose_missing) {
        for (int a = 0; a < count; ++a) {
            x[element(a)] = 0;
            solution[static_cast<std::size_t>(a)] = 0;
            for (int b = 0; b <= a; ++b) {
                // W is lower triangular: column j starts at row j.
                double sum = 0;
                for (int row = element(a); row < size; ++row) {
                    sum += whitening(row, element(a)) * whitening(row, element(b));
                }
                matrix(a, b) = sum;
            }
        }
        for (int row = 0; row < size; ++row) {
            double y = 0; // of W x_O
            for (int col = 0; col <= row; ++col) {
                y += whitening(row, col) * x[col];
            }
            for (int a = 0; a < count && element(a) <= row; ++a) {
                solution[static_cast<std::size_t>(a)] -= whitening(row, element(a)) * y;
            }
        }
        if (!matrix.factorise(count)) {
            return false;
        }
        matrix.solve(count, solution.data());
        for (int a = 0; a < count; ++a) {
            x[element(a)] = solution[static_cast<std::size_t>(a)];
        }
        return true;
    }
    for (int a = 0; a < count; ++a) {
        solution[static_cast<std::size_t>(a)] = x[element(a)];
        for (int b = 0; b <= a; ++b) {
            matrix(a, b) = covariance(element(a), element(b));
        }
    }
    if (!matrix.factorise(count)) {
        return false;
    }
    matrix.solve(count, solution.data());
    for (int k = 0; k < size; ++k) {
        if (std::isnan(x[k])) {
            x[k] = 0;
            for (int a = 0; a < count; ++a) {
                x[k] += covariance(k, element(a)) * solution[static_cast<std::size_t>(a)];
            }
        }
    }
    return true;
}

} // namespace tocsin::detail
