/// @file pca_reconstruction.hpp
/// @brief Principal components: Hotelling's T-squared within them, the residual Q outside.
#pragma once

#include "tocsin/comparators/control_limits.hpp"
#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin {

/// Settings of a pca_reconstruction.
struct pca_settings {
    double explained_variance = 0.85; ///< the fewest components with more than this share; 1: all
    double probability = 0.999;       ///< share of normal samples below each of the limits
    bool scale =
        true; ///< divide by deviations; false if all features have the same unit, as in windows
};

/// The two statistics of a sample.
struct pca_statistics {
    double t_squared = 0; ///< sum of squared components, each divided by its variance
    double q = 0;         ///< squared length of the part outside the components
};

/// Principal component analysis of features scaled to mean 0 and, if wanted, variance 1. A sample
/// is anomalous when it is far from the mean within the space of the components (T-squared) or
/// outside it (Q). The score is the larger of the two, each divided by its limit, so that 1 is a
/// threshold. Each sample is judged alone; to judge shapes, pass windows as samples. Features that
/// are constant in the training samples are left out if features are scaled; otherwise they belong
/// to the residual.
class pca_reconstruction {
  public:
    static constexpr const char* kind = "pca_reconstruction";
    static constexpr int version = 1;

    /// Settings are checked by fit().
    explicit pca_reconstruction(pca_settings settings = {}) noexcept : settings_{settings} {}

    int features() const noexcept { return static_cast<int>(mean_.size()); }
    /// Principal components that were kept; 0 before fit().
    int components() const noexcept { return static_cast<int>(axes_.cols()); }
    /// Variances along all axes, largest first, in scaled units.
    const column<double>& variances() const noexcept { return variances_; }
    /// Limit of T-squared, see hotelling_limit().
    double t_squared_limit() const noexcept { return t_squared_limit_; }
    /// Limit of Q, see residual_limit(); infinite when there is no residual variance.
    double q_limit() const noexcept { return q_limit_; }

    /// O(samples * features^2 + features^3), allocates.
    /// @param training finite, at least 3 samples, of which not all features are constant
    status fit(const samples_view& training) {
        *this = pca_reconstruction(settings_);
        const auto [share, probability, scale] = settings_;
        if (!(share > 0 && share <= 1) || !(probability > 0 && probability < 1)) {
            return status::error(error_code::invalid_argument,
                                 "pca_reconstruction: explained variance ", share,
                                 " must lie in (0, 1] and probability ", probability, " in (0, 1)");
        }
        if (status usable = detail::check_training("pca_reconstruction", training, 3); !usable) {
            return usable;
        }
        const index_t features = training.rows();
        const auto samples = static_cast<double>(training.cols());
        const auto [mean, deviation] = detail::spread_of(training);
        matrix<double> scaled = training.colwise() - mean;
        column<double> factor = column<double>::Ones(features);
        index_t varying = 0;
        for (index_t k = 0; k < features; ++k) {
            const bool varies = deviation[k] >= least_deviation;
            if (scale) {
                factor[k] = varies ? 1 / deviation[k] : 0;
            }
            varying += varies ? 1 : 0;
        }
        if (varying == 0) {
            return status::error(error_code::invalid_data, "pca_reconstruction: all ", features,
                                 " features are constant");
        }
        scaled.array().colwise() *= factor.array();
        matrix<double> covariance(features, features);
        covariance.noalias() = scaled * scaled.transpose() / (samples - 1);
        const Eigen::SelfAdjointEigenSolver<matrix<double>> solver(covariance);
        if (solver.info() != Eigen::Success || !solver.eigenvalues().allFinite()) {
            return status::error(error_code::invalid_data,
                                 "pca_reconstruction: no eigenvalues of the covariance of ",
                                 features, " features");
        }
        // Constant features and exact dependencies have no variance of their own. Their values are
        // rounding errors, which a division would amplify.
        variances_ = solver.eigenvalues().reverse().head(varying);
        const double least =
            variances_[0] * static_cast<double>(features) * std::numeric_limits<double>::epsilon();
        const double total = variances_.sum();
        double sum = 0;
        index_t count = 0;
        while (count < varying && variances_[count] > least &&
               (share == 1 || sum <= share * total)) {
            sum += variances_[count++];
        }
        axes_ = solver.eigenvectors().rowwise().reverse().leftCols(count);
        mean_ = mean;
        factor_ = factor;
        // In units of the largest variance, so that no power overflows.
        const column<double> rest = variances_.tail(varying - count).cwiseMax(0) / variances_[0];
        t_squared_limit_ = hotelling_limit(static_cast<int>(count), samples, probability);
        const double limit = variances_[0] * residual_limit(rest.sum(), rest.squaredNorm(),
                                                            rest.array().cube().sum(), probability);
        q_limit_ = limit > 0 ? limit : std::numeric_limits<double>::infinity();
        return {};
    }

