/// @file observed_elements.hpp
/// @brief Error vectors of which some elements were not observed: those are NaN.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace tocsin::detail {

inline bool has_nan(std::span<const double> error) noexcept {
    return std::any_of(error.begin(), error.end(), [](double e) { return std::isnan(e); });
}
inline bool all_nan(std::span<const double> error) noexcept {
    return std::all_of(error.begin(), error.end(), [](double e) { return std::isnan(e); });
}
inline bool has_infinite(std::span<const double> error) noexcept {
    return std::any_of(error.begin(), error.end(), [](double e) { return std::isinf(e); });
}

/// Takes the shares of elements that were not observed away; the others add up to 1 again.
inline void keep_observed_shares(std::span<const double> error, std::span<double> shares) noexcept {
    double sum = 0;
    for (std::size_t k = 0; k < shares.size(); ++k) {
        shares[k] = std::isnan(error[k]) ? 0 : shares[k];
        sum += shares[k];
    }
    for (double& share : shares) {
        share = sum > 0 ? share / sum : 0;
    }
}

} // namespace tocsin::detail
