/// @file standard_scaler.hpp
/// @brief Scaler to mean 0 and standard deviation 1.
#pragma once

#include "tocsin/series/scalers/affine_scaler.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Offset: mean. Scale: population standard deviation (divisor n, as in scikit-learn).
struct mean_and_deviation {
    static constexpr const char* kind = "standard";

    /// Mean and standard deviation of the values of a feature.
    template <class Scalar>
    static offset_and_scale estimate(std::span<Scalar> values) noexcept {
        const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
        if (*smallest == *largest) {
            return {static_cast<double>(*smallest), 0}; // exact, regardless of rounding in the sums
        }
        const auto count = static_cast<double>(values.size());
        double sum = 0;
        for (const Scalar value : values) {
            sum += static_cast<double>(value);
        }
        const double mean = sum / count;
        double squares = 0;
        for (const Scalar value : values) {
            const double deviation = static_cast<double>(value) - mean;
            squares += deviation * deviation;
        }
        return {mean, std::sqrt(squares / count)};
    }
};

/// Scales each feature to mean 0 and standard deviation 1 over the training samples.
template <class Scalar, int Features = dynamic>
using standard_scaler = affine_scaler<Scalar, Features, mean_and_deviation>;

} // namespace tocsin
