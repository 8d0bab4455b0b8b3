/// @file quantile.hpp
/// @brief A quantile of a few values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace tocsin {

/// A quantile of values, interpolated linearly between neighbours (type 7 of Hyndman and Fan, "Sample
/// quantiles in statistical packages", The American Statistician 50, 1996).
/// @param values   at least one, all finite; reordered
/// @param fraction in [0, 1]: 0 is the smallest value, 0.5 the median. Never allocates.
template <class Scalar>
double interpolated_quantile(std::span<Scalar> values, double fraction) noexcept {
    const double position = fraction * static_cast<double>(values.size() - 1);
    const double whole = std::floor(position);
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(whole);
    std::nth_element(values.begin(), at, values.end());
    // What stands behind `at` is not smaller; its smallest is the next order statistic.
    const auto next = at + 1 == values.end() ? at : std::min_element(at + 1, values.end());
    return std::lerp(static_cast<double>(*at), static_cast<double>(*next), position - whole);
}

} // namespace tocsin
