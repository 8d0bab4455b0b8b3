/// @file mewma.hpp
/// @brief Multivariate exponentially weighted moving average: small shifts of several sensors.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace tocsin {

/// The chart of Lowry, Woodall, Champ and Rigdon, "A multivariate exponentially weighted moving
/// average control chart", Technometrics 34, 1992:
///     z = l (e - m) + (1 - l) z,   T^2 = (2 - l) / l z^T C^-1 z
/// with mean m and covariance C of the residuals e on normal data; e counts within 10 standard
/// deviations of m. T^2 is compared with a limit:
/// 8.64 for two sensors and l = 0.1 gives one false alarm in 200 rows.
class mewma {
  public:
    static constexpr const char* kind = "mewma";
    static constexpr int version = 1;

    mewma() = default;
    /// @param statistic fitted to residuals on normal data
    /// @param weight    l, in (0, 1]; small ones find small shifts. 1 is Hotelling's chart.
    explicit mewma(mahalanobis<> statistic, double weight = 0.1)
        : statistic_{std::move(statistic)}, weight_{weight}, point_{statistic_.mean()} {}

    status check() const noexcept {
        if (!(weight_ > 0 && weight_ <= 1)) {
            return status::error(error_code::invalid_argument, "mewma: weight ", weight_,
                                 " must lie in (0, 1]");
        }
        return statistic_.fitted() ? status{}
                                   : status::error(error_code::not_ready,
                                                   "mewma: the statistic has not been fitted");
    }
    int dimension() const noexcept { return statistic_.dimension(); }

    /// Returns T^2 of the newest average; NaN before a fit and for another size. An element that is
    /// not finite leaves its average as it is. Never allocates.
    double push(std::span<const double> residual) noexcept {
        if (!statistic_.fitted() || static_cast<int>(residual.size()) != dimension() ||
            !(weight_ > 0 && weight_ <= 1)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        for (index_t k = 0; k < dimension(); ++k) {
            const double value = residual[static_cast<std::size_t>(k)];
            if (std::isfinite(value)) { // point_ is z + m
                const double mean = statistic_.mean()[k];
                const double most = most_deviation(k);
                point_[k] += weight_ * (std::clamp(value, mean - most, mean + most) - point_[k]);
            }
        }
        return score();
    }
    /// The squared distance of the moving average from 0; NaN before a fit.
    double score() const noexcept {
        if (!statistic_.fitted()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return (2 - weight_) / weight_ *
               statistic_.score(std::span(point_.data(), static_cast<std::size_t>(point_.size())));
    }
    /// What each sensor accounts for, non-negative with sum 1; see mahalanobis::shares(). All NaN before
    /// a fit.
    void shares(std::span<double> out) const noexcept {
        if (!statistic_.fitted()) {
            std::fill(out.begin(), out.end(), std::numeric_limits<double>::quiet_NaN());
            return;
        }
        statistic_.shares(std::span(point_.data(), static_cast<std::size_t>(point_.size())), out);
    }
    void reset() noexcept { point_ = statistic_.mean(); }

    /// Fails for what check() refuses, also when saving.
    template <class Archive>
    void exchange(Archive& archive) {
        int size = dimension();
        archive.integer("dimension", size);
        if constexpr (Archive::loading) {
            constexpr int most = 1 << 14;
            if (archive.outcome().ok() && (size < 0 || size > most)) {
                archive.fail(status::error(error_code::format_error, "mewma: dimension ", size,
                                           " must lie in [0, ", most, "]"));
            }
            if (archive.outcome().ok()) {
                claim_memory(archive, "statistic", mahalanobis<>::memory_of(size));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            statistic_ = mahalanobis<>(size);
            point_.setZero(size);
        }
        archive.number("weight", weight_);
        archive.object("statistic", statistic_);
        archive.matrix("average", point_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check());
            }
            for (index_t k = 0; archive.outcome().ok() && k < dimension(); ++k) {
                constexpr double rounding = 1 + 1e-9;
                const double far = std::abs(point_[k] - statistic_.mean()[k]);
                if (!(far <= rounding * most_deviation(k) + rounding_of_mean(k))) {
                    archive.fail(status::error(error_code::format_error, "mewma: average ",
                                               point_[k], " of element ", k, " is beyond ",
                                               largest_deviation, " deviations of its mean"));
                }
            }
        } else { // it could not be loaded
            archive.fail(check());
        }
    }

  private:
    /// As far from its mean as an element counts.
    double most_deviation(index_t k) const noexcept {
        return largest_deviation * std::sqrt(statistic_.covariance()(k, k));
    }
    /// Averages of many values near a mean that is large beside their deviation.
    double rounding_of_mean(index_t k) const noexcept {
        return 1e-9 * std::abs(statistic_.mean()[k]);
    }

    mahalanobis<> statistic_{};
    double weight_ = 0.1;
    column<double> point_; ///< average of the residuals, m before the first
};

} // namespace tocsin
