/// @file error_passes.hpp
/// @brief Errors of recorded data, the same as push() computes on a stream.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/function_ref.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/filled_windows.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/window_errors.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// A matrix as the view that windows are made over.
template <class Scalar>
Eigen::Map<const matrix<Scalar>> view_of(const matrix<Scalar>& values) noexcept {
    return {values.data(), values.rows(), values.cols()};
}

/// NaN in a scaled window where the given one has no finite value; others within what a model reads.
template <class Given, class Scaled>
void mark_missing(const Given& given, Scaled& scaled) noexcept {
    using scalar = typename Scaled::Scalar;
    for (index_t col = 0; col < scaled.cols(); ++col) {
        for (index_t row = 0; row < scaled.rows(); ++row) {
            scaled(row, col) = std::isfinite(given(row, col))
                                   ? readable(scaled(row, col))
                                   : std::numeric_limits<scalar>::quiet_NaN();
        }
    }
}

/// Scaled copy of samples; NaN where a value is missing or not finite.
template <class Learned, class Values>
matrix<typename Learned::scalar_type> scaled_samples(const Learned& learned, const Values& values) {
    using scalar = typename Learned::scalar_type;
    matrix<scalar> scaled = values;
    if (scaled.size() > 0) {
        learned.scaler.transform(scaled);
    }
    mark_missing(values, scaled);
    return scaled;
}

/// Predicts windows in batches. Allocates when it is made, never in run(): a thread can have one.
template <class Learned>
class prediction_pass {
  public:
    using scalar_type = typename Learned::scalar_type;
    using window_list = windows<scalar_type>;

    /// @param source the windows of which run() is given some
    prediction_pass(const Learned& learned, const window_list& source)
        : learned_{&learned}, features_{learned.features()}, length_{source.length()},
          widest_{static_cast<int>(std::min<index_t>(learned.settings.batch_size, source.count()))},
          inputs_(static_cast<std::size_t>(index_t{features_} * length_ * widest_)),
          outputs_(inputs_.size()),
          work_(static_cast<std::size_t>(learned.model.predict_work_size(widest_, length_))),
          prediction_(features_, length_) {}

    /// Windows of a whole batch.
    index_t batch_size() const noexcept { return widest_; }

    using visit_type = function_ref<void(index_t, const Eigen::Map<const matrix<scalar_type>>&,
                                         const matrix<scalar_type>&)>;
    /// Calls `visit(k, window, prediction)` for each window, in order, both `[features x window]` and
    /// scaled, the window with NaN where a value is missing.
    /// @param scaled as scaled_samples() makes them
    /// @param first, count of windows; the bits equal any run() that begins at a whole batch
    void run(const window_list& scaled, index_t first, index_t count, visit_type visit) {
        for (const index_t end = first + count; first < end; first += widest_) {
            const auto batch = static_cast<int>(std::min<index_t>(widest_, end - first));
            const sequence_view<scalar_type> input(inputs_.data(), features_, batch, length_);
            const sequence_view<scalar_type> output(outputs_.data(), features_, batch, length_);
            predict_filled(
                learned_->model, learned_->weights, learned_->settings.missing,
                learned_->mean.data(), [&](int b) { return scaled.window(first + b).data(); },
                input, output, std::span<scalar_type>(work_));
            for (int b = 0; b < batch; ++b) {
                for (int t = 0; t < length_; ++t) {
                    prediction_.col(t) = output.step(t).col(b);
                }
                visit(first + b, scaled.window(first + b), std::as_const(prediction_));
            }
        }
    }

  private:
    const Learned* learned_;
    int features_;
    int length_;
    int widest_;
    aligned_vector<scalar_type> inputs_;
    aligned_vector<scalar_type> outputs_;
    aligned_vector<scalar_type> work_;
    matrix<scalar_type> prediction_;
};

/// The same with the given windows and predictions in original units. Allocates.
template <class Learned, class Visit>
void for_each_reconstruction(const Learned& learned,
                             const windows<typename Learned::scalar_type>& source, Visit&& visit) {
    matrix<typename Learned::scalar_type> original(learned.features(), source.length());
    const auto scaled = scaled_samples(learned, source.values());
    prediction_pass<Learned>(learned, source)
        .run(source.over(view_of(scaled)), 0, source.count(),
             [&](index_t k, const auto&, const auto& prediction) {
                 original = prediction;
                 learned.scaler.inverse(original);
                 visit(k, source.window(k), std::as_const(original));
             });
}

/// How a detector cuts windows by one view.
template <class Learned>
window_cut cut_of(const Learned& learned, error_view view) noexcept {
    window_cut cut = learned.source.cut();
    cut.view = view;
    return cut;
}

/// Receives a unit's number (for_each_unit()), its errors per step and its errors per feature.
using window_visit = function_ref<void(index_t, std::span<const double>, std::span<const double>)>;

/// The error vectors of windows, by both views. Allocates when it is made.
template <class Learned>
class window_pass {
  public:
    using scalar_type = typename Learned::scalar_type;

