/// @file mahalanobis.hpp
/// @brief Squared Mahalanobis distance of an error vector from the errors on normal data.
#pragma once

#include "tocsin/errors/factorisation.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/errors/ridge.hpp"
#include "tocsin/math/triangular_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin {

/// Error statistic (see error_statistic) with the full covariance:
///     d^2(e) = (e - m)^T C^-1 (e - m),   C = S + r I,
/// where m and S are mean and sample covariance of the errors on normal data and the ridge r is
/// `relative_ridge` times the mean variance, trace(S) / dimension. The ridge makes constant
/// features and fewer samples than elements harmless. Where all variances are zero it is
/// `ridge_of_constant_samples`. C is factorised once (Cholesky, C = L L^T), never inverted itself;
/// d^2 = |W (e - m)|^2 with W = L^-1, O(dimension^2) multiplications that wait for no division.
///
/// Scaling all errors alike changes neither the distance nor the shares.
/// Holds scratch: use one copy per thread.
/// @tparam Dimension elements of an error vector, or `dynamic`
template <int Dimension = dynamic>
class mahalanobis {
  public:
    using vector_type = column<double, Dimension>;
    using matrix_type = matrix<double, Dimension, Dimension>;

    /// @param dimension      elements of an error vector
    /// @param relative_ridge finite and at least 0, checked by fit(); 0 is for covariances that are
    ///                       known to be well conditioned
    explicit mahalanobis(int dimension = Dimension == dynamic ? 0 : Dimension,
                         double relative_ridge = default_relative_ridge)
        : moments_(dimension), relative_ridge_{relative_ridge}, mean_{vector_type::Zero(dimension)},
          covariance_{matrix_type::Identity(dimension, dimension)},
          whitening_{whitening_type::Zero(padded(dimension), dimension)},
          shares_transform_{covariance_}, deviation_{mean_},
          block_{block_type::Zero(triangular_block, dimension)} {}

    int dimension() const noexcept { return moments_.dimension(); }
    double relative_ridge() const noexcept { return relative_ridge_; }
    /// Whether distances are available.
    bool fitted() const noexcept { return fitted_; }

    /// Forgets samples and fit.
    void reset() noexcept {
        moments_.reset();
        fitted_ = false;
    }
    /// Takes in the columns of `[dimension x n]`, float or double; columns with a non-finite
    /// element are rejected and counted. The last fit stays in use until fit(). May allocate.
    template <class Derived>
    void accumulate(const Eigen::MatrixBase<Derived>& errors) {
        moments_.add_batch(errors);
    }
    /// What has been accumulated.
    const moments<Dimension>& accumulated() const noexcept { return moments_; }

    /// Computes mean, covariance and factor from what has been accumulated. Allocates.
    /// @return `invalid_argument` for an unusable ridge; `invalid_data` for fewer than two samples
    ///         or a covariance that is not finite or cannot be factorised. Not fitted after a
    ///         failure.
    status fit() {
        fitted_ = false;
        if (status usable = detail::check_fit("mahalanobis", dimension(), moments_.count(),
                                              moments_.rejected(), relative_ridge_);
            !usable) {
            return usable;
        }
        mean_ = moments_.mean();
        covariance_ = moments_.covariance();
        covariance_.diagonal().array() +=
            detail::ridge(covariance_.diagonal().mean(), relative_ridge_);
        return factorise();
    }
    /// The same from given moments, which replace what has been accumulated.
    /// @return also `invalid_argument` when their dimension differs
    status fit(const moments<Dimension>& samples, double relative_ridge = default_relative_ridge) {
        if (samples.dimension() != dimension()) {
            return status::error(error_code::invalid_argument, "mahalanobis: dimension ",
                                 dimension(), " cannot be fitted to moments of dimension ",
                                 samples.dimension());
        }
        moments_ = samples;
        relative_ridge_ = relative_ridge;
        return fit();
    }

