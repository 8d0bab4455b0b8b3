/// @file window_workspace.hpp
/// @brief Memory for scoring single windows, which keeps the details of the last one.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/filled_windows.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/window_errors.hpp"

#include <cmath>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace tocsin {

/// What detector::score() computes in, one per thread; afterwards it holds the details of the last
/// window. detector::make_workspace() makes one.
template <class Scalar>
class window_workspace {
  public:
    window_workspace() = default;
    /// Allocates.
    template <class Learned>
    explicit window_workspace(const Learned& learned)
        : by_step_{detail::cut_of(learned, error_view::per_step)},
          by_feature_{detail::cut_of(learned, error_view::per_feature)},
          scaled_(by_step_.features, by_step_.window), filled_{scaled_}, reconstruction_{scaled_},
          work_(static_cast<std::size_t>(learned.model.predict_work_size(1, by_step_.window))),
          errors_(static_cast<std::size_t>(scaled_.size())),
          step_scores_(static_cast<std::size_t>(by_step_.vectors())),
          feature_scores_(static_cast<std::size_t>(by_step_.features)) {}

    /// `[features x window]`, original units.
    const matrix<Scalar>& reconstruction() const noexcept { return reconstruction_; }
    /// The score of each scored step: of all, or of the newest. NaN where it has none.
    std::span<const double> step_scores() const noexcept { return step_scores_; }
    /// The score of each feature, NaN where it has none.
    std::span<const double> feature_scores() const noexcept { return feature_scores_; }

    /// See detector::score().
    template <class Learned, class Derived>
    window_verdict score(const Learned& learned,
                         const Eigen::MatrixBase<Derived>& window) noexcept {
        window_verdict outcome;
        const int features = learned.features();
        const int length = learned.settings.window;
        if (learned.phase < detector_phase::errors_fitted || scaled_.rows() != features ||
            scaled_.cols() != length ||
            static_cast<index_t>(work_.size()) < learned.model.predict_work_size(1, length)) {
            return outcome;
        }
        if (window.rows() != features || window.cols() != length) {
            outcome.reason = sample_reason::wrong_size;
            return outcome;
        }
        scaled_ = window;
        learned.scaler.transform(scaled_);
        detail::mark_missing(window, scaled_);
        detail::predict_filled(
            learned.model, learned.weights, learned.settings.missing, learned.mean.data(),
            [&](int) { return scaled_.data(); },
            sequence_view<Scalar>(filled_.data(), features, 1, length),
            sequence_view<Scalar>(reconstruction_.data(), features, 1, length),
            std::span<Scalar>(work_));
        std::tie(outcome.step_score, outcome.feature_score) = measure(learned.errors);
        learned.scaler.inverse(reconstruction_);
        outcome.reason = std::isnan(outcome.step_score) && std::isnan(outcome.feature_score)
                             ? sample_reason::missing_value
                             : sample_reason::scored;
        outcome.flagged_by_step =
            outcome.step_score > learned.thresholds.threshold(error_view::per_step);
        outcome.flagged_by_feature =
            outcome.feature_score > learned.thresholds.threshold(error_view::per_feature);
        return outcome;
    }

  private:
    /// The largest scores of the window in scaled_, reconstructed in reconstruction_.
    template <class Views>
    std::pair<double, double> measure(const Views& views) noexcept {
        by_step_.write(scaled_.data(), reconstruction_.data(), errors_.data());
        const auto step = detail::largest_score(
            views.per_step(),
            std::span<const double>(errors_).first(static_cast<std::size_t>(by_step_.vectors()) *
                                                   static_cast<std::size_t>(by_step_.features)),
            step_scores_);
        by_feature_.write(scaled_.data(), reconstruction_.data(), errors_.data());
        const auto feature = detail::largest_score(
            views.per_feature(), std::span<const double>(errors_), feature_scores_);
        return {step.score, feature.score};
    }

    detail::window_cut by_step_;
    detail::window_cut by_feature_;
    matrix<Scalar> scaled_;
    matrix<Scalar> filled_;
    matrix<Scalar> reconstruction_;
    aligned_vector<Scalar> work_;
    std::vector<double> errors_;
    std::vector<double> step_scores_;
    std::vector<double> feature_scores_;
};

} // namespace tocsin
