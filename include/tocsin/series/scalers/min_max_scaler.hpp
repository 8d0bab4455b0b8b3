/// @file min_max_scaler.hpp
/// @brief Scaler to the range from 0 to 1.
#pragma once

#include "tocsin/series/scalers/affine_scaler.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// Offset: smallest value. Scale: largest minus smallest.
struct minimum_and_range {
    static constexpr const char* kind = "min_max";

    /// Minimum and range of the values of a feature.
    template <class Scalar>
    static offset_and_scale estimate(std::span<Scalar> values) noexcept {
        const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
        const auto low = static_cast<double>(*smallest);
        return {low, static_cast<double>(*largest) - low};
    }
};

/// Scales each feature so that the training samples span [0, 1]. Later samples may lie outside.
template <class Scalar, int Features = dynamic>
using min_max_scaler = affine_scaler<Scalar, Features, minimum_and_range>;

} // namespace tocsin