    /// Mean of the fit, `[dimension]`.
    const vector_type& mean() const noexcept { return mean_; }
    /// Covariance of the fit with the ridge on its diagonal, `[dimension x dimension]`.
    const matrix_type& covariance() const noexcept { return covariance_; }

    /// d^2 of one error vector, at least 0.
    /// @param error `[dimension]`, float or double
    /// @return NaN for a vector with a non-finite element and before a successful fit; finite
    ///         otherwise (the largest double where it would overflow). Never allocates.
    template <class Derived>
    double squared_distance(const Eigen::MatrixBase<Derived>& error) noexcept {
        TOCSIN_ASSERT(error.rows() == dimension() && error.cols() == 1,
                      "mahalanobis: the error vector has another dimension");
        double spoilt = 0; // NaN as soon as an element is not finite
        for (index_t j = 0; j < dimension(); ++j) {
            const auto element = static_cast<double>(error(j));
            spoilt += 0 * element;
            deviation_[j] = element - mean_[j];
        }
        return distance(squared_length_of_product(whitening_.data(), whitening_.rows(), dimension(),
                                                  deviation_.data()),
                        spoilt);
    }

    /// Logarithm of the density at one error vector, of the Gaussian with mean() and covariance().
    /// @param error `[dimension]`, float or double
    /// @return NaN where the distance is NaN, finite otherwise. Never allocates.
    template <class Derived>
    double log_density(const Eigen::MatrixBase<Derived>& error) noexcept {
        return density().at(squared_distance(error));
    }
    /// Turns distances of this fit into log densities and back; all NaN before a successful fit.
    gaussian_log_density density() const noexcept {
        return {dimension(), fitted_ ? log_determinant_ : std::numeric_limits<double>::quiet_NaN()};
    }

    /// d^2 of each column of `[dimension x n]`, the same bits as one by one. Never allocates.
    /// @param out n values (checked in debug builds)
    template <class Derived>
    void squared_distances(const Eigen::MatrixBase<Derived>& errors,
                           std::span<double> out) noexcept {
        TOCSIN_ASSERT(errors.cols() == static_cast<index_t>(out.size()),
                      "mahalanobis: as many distances as error vectors are needed");
        TOCSIN_ASSERT(errors.rows() == dimension(),
                      "mahalanobis: the error vectors have another dimension");
        std::array<double, triangular_block> spoilt;
        std::array<double, triangular_block> lengths;
        for (index_t first = 0; first < errors.cols(); first += triangular_block) {
            const index_t count = std::min<index_t>(triangular_block, errors.cols() - first);
            spoilt.fill(0);
            for (index_t s = 0; s < count; ++s) {
                for (index_t j = 0; j < dimension(); ++j) {
                    const auto element = static_cast<double>(errors(j, first + s));
                    spoilt[static_cast<std::size_t>(s)] += 0 * element;
                    block_(s, j) = element - mean_[j];
                }
            }
            squared_lengths_of_products(whitening_.data(), whitening_.rows(), dimension(),
                                        block_.data(), lengths.data());
            for (index_t s = 0; s < count; ++s) {
                const auto at = static_cast<std::size_t>(s);
                out[static_cast<std::size_t>(first + s)] = distance(lengths[at], spoilt[at]);
            }
        }
    }

