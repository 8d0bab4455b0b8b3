/// @file piecewise_activations.hpp
/// @brief Activations made of straight lines: leaky ReLU and hard sigmoid.
#pragma once

#include "tocsin/math/pack_functions.hpp"

#include <type_traits>

namespace tocsin {

namespace detail {
/// The same number in every lane.
template <class Pack>
Pack every_lane(double value) noexcept {
    if constexpr (std::is_floating_point_v<Pack>) {
        return static_cast<Pack>(value);
    } else {
        return Pack(static_cast<typename Pack::value_type>(value));
    }
}
} // namespace detail

/// x above 0, `below * x` elsewhere; its slope at 0 is `below`, as in PyTorch. NaN stays NaN.
struct leaky_relu_activation {
    static constexpr const char* name = "leaky_relu";
    double below = 0.01; ///< slope below 0, in (0, 1)

    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return detail::zero_unless_positive(x, x * detail::every_lane<Pack>(1 - below)) +
               x * detail::every_lane<Pack>(below);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return detail::zero_unless_positive(y, detail::every_lane<Pack>(1 - below)) +
               detail::every_lane<Pack>(below);
    }
};

/// x / Divisor + 1/2, not below 0 and not above 1; the slope is 0 where it is flat. NaN stays NaN.
/// @tparam Divisor 6: PyTorch and Keras 3; 5: Keras before 3, whose slope is 0.2
template <int Divisor = 6>
struct hard_sigmoid_activation {
    static constexpr const char* name = "hard_sigmoid";
    static constexpr int divisor = Divisor; ///< of the slope 1 / divisor

    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        const Pack line =
            x * detail::every_lane<Pack>(1.0 / Divisor) + detail::every_lane<Pack>(0.5);
        return detail::at_least(detail::every_lane<Pack>(0), detail::at_most(Pack(1), line));
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        const Pack steep = detail::every_lane<Pack>(1.0 / Divisor);
        return detail::zero_unless_positive(y, detail::zero_unless_positive(Pack(1) - y, steep));
    }
};

} // namespace tocsin
