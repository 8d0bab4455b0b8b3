/// @file pareto_tail.hpp
/// @brief Generalised Pareto distribution of excesses in float, from + - * / alone; see
/// tail/pareto_fit.hpp for the equations.
#pragma once

#include "tocsin/firmware/elementary.hpp"

namespace tocsin::firmware::detail {

/// P(Y > y) = (1 + shape y / scale)^(-1 / shape).
struct pareto_tail {
    float shape = 0; ///< from -1/2 to 1
    float scale = 0; ///< positive

    /// The y that is exceeded with probability exp(-depth), 0 for negative depths.
    [[gnu::noinline]] float quantile(float depth) const noexcept {
        using arithmetic = separate_arithmetic;
        const float power = arithmetic::multiply(shape, depth);
        const float linear = arithmetic::multiply(scale, depth);
        if (!(depth > 0)) {
            return 0;
        }
        if (__builtin_fabsf(power) < 1e-3F) { // the rest of the series is below 1 epsilon
            const float more = arithmetic::multiply_add(0.5F, power, 1.0F);
            return arithmetic::multiply(linear, more);
        }
        return arithmetic::multiply(linear, exponential_less_one(power) / power);
    }
    /// E(Y | Y > y), with the shape taken as at most 1/2.
    float expected_beyond(float y) const noexcept {
        const float bounded = shape < 0.5F ? shape : 0.5F;
        const float mean = separate_arithmetic::multiply_add(bounded, y, scale) / (1 - bounded);
        return mean > 0 ? y + mean : y;
    }
    /// Variance of the logarithm of P(Y > y) when fitted to `count` excesses by their moments. At
    /// most 4.
    [[gnu::noinline]] float log_variance(int count, float y) const noexcept {
        using arithmetic = separate_arithmetic;
        const float bounded = shape < 0.45F ? shape : 0.45F;
        const float depth = y / scale;
        const float z = arithmetic::multiply(bounded, depth);
        const float s = 1 + z > 1e-3F ? 1 + z : 1e-3F;
        const float by_scale = depth / s;
        const float w = z / (2 + z);
        float ratio = 0; // (log(1 + z) - z / (1 + z)) / z^2
        if (__builtin_fabsf(w) < 0.17F) {
            // 2 (atanh(w) - w / (1 + w)), in which w cancels
            ratio = 2 * arithmetic::multiply_add(w, atanh_series(w), 1 / (1 + w)) /
                    arithmetic::multiply(2 + z, 2 + z);
        } else {
            ratio = (logarithm(s) - z / s) / arithmetic::multiply(z, z);
        }
        const float by_shape = arithmetic::multiply(arithmetic::multiply(depth, depth), ratio);
        const float k = -bounded;
        const float two_k = 2 * k;
        const auto polynomial = [](float c0, float c1, float c2, float c3, float x) {
            float sum = arithmetic::multiply_add(c3, x, c2);
            sum = arithmetic::multiply_add(sum, x, c1);
            return arithmetic::multiply_add(sum, x, c0);
        };
        const float of_shape =
            arithmetic::multiply(arithmetic::multiply(1 + k, arithmetic::multiply(2 + k, 2 + k)),
                                 polynomial(1, 1, 2, 0, k));
        const float of_scale = polynomial(7, 18, 11, 2, k);
        const float of_both = -arithmetic::multiply(2 + k, polynomial(2, 6, 7, 2, k));
        float sum = arithmetic::multiply(arithmetic::multiply(of_scale, by_scale), by_scale);
        sum = arithmetic::multiply_add(2 * arithmetic::multiply(of_both, by_shape), by_scale, sum);
        sum = arithmetic::multiply_add(arithmetic::multiply(of_shape, by_shape), by_shape, sum);
        const float divisor = arithmetic::multiply(arithmetic::multiply(1 + two_k, 3 + two_k),
                                                   static_cast<float>(count));
        const float variance = sum / divisor;
        return !(variance > 0) ? 0 : variance < 4 ? variance : 4;
    }
    /// From the probability-weighted moments of sorted excesses: a0 their mean, a1 the mean of
    /// y (1 - F(y)). Exponential where they are undefined.
    static pareto_tail from_moments(float a0, float a1) noexcept {
        constexpr float least = -0.5F;
        const float difference = a0 - 2 * a1;
        if (!(difference > separate_arithmetic::multiply(1e-6F, a0))) {
            return {0, a0};
        }
        const float shape = 2 - a0 / difference;
        if (shape < least) {
            return {least, separate_arithmetic::multiply(a0, 1 - least)}; // with the same mean
        }
        return {shape, separate_arithmetic::multiply(2 * a0, a1) / difference};
    }
};

} // namespace tocsin::firmware::detail
