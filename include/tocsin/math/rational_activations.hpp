/// @file rational_activations.hpp
/// @brief Fast tanh and sigmoid for floats, as quotients of polynomials.
///
/// Both use tanh(y) = n / d with n = y P(y^2) and d = Q(y^2), fitted where y is half (tanh) or a
/// quarter (sigmoid) of the argument, because low degrees are enough there. The identities that
/// lead back
///
///     tanh(2 y)    = 2 n d / (n^2 + d^2)                = 2 n d / (2 n d + (d - n)^2)
///     sigmoid(4 y) = (1 + tanh(2 y)) / 2 = (d + n)^2 / ((d + n)^2 + (d - n)^2)
///
/// damp errors of n / d. As written on the right, they never leave the range of the function:
/// adding a square does not make a sum smaller, even after rounding. The fit is minimax in the
/// final value (tests/fixtures/derive_activations.py); docs/mathematics.md has the details.
///
/// Largest error; in brackets the values measured over all 2^32 floats, with fused multiply-add and
/// without:
///
///     tanh     6 ulp [5.65, 5.90]                      1.5 epsilon [1.31, 1.46], which is 1.8e-7
///     sigmoid  4 ulp [2.88, 3.36] where it is >= 1/4   1.25 epsilon [1.03, 1.18], 1.5e-7
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/math/pack_functions.hpp"

namespace tocsin {

/// A value as numerator / denominator, so that a cell can combine several divisions into one.
template <class Pack>
struct quotient {
    Pack numerator;   ///< above the line
    Pack denominator; ///< below the line; never 0
};

/// Hyperbolic tangent for float and packs of float: odd, in [-1, 1]; infinities give 1 and -1, NaN
/// stays NaN. 14 operations and a division.
struct rational_tanh {
    static constexpr const char* name = "tanh";

    /// The denominator lies in [0.24, 180], the magnitude of the numerator in [0, 180]; for
    /// |x| below 2 * 10^-38 the numerator may be denormal.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static quotient<Pack> parts(const Pack& x) noexcept {
        // n and Q = 2 d as polynomials: n Q = 2 n d and Q / 2 - n = d - n need no factor more.
        const Pack a = detail::at_most(Pack(9.0F), detail::magnitude(x)); // 1 - tanh(9) = 3e-8
        const Pack t = a * a;
        const Pack p = detail::multiply_add(
            detail::multiply_add(Pack(2.85883161e-05F), t, Pack(0.00744459173F)), t, Pack(0.25F));
        const Pack q =
            detail::multiply_add(detail::multiply_add(detail::multiply_add(Pack(1.23111488e-06F), t,
                                                                           Pack(0.00120702805F)),
                                                      t, Pack(0.113111667F)),
                                 t, Pack(1.0F));
        const Pack n = a * p;
        const Pack numerator = n * q;
        const Pack difference = detail::multiply_add(Pack(0.5F), q, -n);
        return {detail::with_sign_of(x, numerator),
                detail::multiply_add(difference, difference, numerator)};
    }
    /// tanh of each value.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE Pack operator()(const Pack& x) const noexcept {
        const quotient<Pack> value = parts(x);
        return detail::divide(value.numerator, value.denominator);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return Pack(1) - y * y;
    }
};

/// Logistic sigmoid 1 / (1 + exp(-x)) for float and packs of float: in [0, 1], 1/2 at 0, 1 from 20
/// up and 0 from -20 down, NaN stays NaN. 12 operations and a division.
struct rational_sigmoid {
    static constexpr const char* name = "sigmoid";

    /// The denominator lies in [1.99, 2600], the numerator in [0, 2600].
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static quotient<Pack> parts(const Pack& x) noexcept {
        // The coefficients are such that n = d at 20, with fused operations and without.
        const Pack a = detail::at_least(Pack(-20.0F), detail::at_most(Pack(20.0F), x));
        const Pack t = a * a;
        const Pack p = detail::multiply_add(
            detail::multiply_add(Pack(1.6922985e-06F), t, Pack(0.00184363453F)), t, Pack(0.25F));
        const Pack d =
            detail::multiply_add(detail::multiply_add(detail::multiply_add(Pack(1.72553065e-08F), t,
                                                                           Pack(7.3605981e-05F)),
                                                      t, Pack(0.0282078385F)),
                                 t, Pack(1.0F));
        const Pack sum = detail::multiply_add(a, p, d);
        const Pack difference = detail::subtract_product(d, a, p);
        const Pack numerator = sum * sum;
        return {numerator, detail::multiply_add(difference, difference, numerator)};
    }
    /// The logistic function of each value.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE Pack operator()(const Pack& x) const noexcept {
        const quotient<Pack> value = parts(x);
        return detail::divide(value.numerator, value.denominator);
    }
    template <class Pack>
    Pack slope(const Pack& y) const noexcept {
        return y * (Pack(1) - y);
    }
};

} // namespace tocsin