    /// @param source the windows of which run() is given some
    window_pass(const Learned& learned, const windows<scalar_type>& source)
        : predictions_(learned, source), by_step_{cut_of(learned, error_view::per_step)},
          by_feature_{cut_of(learned, error_view::per_feature)}, step_errors_(size_of(by_step_)),
          feature_errors_(size_of(by_feature_)) {}

    index_t batch_size() const noexcept { return predictions_.batch_size(); }

    /// Calls `visit(k, errors per step, errors per feature)` for some of the windows, in order. Never
    /// allocates. See prediction_pass::run().
    void run(const windows<scalar_type>& scaled, index_t first, index_t count, window_visit visit) {
        predictions_.run(scaled, first, count,
                         [&](index_t k, const auto& window, const auto& made) {
                             by_step_.write(window.data(), made.data(), step_errors_.data());
                             by_feature_.write(window.data(), made.data(), feature_errors_.data());
                             visit(k, std::span<const double>(step_errors_),
                                   std::span<const double>(feature_errors_));
                         });
    }

  private:
    static std::size_t size_of(const window_cut& cut) noexcept {
        return static_cast<std::size_t>(cut.vectors()) *
               static_cast<std::size_t>(cut.vector_size());
    }

    prediction_pass<Learned> predictions_;
    window_cut by_step_;
    window_cut by_feature_;
    std::vector<double> step_errors_;
    std::vector<double> feature_errors_;
};

/// Calls `visit(k, errors per step, errors per feature)` for each window, in order. Allocates.
template <class Learned>
void for_each_window(const Learned& learned, const windows<typename Learned::scalar_type>& source,
                     window_visit visit) {
    const auto scaled = scaled_samples(learned, source.values());
    window_pass<Learned>(learned, source)
        .run(source.over(view_of(scaled)), 0, source.count(), visit);
}

/// Receives a window's number, a sample's number in it, and the sample's errors or none.
using forecast_visit = function_ref<void(index_t, int, std::span<const double>)>;

/// Runs windows through a forecaster, each as a stream of its own that starts there. Allocates when it
/// is made, never in run(): a thread can have one.
template <class Learned>
class forecast_pass {
  public:
    using scalar_type = typename Learned::scalar_type;

    explicit forecast_pass(const Learned& learned)
        : learned_{&learned}, stream_(learned.make_stream()),
          memory_(static_cast<std::size_t>(learned.layout.scratch())),
          errors_(static_cast<std::size_t>(learned.source.vector_size())) {}

    /// Calls `visit(k, t, errors)` for each sample of each window, with no errors where it has none:
    /// at the start, and where every value is missing.
    /// @param warm_up samples of each window that are left without errors
    void run(const windows<scalar_type>& source, index_t first, index_t count, int warm_up,
             forecast_visit visit) {
        const push_scratch<scalar_type> scratch(*learned_, memory_.data());
        for (index_t k = first; k < first + count; ++k) {
            stream_.restart();
            const auto window = source.window(k);
            for (int t = 0; t < source.length(); ++t) {
                pending_sample<scalar_type> pending;
                begin_push<false>(*learned_, stream_, sample_view<scalar_type>(window.col(t)),
                                  unknown_time, scratch.observed, errors_.data(), pending);
                const bool blind = pending.outcome.missing == learned_->features();
                if (pending.advances) {
                    learned_->source.advance(learned_->model, learned_->weights, pending.source,
                                             scratch.work);
                }
                const bool has_errors =
                    pending.complete && !blind && pending.source.seen >= warm_up;
                visit(k, t,
                      has_errors ? std::span<const double>(errors_) : std::span<const double>());
            }
        }
    }

  private:
    const Learned* learned_;
    typename Learned::memory_type stream_;
    std::vector<std::byte> memory_;
    std::vector<double> errors_;
};

/// All windows; see forecast_pass. Allocates.
template <class Learned>
void for_each_forecast(const Learned& learned, const windows<typename Learned::scalar_type>& source,
                       int warm_up, forecast_visit visit) {
    forecast_pass<Learned>(learned).run(source, 0, source.count(), warm_up, visit);
}

/// Calls `visit(unit, errors per step, errors per feature)` for each unit of recorded data, in order:
/// for each window, or for each sample of a forecaster's windows, which has no errors per feature.
/// Allocates.
/// @param warm_up see forecast_pass
template <class Learned>
void for_each_unit(const Learned& learned, const windows<typename Learned::scalar_type>& source,
                   int warm_up, window_visit visit) {
    if constexpr (Learned::views == 2) {
        for_each_window(learned, source, visit);
    } else {
        for_each_forecast(learned, source, warm_up,
                          [&](index_t k, int t, std::span<const double> errors) {
                              visit(k * source.length() + t, errors, {});
                          });
    }
}

/// How many units of recorded data there are.
template <class Learned>
index_t count_units(const windows<typename Learned::scalar_type>& source) noexcept {
    return Learned::views == 2 ? source.count() : source.count() * source.length();
}

} // namespace tocsin::detail
