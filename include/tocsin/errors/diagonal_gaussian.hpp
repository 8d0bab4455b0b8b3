/// @file diagonal_gaussian.hpp
/// @brief Sum of squared z-scores of an error vector relative to the errors on normal data.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/for_each_index.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/hotelling_law.hpp"
#include "tocsin/errors/observed_elements.hpp"
#include "tocsin/errors/ridge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace tocsin {

/// Error statistic (see error_statistic) that takes the elements as uncorrelated:
///     d^2(e) = sum over i of (e_i - m_i)^2 / (s_i^2 + r),
/// which is -2 times the log-likelihood of a Gaussian with diagonal covariance, but for a constant.
/// s_i^2 is the unbiased sample variance, the ridge r as in mahalanobis. O(dimension) in time and
/// memory: the choice for long vectors and few samples. Accumulates in double. Elements that were
/// not observed are left out of the sum.
/// @tparam Dimension elements of an error vector, or `dynamic`
template <int Dimension = dynamic>
class diagonal_gaussian {
  public:
    static constexpr const char* kind = "diagonal_gaussian";
    static constexpr int version = 1;
    using vector_type = column<double, Dimension>;

    /// @param dimension      elements of an error vector
    /// @param relative_ridge finite and at least 0, checked by fit()
    explicit diagonal_gaussian(int dimension = Dimension == dynamic ? 0 : Dimension,
                               double relative_ridge = default_relative_ridge)
        : dimension_{dimension}, relative_ridge_{relative_ridge},
          running_mean_{vector_type::Zero(dimension)}, square_sum_{running_mean_},
          difference_{running_mean_}, mean_{running_mean_}, variance_{vector_type::Ones(dimension)},
          inverse_variance_{variance_} {}

    int dimension() const noexcept { return dimension_.value(); }
    /// Whether distances are available.
    bool fitted() const noexcept { return fitted_; }
    /// Error vectors taken in.
    std::int64_t count() const noexcept { return count_; }
    /// Error vectors left out because of an element that is NaN or beyond largest_input.
    std::int64_t rejected() const noexcept { return rejected_; }
    /// Mean of the fit, `[dimension]`.
    const vector_type& mean() const noexcept { return mean_; }
    /// Variances of the fit with the ridge, `[dimension]`.
    const vector_type& variance() const noexcept { return variance_; }
    /// The ridge as a share of the mean variance.
    double relative_ridge() const noexcept { return relative_ridge_; }

    /// Takes in the columns of `[dimension x n]`, float or double; columns with an element that is
    /// NaN or beyond largest_input are rejected and counted. The last fit stays in use until fit().
    /// Never allocates.
    template <class Derived>
    void accumulate(const Eigen::MatrixBase<Derived>& errors) noexcept {
        TOCSIN_ASSERT(errors.rows() == dimension(),
                      "diagonal_gaussian: the error vectors have another dimension");
        for (index_t c = 0; c < errors.cols(); ++c) {
            difference_ = errors.col(c).template cast<double>();
            if (!all_bounded(difference_)) {
                ++rejected_;
                continue;
            }
            ++count_; // Welford's update, the diagonal of the one in moments
            const double share = 1 / static_cast<double>(count_);
            difference_ -= running_mean_;
            running_mean_ += share * difference_;
            square_sum_ += (1 - share) * difference_.cwiseAbs2();
        }
    }
    /// The same for vectors that lie one after the other.
    void accumulate(std::span<const double> errors) noexcept {
        const index_t count =
            dimension() > 0 ? static_cast<index_t>(errors.size()) / dimension() : 0;
        accumulate(matrix_view<const double>(errors.data(), dimension(), count));
    }

