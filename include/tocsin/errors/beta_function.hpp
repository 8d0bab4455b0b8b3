/// @file beta_function.hpp
/// @brief Regularised incomplete beta function, from which the tails of F and t follow.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace tocsin::detail {

/// log Gamma(x) for x > 0 by Stirling's series (DLMF 5.11.1) after a shift to x >= 12; error below
/// 1e-14 of the larger of 1 and the result. Not std::lgamma, which writes to a global variable.
inline double log_gamma(double x) noexcept {
    double product = 1;
    for (; x < 12; x += 1) {
        product *= x;
    }
    const double inverse = 1 / x;
    const double square = inverse * inverse;
    const double series =
        inverse *
        (1.0 / 12 -
         square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))));
    return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * std::numbers::pi) + series -
           std::log(product);
}

/// I_x(a, b), the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22,
/// evaluated by the modified Lentz method). Relative error about 1e-10 for a and b up to 1e6.
/// @param a positive
/// @param b positive
/// @param x in [0, 1]; NaN gives NaN
inline double incomplete_beta(double a, double b, double x) noexcept {
    if (!(x > 0)) {
        return std::isnan(x) ? x : 0;
    }
    if (x >= 1) {
        return 1;
    }
    // The fraction converges fast below the mean of the distribution; above it, its mirror image.
    const bool mirrored = x > (a + 1) / (a + b + 2);
    const double log_front =
        log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log1p(-x);
    if (mirrored) {
        std::swap(a, b);
        x = 1 - x;
    }
    constexpr double least = 1e-300;
    constexpr int most_terms = 20000; // about the root of the larger of a and b is needed
    double numerator = 1;
    double denominator = 1 - (a + b) * x / (a + 1);
    denominator = 1 / (std::abs(denominator) < least ? least : denominator);
    double fraction = denominator;
    const auto take = [&](double coefficient) {
        denominator = 1 + coefficient * denominator;
        denominator = 1 / (std::abs(denominator) < least ? least : denominator);
        numerator = 1 + coefficient / numerator;
        numerator = std::abs(numerator) < least ? least : numerator;
        fraction *= numerator * denominator;
        return numerator * denominator;
    };
    for (int m = 1; m <= most_terms; ++m) {
        const double twice = 2.0 * m;
        take(m * (b - m) * x / ((a + twice - 1) * (a + twice)));
        const double change = take(-(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1)));
        if (std::abs(change - 1) < 1e-14) {
            break;
        }
    }
    const double value = std::exp(log_front) * fraction / a;
    return std::clamp(mirrored ? 1 - value : value, 0.0, 1.0);
}

/// P(X > x) of the F distribution.
/// @param numerator, denominator degrees of freedom, positive, not necessarily whole
inline double f_tail(double x, double numerator, double denominator) noexcept {
    if (!(x > 0)) {
        return std::isnan(x) ? x : 1;
    }
    if (x == std::numeric_limits<double>::infinity()) {
        return 0;
    }
    return incomplete_beta(denominator / 2, numerator / 2,
                           denominator / (denominator + numerator * x));
}

} // namespace tocsin::detail
