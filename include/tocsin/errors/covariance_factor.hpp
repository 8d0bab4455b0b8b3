/// @file covariance_factor.hpp
/// @brief A covariance with the inverse of its Cholesky factor, both of which can follow a stream.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/covariance_checks.hpp"
#include "tocsin/errors/factorisation.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/ridge.hpp"
#include "tocsin/math/triangular_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin::detail {

/// C = L L^T and W = L^-1.
/// @tparam Dimension rows of C, or `dynamic`
template <int Dimension>
class covariance_factor {
    static constexpr int padded(int size) noexcept {
        return size == dynamic ? dynamic
                               : (size + triangular_row_multiple - 1) / triangular_row_multiple *
                                     triangular_row_multiple;
    }

  public:
    using vector_type = column<double, Dimension>;
    using matrix_type = matrix<double, Dimension, Dimension>;
    using whitening_type = matrix<double, padded(Dimension), Dimension>;

    /// C = I, not factorised yet.
    explicit covariance_factor(int dimension)
        : covariance_{matrix_type::Identity(dimension, dimension)},
          whitening_{whitening_type::Zero(padded(dimension), dimension)},
          update_{vector_type::Zero(dimension)}, gain_{update_}, pull_{update_} {}

    const matrix_type& covariance() const noexcept { return covariance_; }
    /// W, its rows padded with zeros to a multiple of triangular_row_multiple.
    const whitening_type& whitening() const noexcept { return whitening_; }
    /// log det C.
    double log_determinant() const noexcept { return log_determinant_; }
    /// Whether update() has changed the factor since the last factorise().
    bool updated() const noexcept { return updated_; }

    /// The covariance to factorise next.
    matrix_type& replace_covariance() noexcept { return covariance_; }
    /// Factorises the covariance, C = L L^T. Allocates.
    /// @param root becomes L
    /// @return `invalid_data` for a covariance that is not finite or cannot be factorised.
    status factorise(matrix_type& root, double relative_ridge) {
        if (!covariance_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the mean or the covariance is not finite");
        }
        root = covariance_;
        if (!cholesky_in_place(root)) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the covariance is not positive definite with the "
                                 "relative ridge ",
                                 relative_ridge);
        }
        invert_lower(root, whitening_);
        if (!whitening_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the variances are too far apart to be factorised");
        }
        updated_ = false;
        ridge_element_ = 0;
        least_ridge_ = newest_ridge(relative_ridge);
        log_determinant_ = -2 * log_product(whitening_.diagonal());
        return {};
    }

    /// C becomes (1 - w) (C + w v v^T), and a ridge is added as mahalanobis::adapt() describes.
    /// A vector that is longer than 1e12 deviations is shortened to that: beyond, rounding would take
    /// from W what it knows of all other directions.
    /// @param v      finite; multiplied by the square root of w
    /// @param weight w, in (0, 1)
    /// @return false, with nothing changed, for a vector that is so long that sums would overflow.
    ///         Never allocates.
    bool update(vector_type& v, double weight, double relative_ridge) noexcept {
        constexpr double longest_update = 1e12;
        constexpr double largest_trace = 1e300;
        constexpr double largest_update = 1e200;
        v *= std::sqrt(weight);
        multiply_lower(whitening_, v, update_);
        if (!(covariance_.trace() + v.squaredNorm() <= largest_trace &&
              update_.squaredNorm() <= largest_update)) {
            return false;
        }
        if (const double length = update_.norm(); length > longest_update) {
            v *= longest_update / length;
            update_ *= longest_update / length;
        }
        for (index_t col = 0; col < v.size(); ++col) {
            covariance_.col(col) += v[col] * v;
            covariance_.col(col) *= 1 - weight;
        }
        update_inverse_lower(whitening_, update_, 1 - weight, gain_, pull_);
        add_ridge(weight, relative_ridge);
        log_determinant_ = -2 * log_product(whitening_.diagonal());
        updated_ = true;
        return true;
    }

    /// An updated W is stored too, because a new factorisation has other bits. Otherwise
    /// factorise() must follow loading.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.matrix("covariance", covariance_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check_covariance("mahalanobis", covariance_));
            }
        }
        archive.integer("updated", updated_);
        if (!updated_) {
            return;
        }
        archive.matrix("whitening", whitening_);
        archive.integer("ridge_element", ridge_element_);
        archive.number("least_ridge", least_ridge_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check_updated());
            }
            log_determinant_ = -2 * log_product(whitening_.diagonal());
        }
    }

  private:
    /// The ridge in a covariance that holds it: r = R trace(C - r I) / d = R / (1 + R) trace(C) /
    /// d.
    double newest_ridge(double relative_ridge) const noexcept {
        return ridge(covariance_.diagonal().mean(),
                     std::max(relative_ridge / (1 + relative_ridge),
                              std::numeric_limits<double>::epsilon()));
    }
    void add_ridge(double weight, double relative_ridge) noexcept {
        const auto size = static_cast<double>(covariance_.rows());
        const double ridge = std::max(newest_ridge(relative_ridge), least_ridge_);
        const double elements = std::ceil(weight * size);
        const double amount = weight * size / elements * ridge;
        for (int k = 0; k < static_cast<int>(elements); ++k) {
            covariance_(ridge_element_, ridge_element_) += amount;
            update_ = std::sqrt(amount) * whitening_.col(ridge_element_).head(covariance_.rows());
            update_inverse_lower(whitening_, update_, 1, gain_, pull_);
            ridge_element_ = (ridge_element_ + 1) % static_cast<int>(covariance_.rows());
        }
    }

    /// Whether what was loaded can have come from update().
    status check_updated() noexcept {
        if (ridge_element_ < 0 || ridge_element_ >= covariance_.rows() || !(least_ridge_ >= 0) ||
            !(covariance_.diagonal().array() > 0).all()) {
            return status::error(error_code::format_error, "mahalanobis: ridge ", least_ridge_,
                                 ", next for element ", ridge_element_, ", with a variance of ",
                                 covariance_.diagonal().minCoeff(), " does not come from a fit");
        }
        return check_inverse_factor(whitening_, covariance_, update_);
    }

    matrix_type covariance_;
    whitening_type whitening_;
    double log_determinant_ = 0;
    bool updated_ = false;
    double least_ridge_ = 0;
    int ridge_element_ = 0; // of the diagonal, which the next update() adds to
    vector_type update_;    // scratch
    vector_type gain_;      // scratch
    vector_type pull_;      // scratch
};

} // namespace tocsin::detail