    /// Contribution of each element to d^2, non-negative with sum 1: the squared elements of
    ///     w = R^-1/2 D^-1 (e - m),   C = D R D,
    /// divided by their sum, D the standard deviations and R the correlations. |w|^2 = d^2, and of
    /// all linear maps with this property it is the one whose w_i correlate most, in sum, with e_i
    /// (the corr-max transformation of Garthwaite and Koch, "Evaluating the contributions of
    /// individual variables to a quadratic form", Australian & New Zealand Journal of Statistics
    /// 58, 2016).
    /// @param error `[dimension]`, float or double
    /// @param out   `dimension` values: all 0 where e = m; all NaN for a vector with a non-finite
    ///              element and before a successful fit. Never allocates.
    template <class Derived>
    void shares(const Eigen::MatrixBase<Derived>& error, std::span<double> out) noexcept {
        TOCSIN_ASSERT(error.rows() == dimension() && error.cols() == 1 &&
                          static_cast<index_t>(out.size()) == error.rows(),
                      "mahalanobis: the error vector or the shares have another dimension");
        vector_view<double, Dimension> result(out.data(), dimension());
        deviation_ = error.template cast<double>();
        if (!fitted_ || !deviation_.allFinite()) {
            result.setConstant(std::numeric_limits<double>::quiet_NaN());
            return;
        }
        // Shares do not depend on the length of the deviation; unit lengths keep squares in range.
        // Halves, because the difference of two huge values could overflow.
        deviation_ = 0.5 * deviation_ - 0.5 * mean_;
        const double longest = deviation_.cwiseAbs().maxCoeff();
        if (longest == 0) {
            result.setZero();
            return;
        }
        deviation_ /= longest;
        result.noalias() = shares_transform_ * deviation_;
        result /= result.cwiseAbs().maxCoeff();
        result.array() *= result.array();
        result /= result.sum();
    }

    /// Saves or loads samples, settings and fit; distances and shares after loading are the same
    /// bits as before saving.
    template <class Archive>
    void exchange(Archive& archive) {
        {
            [[maybe_unused]] const auto scope = archive.scope("moments");
            moments_.exchange(archive);
        }
        archive.number("relative_ridge", relative_ridge_);
        archive.integer("fitted", fitted_);
        if (!fitted_) {
            return;
        }
        archive.matrix("mean", mean_);
        archive.matrix("covariance", covariance_);
        if constexpr (Archive::loading) {
            fitted_ = false;
            if (archive.outcome().ok()) {
                if (const status usable = factorise(); !usable) {
                    archive.fail(usable);
                }
            }
        }
    }

  private:
    /// From mean_ and covariance_ alone, so that loading runs the very same operations.
    status factorise() {
        if (!mean_.allFinite() || !covariance_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the mean or the covariance is not finite");
        }
        matrix_type root = covariance_;
        if (!detail::cholesky_in_place(root)) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the covariance is not positive definite with the "
                                 "relative ridge ",
                                 relative_ridge_);
        }
        detail::invert_lower(root, whitening_);
        if (!whitening_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the variances are too far apart to be factorised");
        }
        // C = D R D and C = L L^T make D^-1 L a square root of R.
        const vector_type inverse_deviation = covariance_.diagonal().cwiseSqrt().cwiseInverse();
        for (index_t col = 0; col < root.cols(); ++col) {
            root.col(col).array() *= inverse_deviation.array();
        }
        detail::inverse_square_root(root, shares_transform_);
        for (index_t col = 0; col < root.cols(); ++col) {
            shares_transform_.col(col) *= inverse_deviation[col];
        }
        if (!shares_transform_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the correlations have no inverse square root");
        }
        log_determinant_ = -2 * detail::log_product(whitening_.diagonal());
        fitted_ = true;
        return {};
    }

    static constexpr int padded(int size) noexcept {
        return size == dynamic ? dynamic
                               : (size + triangular_row_multiple - 1) / triangular_row_multiple *
                                     triangular_row_multiple;
    }
    using whitening_type = matrix<double, padded(Dimension), Dimension>;
    using block_type = matrix<double, triangular_block, Dimension>;

    /// What is reported for a squared length.
    double distance(double squared_length, double spoilt) const noexcept {
        if (!fitted_ || std::isnan(spoilt)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return std::isfinite(squared_length) ? squared_length : std::numeric_limits<double>::max();
    }

    moments<Dimension> moments_;
    double relative_ridge_;
    bool fitted_ = false;
    double log_determinant_ = 0; // of the covariance with the ridge
    vector_type mean_;
    matrix_type covariance_;       // with the ridge
    whitening_type whitening_;     // L^-1, rows padded with zeros
    matrix_type shares_transform_; // R^-1/2 D^-1
    vector_type deviation_;        // scratch
    block_type block_;             // scratch
};

} // namespace tocsin
