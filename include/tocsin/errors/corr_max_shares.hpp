/// @file corr_max_shares.hpp
/// @brief What each element of an error vector contributes to its Mahalanobis distance.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/covariance_checks.hpp"
#include "tocsin/errors/factorisation.hpp"

#include <cmath>
#include <limits>
#include <span>

namespace tocsin::detail {

/// Shares of the elements in d^2, non-negative with sum 1: the squared elements of
///     w = R^-1/2 D^-1 (e - m),   C = D R D,
/// divided by their sum, D the standard deviations and R the correlations. |w|^2 = d^2, and of all
/// linear maps with this property it is the one whose w_i correlate most, in sum, with e_i (the
/// corr-max transformation of Garthwaite and Koch, "Evaluating the contributions of individual
/// variables to a quadratic form", Australian & New Zealand Journal of Statistics 58, 2016).
template <int Dimension>
class corr_max_shares {
  public:
    using vector_type = column<double, Dimension>;
    using matrix_type = matrix<double, Dimension, Dimension>;

    explicit corr_max_shares(int dimension)
        : decorrelation_{matrix_type::Identity(dimension, dimension)},
          inverse_deviations_{vector_type::Ones(dimension)} {}

    /// From a covariance and its lower Cholesky factor, which is overwritten. O(dimension^3).
    /// @return false where R has no inverse square root. Never allocates.
    bool fit(const matrix_type& covariance, matrix_type& root) noexcept {
        follow(covariance);
        // C = D R D and C = L L^T make D^-1 L a square root of R.
        for (index_t col = 0; col < root.cols(); ++col) {
            root.col(col).array() *= inverse_deviations_.array();
        }
        inverse_square_root(root, decorrelation_);
        return usable();
    }
    /// Takes over the standard deviations of a covariance; the correlations stay.
    void follow(const matrix_type& covariance) noexcept {
        inverse_deviations_ = covariance.diagonal().cwiseSqrt().cwiseInverse();
    }
    bool usable() const noexcept {
        return decorrelation_.allFinite() && inverse_deviations_.allFinite();
    }

    /// @param deviation `deviation(j)` is element j of e - m, times any factor: all finite and at
    ///                  most about 1
    /// @param out       `dimension` values: all 0 where e = m. Never allocates.
    template <class Deviation>
    void write(const Deviation& deviation, std::span<double> out) const noexcept {
        vector_view<double, Dimension> result(out.data(), inverse_deviations_.size());
        result.setZero();
        for (index_t j = 0; j < result.size(); ++j) {
            result += (deviation(j) * inverse_deviations_[j]) * decorrelation_.col(j);
        }
        const double longest = result.cwiseAbs().maxCoeff();
        if (longest == 0) {
            return;
        }
        result /= longest;
        result.array() *= result.array();
        result /= result.sum();
    }

    /// The correlations, for saving what fit() would not find again.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.matrix("decorrelation", decorrelation_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check_loaded());
            }
        }
    }

  private:
    /// R^-1/2 is symmetric, with a diagonal of at least 1: that of R is 1, and x^-1/2 is convex.
    status check_loaded() const noexcept {
        if (const status symmetric = check_covariance("mahalanobis: R^-1/2", decorrelation_);
            !symmetric.ok()) {
            return symmetric;
        }
        const double least = decorrelation_.diagonal().minCoeff();
        return least >= 1 - covariance_rounding
                   ? status{}
                   : status::error(error_code::format_error, "mahalanobis: R^-1/2 with ", least,
                                   " on its diagonal belongs to no correlations");
    }

    matrix_type decorrelation_;      // R^-1/2
    vector_type inverse_deviations_; // diagonal of D^-1
};

} // namespace tocsin::detail
