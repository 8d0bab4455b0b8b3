/// @file value_offsets.hpp
/// @brief Offsets that are removed in double, before samples become single precision.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace tocsin {

/// What to subtract from each feature so that single precision keeps its detail: 1.7e9 +- 1 is a
/// constant in single precision. A feature whose values differ from each other by less than 2^12
/// times the spacing of floats at their size gets an offset, its median; others get 0, so that
/// their values are the same bits as without offsets. `[features]`. Allocates.
/// @param values `[features x samples]`; NaN and infinite ones are passed over
inline column<double> find_value_offsets(const matrix<double>& values) {
    column<double> offsets = column<double>::Zero(values.rows());
    std::vector<double> finite;
    for (index_t f = 0; f < values.rows(); ++f) {
        finite.clear();
        for (index_t t = 0; t < values.cols(); ++t) {
            if (std::isfinite(values(f, t))) {
                finite.push_back(values(f, t));
            }
        }
        if (finite.empty()) {
            continue;
        }
        const auto at = [&](double share) {
            const auto place = finite.begin() + static_cast<std::ptrdiff_t>(
                                                    share * static_cast<double>(finite.size() - 1));
            std::nth_element(finite.begin(), place, finite.end());
            return *place;
        };
        // Robust, so that a few values far outside do not hide that the others are close together.
        const double median = at(0.5);
        double spread = at(0.95) - at(0.05);
        if (!(spread > 0)) {
            const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
            spread = *high - *low;
        }
        const double spacing = std::abs(median) * std::numeric_limits<float>::epsilon();
        if (spread > 0 && spread < 4096 * spacing) {
            offsets[f] = median;
        }
    }
    return offsets;
}

/// Samples minus their offsets, in single precision; what is beyond its range becomes infinite.
/// @param values  `[features x samples]`
/// @param offsets `[features]`, or empty: none
inline matrix<float> without_offsets(const matrix<double>& values, const column<double>& offsets) {
    if (offsets.size() == 0) {
        return values.cast<float>();
    }
    return (values.colwise() - offsets).cast<float>();
}

} // namespace tocsin