    /// Takes in what another one has accumulated, up to rounding as if it had been accumulated here. The
    /// last fit stays in use until fit(). Never allocates.
    /// @return `invalid_argument` when the dimensions differ; this one is then unchanged
    status merge(const diagonal_gaussian& other) noexcept {
        if (other.dimension() != dimension()) {
            return status::error(error_code::invalid_argument, "diagonal_gaussian: dimension ",
                                 dimension(), " cannot be merged with dimension ",
                                 other.dimension());
        }
        rejected_ += other.rejected_;
        if (other.count_ == 0) {
            return {};
        }
        // Chan, Golub and LeVeque 1979, the diagonal of what moments::merge() does.
        const auto all = static_cast<double>(count_ + other.count_);
        const double share = static_cast<double>(other.count_) / all;
        difference_ = other.running_mean_ - running_mean_;
        running_mean_ += share * difference_;
        square_sum_ +=
            other.square_sum_ + share * static_cast<double>(count_) * difference_.cwiseAbs2();
        count_ += other.count_;
        return {};
    }

    /// Computes mean and variances from what has been accumulated. Never allocates.
    /// @return `invalid_argument` for an unusable ridge; `invalid_data` for fewer than two samples
    ///         or variances that are not finite, or zero without a ridge. Not fitted after a
    ///         failure.
    status fit() noexcept {
        fitted_ = false;
        if (status usable = detail::check_fit("diagonal_gaussian", dimension(), count_, rejected_,
                                              relative_ridge_);
            !usable) {
            return usable;
        }
        mean_ = running_mean_;
        variance_ = square_sum_ / static_cast<double>(count_ - 1);
        variance_.array() += detail::ridge(variance_.mean(), relative_ridge_);
        return check_variances();
    }

    /// Moves the fit towards the error vector of a sample of normal operation, so that it follows a
    /// stream whose errors change (exponential weights, Finch 2009):
    ///     m' = m + w (e - m),   s'^2 = (1 - w) (s^2 + w (e - m)^2)
    /// Variances stay at least at the ridge. Before a fit, and for a vector that is not finite, nothing
    /// changes; an element beyond 1e12 deviations counts as these. Never allocates.
    /// @param weight w, in [0, 1]: 1 - 2^(-1/n) halves the weight of a sample every n samples; 0
    ///               changes nothing
    void adapt(std::span<const double> error, double weight) noexcept {
        TOCSIN_ASSERT(
            static_cast<index_t>(error.size()) == dimension() && weight >= 0 && weight <= 1,
            "diagonal_gaussian: adapt() with another dimension or a weight beyond [0, 1]");
        const vector_view<const double, Dimension> errors(error.data(), dimension());
        if (!fitted_ || weight == 0 || !errors.allFinite()) {
            return;
        }
        const auto longest = 1e12 * variance_.cwiseSqrt();
        difference_ = errors.unaryExpr([](double value) { return bounded(value); }) - mean_;
        difference_ = difference_.cwiseMin(longest).cwiseMax(-longest);
        mean_ += weight * difference_;
        variance_ = (1 - weight) * (variance_ + weight * difference_.cwiseAbs2());
        constexpr double largest = std::numeric_limits<double>::max();
        // Without a ridge too, or a variance of constant errors underflows.
        const double floor =
            detail::ridge(std::min(variance_.mean(), largest),
                          std::max(relative_ridge_, std::numeric_limits<double>::epsilon()));
        variance_ = variance_.cwiseMax(floor).cwiseMin(largest);
        log_determinant_ = detail::log_product(variance_);
        inverse_variance_ = variance_.cwiseInverse();
    }

