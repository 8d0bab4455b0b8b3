/// @file error_passes.hpp
/// @brief Errors of recorded data, the same as push() computes on a stream.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/window_errors.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cstddef>
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
                                   ? std::clamp(scaled(row, col), -largest_scaled_value<scalar>,
                                                largest_scaled_value<scalar>)
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

/// Predicts windows in batches; calls `visit(k, window, prediction)` for each, in order, both
/// `[features x window]` and scaled, the window with NaN where a value is missing. Allocates.
template <class Learned, class Visit>
void for_each_prediction(const Learned& learned,
                         const windows<typename Learned::scalar_type>& source, Visit&& visit) {
    using scalar = typename Learned::scalar_type;
    const int features = learned.features();
    const int length = source.length();
    const index_t size = index_t{features} * length;
    const auto widest =
        static_cast<int>(std::min<index_t>(learned.settings.batch_size, source.count()));
    const matrix<scalar> scaled = scaled_samples(learned, source.values());
    const windows<scalar> scaled_windows = source.over(view_of(scaled));
    aligned_vector<scalar> inputs(static_cast<std::size_t>(size * widest));
    aligned_vector<scalar> outputs(inputs.size());
    aligned_vector<scalar> work(
        static_cast<std::size_t>(learned.model.predict_work_size(widest, length)));
    matrix<scalar> filled(features, length);
    matrix<scalar> prediction(features, length);
    for (index_t first = 0; first < source.count(); first += widest) {
        const auto batch = static_cast<int>(std::min<index_t>(widest, source.count() - first));
        const sequence_view<scalar> input(inputs.data(), features, batch, length);
        const sequence_view<scalar> output(outputs.data(), features, batch, length);
        bool holes = false;
        for (int b = 0; b < batch; ++b) {
            const bool any =
                fill_holes(scaled_windows.window(first + b).data(), features, length,
                           learned.mean.data(), learned.settings.missing, filled.data());
            holes = holes || any;
            for (int t = 0; t < length; ++t) {
                input.step(t).col(b) = filled.col(t);
            }
        }
        learned.weights.predict(learned.model, input, output, std::span<scalar>(work));
        if (holes && learned.settings.missing == missing_value::forecast) {
            for (int b = 0; b < batch; ++b) {
                const auto window = scaled_windows.window(first + b);
                for (int t = 0; t < length; ++t) {
                    const index_t at = (index_t{t} * batch + b) * features;
                    refill_holes(window.col(t).data(), features, outputs.data() + at,
                                 inputs.data() + at);
                }
            }
            learned.weights.predict(learned.model, input, output, std::span<scalar>(work));
        }
        for (int b = 0; b < batch; ++b) {
            for (int t = 0; t < length; ++t) {
                prediction.col(t) = output.step(t).col(b);
            }
            visit(first + b, scaled_windows.window(first + b), std::as_const(prediction));
        }
    }
}

/// The same with the given windows and predictions in original units. Allocates.
template <class Learned, class Visit>
void for_each_reconstruction(const Learned& learned,
                             const windows<typename Learned::scalar_type>& source, Visit&& visit) {
    matrix<typename Learned::scalar_type> original(learned.features(), source.length());
    for_each_prediction(learned, source, [&](index_t k, const auto&, const auto& prediction) {
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

/// The error vectors of windows, by one or both views.
template <class Learned>
class window_pass {
  public:
    using scalar_type = typename Learned::scalar_type;

    explicit window_pass(const Learned& learned)
        : learned_{&learned}, by_step_{cut_of(learned, error_view::per_step)},
          by_feature_{cut_of(learned, error_view::per_feature)}, step_errors_(size_of(by_step_)),
          feature_errors_(size_of(by_feature_)) {}

    /// Calls `visit(k, errors per step, errors per feature)` for each window. Allocates.
    template <class Visit>
    void run(const windows<scalar_type>& source, Visit&& visit) {
        for_each_prediction(
            *learned_, source, [&](index_t k, const auto& window, const auto& made) {
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

    const Learned* learned_;
    window_cut by_step_;
    window_cut by_feature_;
    std::vector<double> step_errors_;
    std::vector<double> feature_errors_;
};

/// Runs each window through a forecaster as a stream of its own that starts there; calls
/// `visit(k, t, errors)` for each sample, with no errors where it has none: at the start, and where
/// every value is missing. Allocates.
/// @param warm_up samples of each window that are left without errors
template <class Learned, class Visit>
void for_each_forecast(const Learned& learned, const windows<typename Learned::scalar_type>& source,
                       int warm_up, Visit&& visit) {
    using scalar = typename Learned::scalar_type;
    typename Learned::memory_type stream(learned.layout, learned.alarm);
    std::vector<std::byte> memory(static_cast<std::size_t>(learned.layout.scratch()));
    const push_scratch<scalar> scratch(learned, memory.data());
    std::vector<double> errors(static_cast<std::size_t>(learned.source.vector_size()));
    for (index_t k = 0; k < source.count(); ++k) {
        stream.restart();
        const auto window = source.window(k);
        for (int t = 0; t < source.length(); ++t) {
            pending_sample<scalar> pending;
            begin_push(learned, stream, sample_view<scalar>(window.col(t)), unknown_time,
                       scratch.observed, errors.data(), pending);
            const bool blind = pending.outcome.missing == learned.features();
            if (pending.advances) {
                learned.source.advance(learned.model, learned.weights, pending.source,
                                       scratch.work);
            }
            const bool has_errors = pending.complete && !blind && pending.source.seen >= warm_up;
            visit(k, t, has_errors ? std::span<const double>(errors) : std::span<const double>());
        }
    }
}

} // namespace tocsin::detail