    /// Both statistics of a sample `[features]`; NaN when it is not finite, the largest number where
    /// one overflows. Never allocates.
    pca_statistics statistics(std::span<const double> sample) const noexcept {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return {none, none};
        }
        const vector_view<const double> values(sample.data(), mean_.size());
        const auto scaled = ((values - mean_).array() * factor_.array()).matrix();
        pca_statistics found;
        found.q = scaled.squaredNorm();
        for (index_t k = 0; k < axes_.cols(); ++k) {
            const double component = axes_.col(k).dot(scaled);
            found.t_squared += component * component / variances_[k];
            found.q -= component * component;
        }
        if (!values.allFinite()) {
            return {none, none};
        }
        constexpr double largest = std::numeric_limits<double>::max();
        found.t_squared = std::isfinite(found.t_squared) ? found.t_squared : largest;
        found.q = std::isfinite(found.q) ? std::max(found.q, 0.0) : largest;
        return found;
    }

    /// Scores the next sample, `[features]`. NaN before fit(), for a wrong size and where a value
    /// is missing. Never allocates.
    double push(std::span<const double> sample) const noexcept {
        const auto [t_squared, q] = statistics(sample);
        const double inside = t_squared / t_squared_limit_;
        const double outside = q / q_limit_;
        return std::isnan(inside)
                   ? inside
                   : std::min(std::max(inside, outside), std::numeric_limits<double>::max());
    }

    /// Does nothing: each sample is judged alone.
    void reset() noexcept {}

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        int varying = static_cast<int>(variances_.size());
        int kept = components();
        if constexpr (Archive::loading) {
            *this = pca_reconstruction{};
        }
        archive.number("explained_variance", settings_.explained_variance);
        archive.number("probability", settings_.probability);
        archive.integer("scale", settings_.scale);
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        detail::exchange_size(archive, kind, "varying", varying, 1);
        detail::exchange_size(archive, kind, "components", kept, 0);
        if (kept > varying || varying > count) {
            detail::keep_if(archive, status::error(error_code::format_error, kind, ": ", kept,
                                                   " components of ", varying,
                                                   " varying features of ", count));
        }
        detail::exchange_numbers(archive, kind, "mean", mean_, count, 1);
        detail::exchange_numbers(archive, kind, "factor", factor_, count, 1, 0,
                                 std::numeric_limits<double>::max());
        detail::exchange_numbers(archive, kind, "variances", variances_, varying, 1, -largest_input,
                                 std::numeric_limits<double>::max());
        detail::exchange_numbers(archive, kind, "axes", axes_, count, kept);
        exchange_limit(archive, "t_squared_limit", "has_t_squared_limit", t_squared_limit_);
        exchange_limit(archive, "q_limit", "has_q_limit", q_limit_);
        if constexpr (Archive::loading) {
            for (index_t k = 0; archive.outcome().ok() && k < kept; ++k) {
                if (!(variances_[k] > 0)) { // it divides
                    archive.fail(status::error(error_code::format_error, kind, ": component ", k,
                                               " has the variance ", variances_[k]));
                }
            }
            if (!archive.outcome().ok()) {
                *this = pca_reconstruction{};
            }
        }
    }
    /// Nothing: each sample is judged alone.
    template <class Archive>
    void exchange_history(Archive& /*archive*/) const noexcept {}

  private:
    /// A limit is above 0, or infinite, which archives do not hold.
    template <class Archive>
    static void exchange_limit(Archive& archive, const char* name, const char* is_finite,
                               double& limit) {
        bool finite = std::isfinite(limit);
        archive.integer(is_finite, finite);
        double stored = finite ? limit : 1;
        archive.number(name, stored);
        if (!(stored > 0)) {
            detail::keep_if(archive, status::error(error_code::format_error, kind, ": ", name, ' ',
                                                   stored, " must be above 0"));
        }
        if constexpr (Archive::loading) {
            limit = finite ? stored : std::numeric_limits<double>::infinity();
        }
    }

    /// What varies less is constant: the square, a variance, would be less than a double holds.
    static constexpr double least_deviation = 1e-150;

    pca_settings settings_;
    column<double> mean_;
    column<double> factor_; // 1 / standard deviation; 0 for constant features
    column<double> variances_;
    matrix<double> axes_; // [features x components]
    double t_squared_limit_ = 0;
    double q_limit_ = 0;
};

} // namespace tocsin
