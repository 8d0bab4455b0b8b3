/// @file partial_distance.hpp
/// @brief Mahalanobis distance of the elements that were observed, with the whole covariance.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

namespace tocsin::firmware::detail {

/// Squared distance of the observed elements under their marginal distribution: the smallest that
/// any values of the missing ones give, which is |W d|^2 less what the columns of the missing
/// elements can take away from it (modified Gram-Schmidt; Bjorck 1996).
/// @tparam Size      elements; Size^2 floats of stack
/// @param deviations NaN where missing, at least one observed
/// @param whitening  the lower triangle W, row by row
template <class Arithmetic, int Size>
[[gnu::noinline]] float full_distance_of_observed(const float* deviations,
                                                  const float* whitening) noexcept {
    float columns[unsigned{Size}][unsigned{Size}]; // of the missing elements, orthogonal
    float rest[unsigned{Size}];                    // W d of the observed ones
    int missing = 0;
    const auto dot = [](const float* a, const float* b) {
        float sum = 0;
        for (int k = 0; k < Size; ++k) {
            sum = Arithmetic::multiply_add(a[k], b[k], sum);
        }
        return sum;
    };
    const auto take_away = [&dot](float* from, const float* column) {
        const float length = dot(column, column);
        if (length > 0) {
            const float part = -(dot(from, column) / length);
            for (int k = 0; k < Size; ++k) {
                from[k] = Arithmetic::multiply_add(part, column[k], from[k]);
            }
        }
    };
    for (int row = 0; row < Size; ++row) {
        rest[row] = 0;
    }
    for (int col = 0; col < Size; ++col) {
        const bool observed = !is_nan(deviations[col]);
        for (int row = 0; row < Size; ++row) {
            const float element = row < col ? 0 : whitening[row * (row + 1) / 2 + col];
            if (observed) {
                rest[row] = Arithmetic::multiply_add(element, deviations[col], rest[row]);
            } else {
                columns[missing][row] = element;
            }
        }
        if (!observed) {
            for (int k = 0; k < missing; ++k) {
                take_away(columns[missing], columns[k]);
            }
            ++missing;
        }
    }
    for (int k = 0; k < missing; ++k) {
        take_away(rest, columns[k]);
    }
    return dot(rest, rest);
}

} // namespace tocsin::firmware::detail