    /// d^2 of one error vector, at least 0.
    /// @param error `[dimension]`; NaN where an element was not observed
    /// @return the largest double where d^2 would overflow and for an infinite element; NaN before a
    ///         successful fit and where no element was observed. Never allocates.
    double score(std::span<const double> error) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(error.size()) == dimension(),
                      "diagonal_gaussian: the error vector has another dimension");
        double distance = 0;
        detail::for_each_index(dimension(), [&](int i) TOCSIN_ALWAYS_INLINE {
            const double deviation = error[static_cast<std::size_t>(i)] - mean_[i];
            distance += deviation * deviation * inverse_variance_[i];
        });
        if (std::isfinite(distance) && fitted_) {
            return distance;
        }
        return score_of_partial(error);
    }
    /// The same from a vector of Eigen's, float or double; allocates where that is no plain vector
    /// of doubles.
    template <class Derived>
    double score(const Eigen::MatrixBase<Derived>& error) const {
        const Eigen::Ref<const vector_type> values(error.template cast<double>());
        return score(std::span(values.data(), static_cast<std::size_t>(values.size())));
    }

    /// The score that a vector of the fit would have, had the fit been without it, which is larger
    /// (see mahalanobis::score_left_out()).
    /// @param samples different ones, where vectors repeat each other (overlapping windows)
    double score_left_out(std::span<const double> error, double samples) const noexcept {
        const hotelling_law element(1, static_cast<double>(std::max<std::int64_t>(count_, 3)));
        double distance = std::numeric_limits<double>::quiet_NaN();
        for (int i = 0; i < dimension() && fitted_; ++i) {
            const double deviation = error[static_cast<std::size_t>(i)] - mean_[i];
            if (!std::isnan(deviation)) {
                distance = (std::isnan(distance) ? 0 : distance) +
                           element.left_out(deviation * deviation * inverse_variance_[i], samples);
            }
        }
        return std::isnan(distance) || std::isfinite(distance) ? distance
                                                               : std::numeric_limits<double>::max();
    }
    /// The law of one element (see mahalanobis::law()), which knows how many samples there were. That
    /// of the sum is none of these: elements depend on each other.
    hotelling_law law() const noexcept {
        return fitted_ ? hotelling_law(1, static_cast<double>(count_)) : hotelling_law();
    }
    /// Whether both have been fitted to the same vectors, whatever their order.
    bool same_samples(const diagonal_gaussian& other) const noexcept {
        bool same = dimension() == other.dimension() && count_ == other.count_;
        for (index_t k = 0; same && k < dimension(); ++k) {
            constexpr double rounding = 1e-9;
            const double spread = std::max(square_sum_[k], other.square_sum_[k]);
            const double step = running_mean_[k] - other.running_mean_[k];
            same = std::abs(square_sum_[k] - other.square_sum_[k]) <= rounding * spread &&
                   step * step * static_cast<double>(count_) <= rounding * rounding * spread;
        }
        return same;
    }

    /// Logarithm of the Gaussian's density at one error vector.
    /// @param error `[dimension]`, float or double
    /// @return NaN where the distance is NaN or an element is missing, finite otherwise
    template <class Derived>
    double log_density(const Eigen::MatrixBase<Derived>& error) const {
        return detail::log_density_at(*this, error);
    }
    /// Turns distances of this fit into log densities and back; all NaN before a successful fit.
    gaussian_log_density density() const noexcept {
        return {dimension(), fitted_ ? log_determinant_ : std::numeric_limits<double>::quiet_NaN()};
    }

    /// Contribution of each element to d^2, non-negative with sum 1.
    /// @param error `[dimension]`, NaN where an element was not observed, which has no share
    /// @param out   `dimension` values: all 0 where e = m; all NaN where score() is NaN and for an
    ///              infinite element. Never allocates.
    void shares(std::span<const double> error, std::span<double> out) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(error.size()) == dimension() &&
                          out.size() == error.size(),
                      "diagonal_gaussian: the error vector or the shares have another dimension");
        vector_view<double, Dimension> result(out.data(), dimension());
        if (!fitted_ || detail::has_infinite(error) || detail::all_nan(error)) {
            result.setConstant(std::numeric_limits<double>::quiet_NaN());
            return;
        }
        // Shares do not depend on the length of the deviation; unit lengths keep squares in range.
        for (int i = 0; i < dimension(); ++i) {
            const double element = error[static_cast<std::size_t>(i)];
            result[i] = std::isnan(element) ? 0 : std::abs(0.5 * element - 0.5 * mean_[i]);
        }
        const double longest = result.maxCoeff();
        if (longest == 0) {
            return;
        }
        result /= longest;
        result.array() /= variance_.array().sqrt();
        result /= result.maxCoeff();
        result.array() *= result.array();
        result /= result.sum();
    }

    /// Saves or loads samples, settings and fit; distances and shares after loading are the same
    /// bits as before saving.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("dimension", dimension());
        archive.integer("count", count_);
        archive.integer("rejected", rejected_);
        archive.matrix("running_mean", running_mean_);
        archive.matrix("square_sum", square_sum_);
        archive.number("relative_ridge", relative_ridge_);
        archive.integer("fitted", fitted_);
        if (fitted_) {
            archive.matrix("mean", mean_);
            archive.matrix("variance", variance_);
        }
        if constexpr (Archive::loading) {
            archive.fail(check_sums());
            if (std::exchange(fitted_, false)) {
                archive.fail(detail::check_fit("diagonal_gaussian", dimension(), count_, rejected_,
                                               relative_ridge_));
                if (archive.outcome().ok()) {
                    archive.fail(check_variances());
                }
            }
        }
    }

  private:
    /// The slow way, where an element or the sum is not finite.
    [[gnu::noinline]] double score_of_partial(std::span<const double> error) const noexcept {
        if (!fitted_ || detail::all_nan(error)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        double distance = 0;
        for (int i = 0; i < dimension(); ++i) {
            const double deviation = error[static_cast<std::size_t>(i)] - mean_[i];
            distance += std::isnan(deviation) ? 0 : deviation * deviation * inverse_variance_[i];
        }
        return std::isfinite(distance) ? distance : std::numeric_limits<double>::max();
    }
    /// Whether any samples have these sums.
    status check_sums() const noexcept {
        if (!is_count(count_) || !is_count(rejected_)) {
            return status::error(error_code::format_error, "diagonal_gaussian: count ", count_,
                                 " and rejected ", rejected_, " must lie in [0, ", largest_count,
                                 "]");
        }
        for (index_t k = 0; k < dimension(); ++k) {
            const double mean = running_mean_[k];
            const double squares = square_sum_[k];
            if (!std::isfinite(mean) || !(squares >= 0) || !std::isfinite(squares) ||
                (count_ == 0 && mean != 0) || (count_ < 2 && squares != 0)) {
                return status::error(error_code::format_error, "diagonal_gaussian: element ", k,
                                     " has mean ", mean, " and squares ", squares, " from ", count_,
                                     " samples");
            }
        }
        return {};
    }
    status check_variances() noexcept {
        for (index_t k = 0; k < dimension(); ++k) {
            if (!std::isfinite(mean_[k]) || !(variance_[k] > 0) || !std::isfinite(variance_[k])) {
                return status::error(error_code::invalid_data, "diagonal_gaussian: element ", k,
                                     " has mean ", mean_[k], " and variance ", variance_[k],
                                     " with the relative ridge ", relative_ridge_);
            }
        }
        inverse_variance_ = variance_.cwiseInverse();
        if (!inverse_variance_.allFinite()) {
            return status::error(error_code::invalid_data, "diagonal_gaussian: variance ",
                                 variance_.minCoeff(), " is too small");
        }
        log_determinant_ = detail::log_product(variance_);
        fitted_ = true;
        return {};
    }

    [[no_unique_address]] extent<Dimension> dimension_;
    double relative_ridge_;
    bool fitted_ = false;
    double log_determinant_ = 0; // of the variances of the fit
    std::int64_t count_ = 0;
    std::int64_t rejected_ = 0;
    vector_type running_mean_;
    vector_type square_sum_; // of the deviations from the mean
    vector_type difference_; // scratch
    vector_type mean_;
    vector_type variance_; // with the ridge
    vector_type inverse_variance_;
};

} // namespace tocsin
