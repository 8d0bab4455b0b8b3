/// @file mahalanobis.hpp
/// @brief Squared Mahalanobis distance of an error vector from the errors on normal data.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/errors/block_distances.hpp"
#include "tocsin/errors/conditional_mean.hpp"
#include "tocsin/errors/corr_max_shares.hpp"
#include "tocsin/errors/covariance_factor.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/hotelling_law.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/errors/observed_elements.hpp"
#include "tocsin/errors/ridge.hpp"
#include "tocsin/errors/shrinkage.hpp"
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
/// With fewer than 1.2 samples per element that varies the correlations are shrunk (shrinkage.hpp).
/// Scaling all errors alike changes neither the distance nor the shares. Where elements of an error
/// vector are missing, the others are judged under their marginal distribution.
/// @tparam Dimension elements of an error vector, or `dynamic`
template <int Dimension = dynamic>
class mahalanobis {
  public:
    static constexpr const char* kind = "mahalanobis";
    static constexpr int version = 1;
    using vector_type = column<double, Dimension>;
    using matrix_type = matrix<double, Dimension, Dimension>;

    /// @param dimension      elements of an error vector
    /// @param relative_ridge finite and at least 0, checked by fit(); 0 is for covariances that are
    ///                       known to be well conditioned
    explicit mahalanobis(int dimension = Dimension == dynamic ? 0 : Dimension,
                         double relative_ridge = default_relative_ridge)
        : moments_(dimension), relative_ridge_{relative_ridge}, mean_{vector_type::Zero(dimension)},
          factor_(dimension), shares_(dimension), deviation_{mean_} {}

    /// Bytes that one of this dimension takes, about, while it is fitted or loaded.
    static constexpr checked_size memory_of(checked_size dimension) noexcept {
        return dimension * dimension * 12 * sizeof(double) + dimension * 8 * sizeof(double);
    }
    int dimension() const noexcept { return moments_.dimension(); }
    /// What is added to the diagonal, as a share of the mean variance.
    double relative_ridge() const noexcept { return relative_ridge_; }
    /// Whether distances are available: not before fit(), nor where it was moved from.
    bool fitted() const noexcept { return fitted_ && mean_.size() == dimension(); }

