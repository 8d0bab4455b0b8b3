/// @file scaled_training.hpp
/// @brief The training phase that detectors share: scaler, then model.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/fit_checks.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Features that a scaler was fitted to; where it does not say, as many as wanted.
template <class Scaler>
int features_of(const Scaler& data_scaler, int wanted) noexcept {
    if constexpr (requires { data_scaler.features(); }) {
        return data_scaler.features();
    } else {
        return wanted;
    }
}

/// Fits a scaler to the training windows, then the model to what it makes of them. Allocates.
/// @param data_scaler in: settings; out: fitted, also where the model then fails
/// @param state       see trainer::fit
template <class Model, class Scaler, class Trainer>
status fit_scaled(const Model& model, Scaler& data_scaler,
                  const windows<typename Model::scalar_type>& training,
                  const windows<typename Model::scalar_type>& validation, const Trainer& trainer,
                  training_state<typename Model::scalar_type>& state,
                  const training_observer<typename Model::scalar_type>& observer) {
    using values = matrix<typename Model::scalar_type>;
    if (const status scaled = data_scaler.fit(training); !scaled.ok()) {
        return scaled;
    }
    const auto transformed = [&](const auto& given) {
        values copy = given.values();
        if (copy.size() > 0) {
            data_scaler.transform(copy);
        }
        return copy;
    };
    const auto view = [](const values& owned) {
        return Eigen::Map<const values>(owned.data(), owned.rows(), owned.cols());
    };
    const values training_values = transformed(training);
    const values validation_values = transformed(validation);
    return trainer.fit(model, training.over(view(training_values)),
                       validation.over(view(validation_values)), state, observer);
}

/// The mean of the samples that windows cover, `[features]`, scaled; missing ones (NaN) are left
/// out. Allocates.
template <class Scaler, class Scalar>
column<Scalar> mean_of(const Scaler& data_scaler, const windows<Scalar>& training) {
    std::vector<double> sum(static_cast<std::size_t>(training.features()), 0.0);
    std::vector<double> count(sum.size(), 0.0);
    training.for_each_covered_run([&](index_t first, index_t columns) {
        matrix<Scalar> scaled = training.values().middleCols(first, columns);
        data_scaler.transform(scaled);
        for (index_t t = 0; t < columns; ++t) {
            for (index_t f = 0; f < scaled.rows(); ++f) {
                const auto value = static_cast<double>(scaled(f, t));
                const auto at = static_cast<std::size_t>(f);
                sum[at] += std::isnan(value) ? 0 : value;
                count[at] += std::isnan(value) ? 0 : 1;
            }
        }
    });
    column<Scalar> mean(training.features());
    for (index_t f = 0; f < mean.size(); ++f) {
        const auto at = static_cast<std::size_t>(f);
        mean[f] = static_cast<Scalar>(sum[at] / std::max(count[at], 1.0));
    }
    return mean;
}

/// Trains the scaler and the model of a detector; see detector::train_from(). A failure leaves the
/// parts as they were.
/// @param steps that a window must have; 0: any number
template <class Learned, class Trainer>
status train_parts(Learned& learned, training_state<typename Learned::scalar_type>& state,
                   const windows<typename Learned::scalar_type>& training,
                   const windows<typename Learned::scalar_type>& validation, const Trainer& trainer,
                   int steps, const training_observer<typename Learned::scalar_type>& observer) {
    status usable = check_windows("train", training, learned.features(), steps);
    if (usable.ok() && !validation.empty()) {
        usable = check_windows("train", validation, learned.features(), steps);
    }
    if (!usable.ok()) {
        return usable;
    }
    auto fitted = learned.scaler;
    if (const status trained =
            fit_scaled(learned.model, fitted, training, validation, trainer, state, observer);
        !trained.ok()) {
        return trained;
    }
    learned.scaler = std::move(fitted);
    learned.mean = mean_of(learned.scaler, training);
    learned.weights.own(learned.model, state.best_parameters);
    return {};
}

/// The same with any callbacks.
template <class Learned, class Trainer, class... Callbacks>
status train_observed(Learned& learned, training_state<typename Learned::scalar_type>& state,
                      const windows<typename Learned::scalar_type>& training,
                      const windows<typename Learned::scalar_type>& validation,
                      const Trainer& trainer, int steps, Callbacks&... callbacks) {
    return observed_by<typename Learned::scalar_type>(
        [&](const auto& observer) {
            return train_parts(learned, state, training, validation, trainer, steps, observer);
        },
        callbacks...);
}

} // namespace tocsin::detail
