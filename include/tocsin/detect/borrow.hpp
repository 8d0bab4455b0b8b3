/// @file borrow.hpp
/// @brief A detector over weights that were trained elsewhere and stay in memory of the caller.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/scaled_training.hpp"

#include <bit>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

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
    for (const auto& [what, values] :
         {std::pair{"parameter", weights.parameters},
          std::pair{"mean", std::span(mean.data(), static_cast<std::size_t>(mean.size()))}}) {
        for (std::size_t k = 0; k < values.size(); ++k) {
            if (!std::isfinite(values[k])) {
                return status::error(error_code::invalid_argument, "borrow: ", what, " ", k, " is ",
                                     values[k]);
            }
        }
    }
    if (const status usable = learned.weights.borrow(learned.model, weights); !usable.ok()) {
        return usable;
    }
    learned.scaler = data_scaler;
    learned.mean = vector_view<const typename Learned::scalar_type>(mean.data(), mean.size());
    learned.scaler.transform(learned.mean);
    return {};
}

/// Names the first value of `given` that is not, bit for bit, the one in `own`.
template <class Scalar>
status check_same_values(const char* what, std::span<const Scalar> given,
                         std::span<const Scalar> own) noexcept {
    if (given.size() != own.size()) {
        return status::error(error_code::invalid_argument, "borrow: ", given.size(), " ", what,
                             " for a model of ", own.size());
    }
    for (std::size_t k = 0; k < own.size(); ++k) {
        if (std::bit_cast<bits_of<Scalar>>(given[k]) != std::bit_cast<bits_of<Scalar>>(own[k])) {
            return status::error(error_code::invalid_argument, "borrow: ", what, " ", k, " is ",
                                 given[k], ", the detector has ", own[k]);
        }
    }
    return {};
}

/// See the detector's borrow() of its own weights. A failure leaves everything as it was.
template <class Learned>
status borrow_same_weights(Learned& learned,
                           const borrowed_weights<typename Learned::scalar_type>& weights) {
    using scalar = typename Learned::scalar_type;
    const std::span<const scalar> own = learned.weights.parameters();
    if (own.empty()) {
        return status::error(error_code::not_ready,
                             "borrow: the detector has no weights yet: train or load it first");
    }
    if (weights.parameters.data() == own.data()) {
        return status::error(error_code::invalid_argument,
                             "borrow: the detector uses these weights already");
    }
    status same = check_same_values("parameters", weights.parameters, own);
    if (same.ok() && !weights.packed.empty()) {
        same = check_same_values("packed weights", weights.packed,
                                 std::span<const scalar>(learned.weights.packed().values));
    }
    return same.ok() ? learned.weights.borrow(learned.model, weights) : same;
}

} // namespace tocsin::detail