    /// Takes in the columns of `[dimension x n]`, float or double; columns with a non-finite
    /// element, or one beyond largest_input, are rejected and counted. The last fit stays in use until
    /// fit(). May allocate.
    template <class Derived>
    void accumulate(const Eigen::MatrixBase<Derived>& errors) {
        moments_.add_batch(errors);
    }
    /// The same for vectors that lie one after the other.
    void accumulate(std::span<const double> errors) {
        const index_t count =
            dimension() > 0 ? static_cast<index_t>(errors.size()) / dimension() : 0;
        moments_.add_batch(matrix_view<const double>(errors.data(), dimension(), count));
    }
    /// Takes in what another one has accumulated; see moments::merge().
    status merge(const mahalanobis& other) noexcept { return moments_.merge(other.moments_); }
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
        const double intensity =
            detail::shrink_and_ridge(covariance, moments_.count(), relative_ridge_);
        const status usable = factorise();
        derive_law(intensity);
        return usable;
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
    /// with the ridge r' of C', at least the ridge of the fit (and 2^-52 of the mean variance), so
    /// that C' stays positive definite when errors stop to vary. Instead of w r' on every element of
    /// the diagonal, a sample adds `dimension` times as much to one of them, the next sample to the
    /// next. The update takes O(dimension^2), more in proportion for weights above 1 / dimension.
    /// Before a successful fit, and for a vector that is not finite or whose sums would overflow,
    /// nothing changes; a vector farther out than 1e12 deviations counts as that far. What has been
    /// accumulated stays. Never allocates.
    /// @param weight w, in [0, 1): 1 - 2^(-1/n) halves the weight of a sample every n samples; n
    ///               should be several times the dimension. 0 changes nothing.
    void adapt(std::span<const double> error, double weight) noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(error.size()) == dimension() && weight >= 0 &&
                          weight < 1,
                      "mahalanobis: adapt() with another dimension or a weight beyond [0, 1)");
        deviation_ = vector_view<const double, Dimension>(error.data(), dimension()) - mean_;
        if (!fitted() || weight == 0 || !deviation_.allFinite() ||
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

    /// Law of the distances of new normal vectors, by the last fit; all NaN before one, and see
    /// hotelling_law for fits to fewer than 6.
    const hotelling_law& law() const noexcept { return law_; }
    /// The score that a vector of the fit would have, had the fit been without it.
    /// @param samples different ones, where vectors repeat each other (overlapping windows)
    double score_left_out(std::span<const double> error, double samples) const noexcept {
        const double distance = score(error);
        return distance < std::numeric_limits<double>::max() ? law_.left_out(distance, samples)
                                                             : distance;
    }
    /// Whether both have been fitted to the same vectors, whatever their order.
    bool same_samples(const mahalanobis& other) const noexcept {
        return dimension() == other.dimension() && moments_.agrees(other.moments_);
    }

    /// d^2 of one error vector, at least 0.
    /// @param error `[dimension]`; NaN where an element was not observed: d^2 of the others, from
    ///              their marginal distribution
    /// @return the largest double where d^2 would overflow and for an infinite element; NaN before a
    ///         successful fit, where no element was observed, and where too many are missing
    ///         (detail::most_missing_elements; any above a dimension of 512). Never allocates.
    double score(std::span<const double> error) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(error.size()) == dimension(),
                      "mahalanobis: the error vector has another dimension");
        if (!fitted()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        if (Dimension == dynamic && dimension() > most_local) {
            return detail::squared_distance_by_rows(factor_.whitening(), mean_, error);
        }
        local_vector deviation;
        double spoilt = 0; // NaN as soon as an element is not finite
        for (int j = 0; j < dimension(); ++j) {
            const double element = error[static_cast<std::size_t>(j)];
            spoilt += 0 * element;
            deviation[static_cast<std::size_t>(j)] = element - mean_[j];
        }
        if (std::isnan(spoilt)) {
            if (detail::has_infinite(error)) {
                return std::numeric_limits<double>::max();
            }
            if (!detail::fill_by_conditional_mean(factor_.whitening(), factor_.covariance(),
                                                  deviation.data(), dimension())) {
                return std::numeric_limits<double>::quiet_NaN();
            }
        }
        return detail::finite_length(squared_length_of_product(
            factor_.whitening().data(), factor_.whitening().rows(), dimension(), deviation.data()));
    }
    /// The same from a vector of Eigen's; allocates where that is no plain vector of doubles.
    template <class Derived>
    double score(const Eigen::MatrixBase<Derived>& error) const {
        const Eigen::Ref<const vector_type> values(error.template cast<double>());
        return score(std::span(values.data(), static_cast<std::size_t>(values.size())));
    }

    /// Logarithm of the density at one error vector, of the Gaussian with mean() and covariance().
    /// @param error `[dimension]`, float or double
    /// @return NaN where the distance is NaN or an element is missing, finite otherwise
    template <class Derived>
    double log_density(const Eigen::MatrixBase<Derived>& error) const {
        return detail::log_density_at(*this, error);
    }
    /// Turns distances of this fit into log densities and back; all NaN before a successful fit.
    gaussian_log_density density() const noexcept {
        return {dimension(),
                fitted() ? factor_.log_determinant() : std::numeric_limits<double>::quiet_NaN()};
    }

    /// d^2 of each column of `[dimension x n]`, all finite: the same bits as one by one, up to a
    /// dimension of 512. NaN for a column that is not finite. Allocates a block.
    /// @param out n values (checked in debug builds)
    template <class Derived>
    void scores(const Eigen::MatrixBase<Derived>& errors, std::span<double> out) const {
        TOCSIN_ASSERT(errors.cols() == static_cast<index_t>(out.size()),
                      "mahalanobis: as many distances as error vectors are needed");
        TOCSIN_ASSERT(errors.rows() == dimension(),
                      "mahalanobis: the error vectors have another dimension");
        detail::squared_distances(factor_.whitening(), mean_, errors, out);
        std::fill(out.begin(), fitted() ? out.begin() : out.end(), std::nan(""));
    }

    /// Contribution of each element to d^2, non-negative with sum 1 (detail::corr_max_shares).
    /// After adapt(): with the newest mean and variances, and the correlations of the last fit.
    /// @param error `[dimension]`, NaN where an element was not observed, which has no share
    /// @param out   `dimension` values: all 0 where e = m; all NaN where score() is NaN and for an
    ///              infinite element. Never allocates.
    void shares(std::span<const double> error, std::span<double> out) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(error.size()) == dimension() &&
                          out.size() == error.size(),
                      "mahalanobis: the error vector or the shares have another dimension");
        const auto no_answer = [&] { std::fill(out.begin(), out.end(), std::nan("")); };
        const bool missing = detail::has_nan(error);
        if (!fitted() || detail::has_infinite(error) ||
            (missing && Dimension == dynamic && dimension() > most_local)) {
            return no_answer();
        }
        // Halves, because the difference of two huge values could overflow; and of unit length, on
        // which shares do not depend, so that squares stay in range.
        const auto half = [&](index_t j) {
            return 0.5 * error[static_cast<std::size_t>(j)] - 0.5 * mean_[j];
        };
        double length = std::numeric_limits<double>::min(); // where e = m
        for (int j = 0; j < dimension(); ++j) {
            length = std::fmax(length, std::abs(half(j))); // the other one where one is NaN
        }
        if (!missing) {
            return shares_.write([&](index_t j) { return half(j) / length; }, out);
        }
        local_vector deviation;
        for (int j = 0; j < dimension(); ++j) {
            deviation[static_cast<std::size_t>(j)] = half(j) / length;
        }
        if (!detail::fill_by_conditional_mean(factor_.whitening(), factor_.covariance(),
                                              deviation.data(), dimension())) {
            return no_answer();
        }
        shares_.write([&](index_t j) { return deviation[static_cast<std::size_t>(j)]; }, out);
        detail::keep_observed_shares(error, out);
    }

    /// Saves or loads samples, settings and fit; distances and shares after loading are the same
    /// bits as before saving. What was moved from is not saved.
    template <class Archive>
    void exchange(Archive& archive) {
        if (Archive::loading && mean_.size() != dimension()) { // it was moved from
            *this = mahalanobis(dimension(), relative_ridge_);
        }
        {
            [[maybe_unused]] const auto scope = archive.scope("moments");
            moments_.exchange(archive);
        }
        archive.number("relative_ridge", relative_ridge_);
        archive.integer("fitted", fitted_);
        if (!fitted()) {
            return;
        }
        archive.matrix("mean", mean_);
        factor_.exchange(archive);
        if (factor_.updated()) {
            shares_.exchange(archive);
        }
        const bool few = detail::needs_shrinkage(dimension(), moments_.count());
        double intensity = law_.intensity();
        const bool stored = detail::exchange_intensity(archive, few, intensity);
        if constexpr (Archive::loading) {
            fitted_ = false;
            archive.fail(detail::check_fit("mahalanobis", dimension(), moments_.count(),
                                           moments_.rejected(), relative_ridge_));
            if (archive.outcome().ok()) {
                archive.fail(factor_.updated() ? check_loaded() : factorise());
                if (few && !stored) {
                    intensity =
                        detail::intensity_between(factor_.covariance(), moments_.covariance());
                }
                derive_law(few ? intensity : 0);
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
    void derive_law(double intensity) {
        law_ = fitted_ ? detail::law_of(factor_.covariance(), factor_.whitening(), moments_,
                                        relative_ridge_, intensity)
                       : hotelling_law();
    }
    /// The same for what adapt() has changed before it was saved.
    status check_loaded() noexcept {
        shares_.follow(factor_.covariance());
        return complete(mean_.allFinite() && shares_.usable());
    }
    status complete(bool usable) noexcept {
        fitted_ = usable;
        return usable ? status{}
                      : status::error(error_code::invalid_data,
                                      "mahalanobis: the correlations have no inverse square root");
    }

    /// Longest vector whose deviation from the mean is kept on the stack.
    static constexpr int most_local = 512;
    using local_vector =
        std::array<double, static_cast<std::size_t>(Dimension == dynamic ? most_local : Dimension)>;

    moments<Dimension> moments_;
    double relative_ridge_;
    bool fitted_ = false;
    vector_type mean_;
    detail::covariance_factor<Dimension> factor_; // of the covariance with the ridge
    detail::corr_max_shares<Dimension> shares_;
    hotelling_law law_;
    vector_type deviation_; // scratch of adapt()
};

} // namespace tocsin
