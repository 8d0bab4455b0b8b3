/// @file robust_scaler.hpp
/// @brief Scaler by median and interquartile range.
#pragma once

#include "tocsin/math/quantile.hpp"
#include "tocsin/series/scalers/affine_scaler.hpp"

#include <span>

namespace tocsin {

/// Offset: median. Scale: 0.75 quantile minus 0.25 quantile. Quantiles are interpolated
/// (interpolated_quantile(); numpy's default).
struct median_and_quartiles {
    static constexpr const char* kind = "robust";

    /// Median and interquartile range of the values of a feature, which are reordered.
    template <class Scalar>
    static offset_and_scale estimate(std::span<Scalar> values) noexcept {
        const double median = interpolated_quantile(values, 0.5);
        return {median, interpolated_quantile(values, 0.75) - interpolated_quantile(values, 0.25)};
    }
};

/// Scales each feature by median and interquartile range, which tolerate up to a quarter of
/// outliers in the training samples. A feature with one value in more than three quarters of the
/// samples has no interquartile range and is only shifted.
template <class Scalar, int Features = dynamic>
using robust_scaler = affine_scaler<Scalar, Features, median_and_quartiles>;

} // namespace tocsin
