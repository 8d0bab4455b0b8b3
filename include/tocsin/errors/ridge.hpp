/// @file ridge.hpp
/// @brief How much is added to variances so that a covariance can be factorised.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tocsin {

/// Default ridge, as a share of the mean variance.
inline constexpr double default_relative_ridge = 1e-6;

/// Ridge where every variance is exactly zero (all samples equal), in squared units of the errors:
/// a deviation of 0.001 then has the squared distance 1e6, which is far off every scale but finite.
inline constexpr double ridge_of_constant_samples = 1e-12;

namespace detail {

/// @param relative_ridge share of the mean variance, finite, at least 0
inline double ridge(double mean_variance, double relative_ridge) noexcept {
    if (mean_variance == 0) {
        return ridge_of_constant_samples;
    }
    // Never zero where one was asked for, also where the product is too small for a double.
    return relative_ridge == 0
               ? 0.0
               : std::max(relative_ridge * mean_variance, std::numeric_limits<double>::min());
}

/// What an error statistic requires of its samples and settings before it is fitted.
inline status check_fit(std::string_view caller, int dimension, std::int64_t count,
                        std::int64_t rejected, double relative_ridge) noexcept {
    if (dimension < 1) {
        return status::error(error_code::invalid_argument, caller, ": dimension ", dimension,
                             " must be at least 1");
    }
    if (!std::isfinite(relative_ridge) || relative_ridge < 0) {
        return status::error(error_code::invalid_argument, caller, ": relative ridge ",
                             relative_ridge, " must be finite and at least 0");
    }
    if (count < 2) {
        return status::error(error_code::invalid_data, caller,
                             ": at least 2 finite samples are needed, got ", count, " (", rejected,
                             " rejected)");
    }
    return {};
}

} // namespace detail
} // namespace tocsin
