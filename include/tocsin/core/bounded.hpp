/// @file bounded.hpp
/// @brief Values that running sums take in: bounded, so that no finite number poisons them.
#pragma once

namespace tocsin {

/// Values beyond this, of either sign, count as this wherever they enter a running sum: the squares
/// of 2^53 such values have a finite sum.
inline constexpr double largest_input = 1e100;

/// `value` within [-largest_input, largest_input]; NaN stays NaN.
constexpr double bounded(double value) noexcept {
    return value > largest_input ? largest_input : value < -largest_input ? -largest_input : value;
}

/// Largest scaled value that a model reads: its square is finite, so that no state becomes NaN.
template <class Scalar>
inline constexpr Scalar largest_scaled_value =
    sizeof(Scalar) == sizeof(float) ? Scalar(1e18) : Scalar(1e150);

/// `scaled` within those limits; NaN stays NaN.
template <class Scalar>
constexpr Scalar readable(Scalar scaled) noexcept {
    constexpr Scalar largest = largest_scaled_value<Scalar>;
    return scaled > largest ? largest : scaled < -largest ? -largest : scaled;
}

/// Residuals beyond this, in standard deviations, count as this in the sums and averages of charts: a
/// single wrong reading is out of them soon.
inline constexpr double largest_deviation = 10;

/// Whether a number is within the limit, as all values are that sums took in and their means are; false
/// for NaN.
constexpr bool is_bounded(double value, double limit = largest_input) noexcept {
    return value >= -limit && value <= limit;
}
/// Whether all elements are, in a vector or matrix of Eigen's of doubles.
template <class Values>
constexpr bool all_bounded(const Values& values) noexcept {
    return values.unaryExpr([](double value) { return is_bounded(value); }).all();
}

} // namespace tocsin
