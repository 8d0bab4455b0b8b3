/// @file borrow.hpp
/// @brief A detector over weights that were trained elsewhere and stay in memory of the caller.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/scaled_training.hpp"

namespace tocsin::detail {

/// See detector::borrow(). A failure leaves everything as it was.
template <class Learned, class Scaler>
status borrow_weights(Learned& learned,
                      const borrowed_weights<typename Learned::scalar_type>& weights,
                      const Scaler& data_scaler, sample_view<typename Learned::scalar_type> mean) {
    const int scaled = features_of(data_scaler, learned.features());
    if (mean.size() != learned.features() || scaled != learned.features()) {
        return status::error(error_code::invalid_argument, "borrow: a mean of ", mean.size(),
                             " and a scaler of ", scaled, " features for a detector of ",
                             learned.features());
    }
    if (const status usable = learned.weights.borrow(learned.model, weights); !usable.ok()) {
        return usable;
    }
    learned.scaler = data_scaler;
    learned.mean = vector_view<const typename Learned::scalar_type>(mean.data(), mean.size());
    learned.scaler.transform(learned.mean);
    return {};
}

} // namespace tocsin::detail
