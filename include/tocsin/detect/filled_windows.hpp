/// @file filled_windows.hpp
/// @brief Predictions of windows with missing values, whose holes are filled for the model to read.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/model_weights.hpp"

#include <cmath>
#include <span>

namespace tocsin::detail {

/// Fills the holes of one window: with the last value before each hole, at the start of the window
/// with the mean of the training data. Never allocates.
/// @param observed `[features x window]`, contiguous, scaled, NaN where a value is missing
/// @param mean     `[features]`, scaled
/// @param filled   the window as one of a batch, overwritten
/// @param b        its place in the batch
/// @return whether there was any hole
template <class Scalar>
bool fill_holes(const Scalar* observed, const Scalar* mean, missing_value policy,
                const sequence_view<Scalar>& filled, int b) noexcept {
    const index_t features = filled.features();
    const index_t step = filled.step_size();
    Scalar* to = filled.data() + b * features;
    bool any = false;
    for (index_t t = 0; t < filled.time(); ++t, to += step, observed += features) {
        for (index_t f = 0; f < features; ++f) {
            const bool hole = std::isnan(observed[f]);
            any = any || hole;
            to[f] = !hole                                    ? observed[f]
                    : t > 0 && policy != missing_value::mean ? to[f - step]
                                                             : mean[f];
        }
    }
    return any;
}

/// Puts what a model makes of a window in the place of its holes: closer to what was missing than the
/// last value (missing_value::forecast). Never allocates.
/// @param prediction the model's, of `filled`
template <class Scalar>
void refill_holes(const Scalar* observed, const sequence_view<Scalar>& prediction,
                  const sequence_view<Scalar>& filled, int b) noexcept {
    const index_t features = filled.features();
    for (index_t t = 0; t < filled.time(); ++t, observed += features) {
        const index_t at = t * filled.step_size() + b * features;
        for (index_t f = 0; f < features; ++f) {
            const Scalar value = prediction.data()[at + f];
            if (std::isnan(observed[f]) && std::isfinite(value)) {
                filled.data()[at + f] = value;
            }
        }
    }
}

/// Fills the holes of a batch of windows and predicts it; where the policy is missing_value::forecast,
/// the model reads its own prediction in the place of the holes and predicts once more. Never
/// allocates.
/// @param observed   `observed(b)`: the b-th window; see fill_holes()
/// @param filled     `[features x batch x window]`, what the model read last, overwritten
/// @param prediction as large, overwritten
/// @param work       Model::predict_work_size() scalars
template <class Model, class Observed>
void predict_filled(const Model& model, const model_weights<Model>& weights, missing_value policy,
                    const typename Model::scalar_type* mean, Observed&& observed,
                    const sequence_view<typename Model::scalar_type>& filled,
                    const sequence_view<typename Model::scalar_type>& prediction,
                    std::span<typename Model::scalar_type> work) noexcept {
    bool holes = false;
    for (int b = 0; b < filled.batch(); ++b) {
        holes = fill_holes(observed(b), mean, policy, filled, b) || holes;
    }
    weights.predict(model, filled, prediction, work);
    if (holes && policy == missing_value::forecast) {
        for (int b = 0; b < filled.batch(); ++b) {
            refill_holes(observed(b), prediction, filled, b);
        }
        weights.predict(model, filled, prediction, work);
    }
}

} // namespace tocsin::detail
