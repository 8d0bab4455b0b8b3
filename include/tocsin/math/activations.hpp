/// @file activations.hpp
/// @brief Activation functions with their slopes, for scalars or packs of scalars.
///
/// Each is a stateless function object. The slope is a function of the output, which
/// backpropagation has at hand. All propagate NaN.
///
/// Largest error over all finite arguments, with and without FMA. Measured values are in brackets,
/// for float over all arguments, for double over 20 million:
///
///     sigmoid  3 ulp [2.49] where the result is a normal number; below, the error is less than the
///              smallest normal number (the result may be 0)
///     tanh     3.5 ulp [3.24] with xsimd; 3 ulp [2.19] with the functions of glibc
///
/// The absolute error is at most 1.25 epsilon of the scalar type [0.87].
#pragma once

#include "tocsin/math/exponential.hpp"
#include "tocsin/math/simd.hpp"

#include <cmath>
#include <type_traits>

namespace tocsin {

namespace detail {

template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar exp_of(Scalar x) noexcept {
    return std::exp(x);
}
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar sigmoid_of(Scalar x) noexcept {
    return Scalar(1) / (Scalar(1) + std::exp(-x));
}
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar tanh_of(Scalar x) noexcept {
    return std::tanh(x);
}

#if TOCSIN_HAS_XSIMD
/// Results below twice the smallest normal number may be 0.
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> exp_of(const xsimd::batch<Scalar, Arch>& x) noexcept {
    using pack = xsimd::batch<Scalar, Arch>;
    constexpr bool single = std::is_same_v<Scalar, float>;
    const pack lowest(single ? Scalar(-87.3) : Scalar(-708.3));
    const pack highest(single ? Scalar(89) : Scalar(710));
    // Half the scale keeps the largest results from overflowing on the way.
    const auto parts = exponential<1>(at_least(lowest, at_most(highest, x)));
    const pack half = multiply_add(parts.scale, parts.rest, parts.scale);
    return half + half;
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> sigmoid_of(const xsimd::batch<Scalar, Arch>& x) noexcept {
    using pack = xsimd::batch<Scalar, Arch>;
    // Below -bound the result is not a normal number.
    const pack bound(std::is_same_v<Scalar, float> ? Scalar(87.34) : Scalar(708.4));
    const auto parts = exponential(at_least(-bound, at_most(bound, -x)));
    const pack y = divide(pack(1), pack(1) + multiply_add(parts.scale, parts.rest, parts.scale));
    return xsimd::select(x < -bound, pack(0), y);
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> tanh_of(const xsimd::batch<Scalar, Arch>& x) noexcept {
    using pack = xsimd::batch<Scalar, Arch>;
    // Above the bound, 1 - tanh(x) is less than half an ulp of 1.
    const pack bound(std::is_same_v<Scalar, float> ? Scalar(9.1) : Scalar(19.1));
    const pack a = at_most(bound, magnitude(x));
    const auto parts = exponential(a + a);
    const pack e = multiply_add(parts.scale, parts.rest, parts.scale - pack(1)); // exp(2 a) - 1
    return with_sign_of(x, divide(e, e + pack(2)));
}
#endif

} // namespace detail

/// The identity, slope 1: the activation of a linear layer.
struct identity_activation {
    static constexpr const char* name = "identity";
    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return x;
    }
    template <class Pack>
    Pack slope(const Pack&) const noexcept {
        return Pack(1);
    }
};

/// Logistic sigmoid 1 / (1 + exp(-x)), range [0, 1].
struct sigmoid_activation {
    static constexpr const char* name = "sigmoid";
    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return detail::sigmoid_of(x);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return y * (Pack(1) - y);
    }
};

/// Hyperbolic tangent, range [-1, 1].
struct tanh_activation {
    static constexpr const char* name = "tanh";
    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return detail::tanh_of(x);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return Pack(1) - y * y;
    }
};

/// Rectified linear unit max(x, 0); its slope at 0 is 0, as in PyTorch. NaN stays NaN.
struct relu_activation {
    static constexpr const char* name = "relu";
    /// The activation of each value.
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return detail::zero_unless_positive(x, x);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return detail::zero_unless_positive(y, Pack(1));
    }
};

} // namespace tocsin
