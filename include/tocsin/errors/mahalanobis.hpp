/// @file mahalanobis.hpp
/// @brief Squared Mahalanobis distance of an error vector from the errors on normal data.
#pragma once

#include "tocsin/errors/corr_max_shares.hpp"
#include "tocsin/errors/covariance_factor.hpp"
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
          factor_(dimension), shares_(dimension), deviation_{mean_},
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
        matrix_type& covariance = factor_.replace_covariance();
        covariance = moments_.covariance();
        covariance.diagonal().array() +=
            detail::ridge(covariance.diagonal().mean(), relative_ridge_);
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

    /// Moves the fit towards the error vector of a sample of normal operation, so that it follows a
    /// stream whose errors change (exponential weights, Finch 2009):
    ///     m' = m + w (e - m),   C' = (1 - w) (C + w (e - m)(e - m)^T) + w r' I
    /// with the ridge r' of C', at least that of the fit (and 2^-52 of the mean variance), so that
    /// C' stays positive definite when errors stop to vary. Instead of w r' on every element of the
    /// diagonal, a sample adds `dimension` times as much to one of them, the next sample to the
    /// next. The factor is updated: O(dimension^2) for weights of at most 1 / dimension, more in
    /// proportion for larger ones.
    ///
    /// Nothing changes before a successful fit, and by a vector with a non-finite element or one so
    /// far out that sums would overflow. What has been accumulated stays. Never allocates.
    /// @param weight w, in [0, 1): 1 - 2^(-1/n) halves the weight of a sample every n samples; n
    ///               should be several times the dimension. 0 changes nothing.
    template <class Derived>
    void adapt(const Eigen::MatrixBase<Derived>& error, double weight) noexcept {
        TOCSIN_ASSERT(error.rows() == dimension() && weight >= 0 && weight < 1,
                      "mahalanobis: adapt() with another dimension or a weight beyond [0, 1)");
        deviation_ = error.template cast<double>() - mean_;
        if (!fitted_ || weight == 0 || !deviation_.allFinite() ||
            !factor_.update(deviation_, weight, relative_ridge_)) {
            return;
        }
        mean_ += std::sqrt(weight) * deviation_; // update() has multiplied it once
        shares_.follow(factor_.covariance());
    }

    /// Mean of the fit, `[dimension]`.
    const vector_type& mean() const noexcept { return mean_; }
    /// Covariance of the fit with the ridge on its diagonal, `[dimension x dimension]`.
    const matrix_type& covariance() const noexcept { return factor_.covariance(); }

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
        return distance(squared_length_of_product(factor_.whitening().data(),
                                                  factor_.whitening().rows(), dimension(),
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
        return {dimension(),
                fitted_ ? factor_.log_determinant() : std::numeric_limits<double>::quiet_NaN()};
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
            squared_lengths_of_products(factor_.whitening().data(), factor_.whitening().rows(),
                                        dimension(), block_.data(), lengths.data());
            for (index_t s = 0; s < count; ++s) {
                const auto at = static_cast<std::size_t>(s);
                out[static_cast<std::size_t>(first + s)] = distance(lengths[at], spoilt[at]);
            }
        }
    }

    /// Contribution of each element to d^2, non-negative with sum 1 (detail::corr_max_shares).
    /// After adapt(): with the newest mean and variances, and the correlations of the last fit.
    /// @param error `[dimension]`, float or double
    /// @param out   `dimension` values: all 0 where e = m; all NaN for a vector with a non-finite
    ///              element and before a successful fit. Never allocates.
    template <class Derived>
    void shares(const Eigen::MatrixBase<Derived>& error, std::span<double> out) noexcept {
        TOCSIN_ASSERT(error.rows() == dimension() && error.cols() == 1 &&
                          static_cast<index_t>(out.size()) == error.rows(),
                      "mahalanobis: the error vector or the shares have another dimension");
        if (fitted_) {
            shares_.write(error, mean_, out);
        } else {
            std::fill(out.begin(), out.end(), std::numeric_limits<double>::quiet_NaN());
        }
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
        factor_.exchange(archive);
        if (factor_.updated()) {
            shares_.exchange(archive);
        }
        if constexpr (Archive::loading) {
            fitted_ = false;
            if (archive.outcome().ok()) {
                archive.fail(factor_.updated() ? check_loaded() : factorise());
            }
        }
    }

  private:
    /// From mean and covariance alone, so that loading runs the very same operations.
    status factorise() {
        if (!mean_.allFinite()) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the mean or the covariance is not finite");
        }
        matrix_type root;
        if (const status usable = factor_.factorise(root, relative_ridge_); !usable) {
            return usable;
        }
        return complete(shares_.fit(factor_.covariance(), root));
    }
    /// The same for what adapt() has changed before it was saved.
    status check_loaded() noexcept {
        shares_.follow(factor_.covariance());
        return complete(mean_.allFinite() && shares_.usable());
    }
    status complete(bool usable) noexcept {
        if (!usable) {
            return status::error(error_code::invalid_data,
                                 "mahalanobis: the correlations have no inverse square root");
        }
        fitted_ = true;
        return {};
    }

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
    vector_type mean_;
    detail::covariance_factor<Dimension> factor_; // of the covariance with the ridge
    detail::corr_max_shares<Dimension> shares_;
    vector_type deviation_; // scratch
    block_type block_;      // scratch
};

} // namespace tocsin
