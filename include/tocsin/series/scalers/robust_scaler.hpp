/// @file robust_scaler.hpp
/// @brief Scaler by median and interquartile range.
#pragma once

#include "tocsin/series/scalers/affine_scaler.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace tocsin {

/// Offset: median. Scale: 0.75 quantile minus 0.25 quantile. Quantiles are interpolated linearly
/// between order statistics (type 7 of Hyndman and Fan 1996, numpy's default).
struct median_and_quartiles {
    static constexpr const char* kind = "robust";

    /// Median and interquartile range of the values of a feature, which are reordered.
    template <class Scalar>
    static offset_and_scale estimate(std::span<Scalar> values) noexcept {
        const double median = quantile(values, 0.5);
        return {median, quantile(values, 0.75) - quantile(values, 0.25)};
    }

  private:
    template <class Scalar>
    static double quantile(std::span<Scalar> values, double fraction) noexcept {
        const double position = fraction * static_cast<double>(values.size() - 1);
        const auto below = values.begin() + static_cast<std::ptrdiff_t>(position);
        std::nth_element(values.begin(), below, values.end());
        const auto low = static_cast<double>(*below);
        if (below + 1 == values.end()) {
            return low;
        }
        const auto high = static_cast<double>(*std::min_element(below + 1, values.end()));
        return low + (position - static_cast<double>(below - values.begin())) * (high - low);
    }
};

/// Scales each feature by median and interquartile range, which tolerate up to a quarter of
/// outliers in the training samples. A feature with one value in more than three quarters of the
/// samples has no interquartile range and is only shifted.
template <class Scalar, int Features = dynamic>
using robust_scaler = affine_scaler<Scalar, Features, median_and_quartiles>;

} // namespace tocsin
