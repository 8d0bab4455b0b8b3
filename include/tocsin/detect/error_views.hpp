/// @file error_views.hpp
/// @brief Distances of a window's errors in their two views: per time step, per feature.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/threshold/sequence_score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Two error statistics over the absolute errors `[features x window]` of windows: one over the
/// columns (vectors of `features`, the scored steps only), one over the rows (vectors of `window`,
/// all features pooled), with buffers for the distances of one window.
template <error_statistic<double> Statistic>
class error_views {
  public:
    error_views() = default;
    /// Allocates for windows of this shape.
    error_views(int features, int window, scored_steps scored)
        : per_step_(features), per_feature_(window),
          first_scored_{scored == scored_steps::all ? 0 : window - 1},
          step_distances_(static_cast<std::size_t>(window - first_scored_)),
          feature_distances_(static_cast<std::size_t>(features)),
          shares_(static_cast<std::size_t>(features)) {}

    const Statistic& per_step() const noexcept { return per_step_; }
    const Statistic& per_feature() const noexcept { return per_feature_; }

    /// Takes in the errors of a normal window; may allocate.
    void accumulate(const matrix<double>& errors) {
        per_step_.accumulate(errors.rightCols(errors.cols() - first_scored_));
        per_feature_.accumulate(errors.transpose());
    }
    /// Fits both statistics; the first failure.
    status fit() {
        const status fitted = per_step_.fit();
        return fitted.ok() ? per_feature_.fit() : fitted;
    }

    /// Computes step_distances(). Never allocates.
    void measure_steps(const matrix<double>& errors) noexcept {
        for (std::size_t k = 0; k < step_distances_.size(); ++k) {
            step_distances_[k] =
                per_step_.squared_distance(errors.col(first_scored_ + static_cast<index_t>(k)));
        }
    }
    /// Computes step_distances() and feature_distances(). Never allocates.
    void measure(const matrix<double>& errors) noexcept {
        measure_steps(errors);
        for (std::size_t f = 0; f < feature_distances_.size(); ++f) {
            feature_distances_[f] =
                per_feature_.squared_distance(errors.row(static_cast<index_t>(f)).transpose());
        }
    }
    /// One per scored step, in order of time.
    std::span<const double> step_distances() const noexcept { return step_distances_; }
    /// One per feature.
    std::span<const double> feature_distances() const noexcept { return feature_distances_; }

    /// Largest step distance; see overall(). Never allocates.
    double step_score(bool finite_window) const noexcept {
        return overall(step_distances_, finite_window);
    }
    /// Largest feature distance.
    double feature_score(bool finite_window) const noexcept {
        return overall(feature_distances_, finite_window);
    }

    /// Each feature's share of the largest step distance, after measure_steps(). Never allocates.
    /// @param errors what was measured
    /// @param window what the errors are of, `[features x window]` in scaled units; where errors
    ///               overflow, which one huge feature does to the predictions of all, the shares
    ///               are by the largest magnitude of each feature
    template <class Window>
    std::span<const double> shares(const matrix<double>& errors, const Window& window) noexcept {
        const auto less_or_nan = [](double a, double b) { return a < b || std::isnan(b); };
        const auto worst =
            std::max_element(step_distances_.begin(), step_distances_.end(), less_or_nan);
        if (std::isnan(*worst)) {
            share_by_magnitude(window);
        } else {
            per_step_.shares(errors.col(first_scored_ + (worst - step_distances_.begin())),
                             shares_);
        }
        return shares_;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.object("per_step", per_step_);
        archive.object("per_feature", per_feature_);
    }

  private:
    /// Largest distance; NaN unless the window is finite. Where a finite window has a distance that
    /// is not, its errors overflow: it is as far from normal as can be.
    static double overall(std::span<const double> distances, bool finite_window) noexcept {
        if (!finite_window) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        const bool overflow = std::any_of(distances.begin(), distances.end(),
                                          [](double distance) { return std::isnan(distance); });
        return overflow ? std::numeric_limits<double>::infinity() : sequence_score(distances);
    }
    template <class Window>
    void share_by_magnitude(const Window& window) noexcept {
        // Plain loops: Eigen's would be compiled wherever this header is included.
        double most = 0;
        for (std::size_t f = 0; f < shares_.size(); ++f) {
            const auto row = window.row(static_cast<index_t>(f));
            const auto magnitude = static_cast<double>(row.cwiseAbs().maxCoeff());
            shares_[f] = std::min(magnitude, std::numeric_limits<double>::max());
            most = std::max(most, shares_[f]);
        }
        if (most == 0) {
            // A model that answers zeros with NaN: nothing points anywhere.
            std::fill(shares_.begin(), shares_.end(), 1.0);
            most = 1;
        }
        double sum = 0; // of quotients: the shares themselves may add up to infinity
        for (double& share : shares_) {
            share /= most;
            sum += share;
        }
        for (double& share : shares_) {
            share /= sum;
        }
    }

    Statistic per_step_{};
    Statistic per_feature_{};
    int first_scored_ = 0;
    std::vector<double> step_distances_;
    std::vector<double> feature_distances_;
    std::vector<double> shares_;
};

} // namespace tocsin
