/// @file activations.hpp
/// @brief tanh and sigmoid of floats as quotients, from + - * / alone; one LSTM cell.
///
/// The quotients come from math/rational_activations.hpp, which has the derivation and the
/// errors (tanh within 1.5 epsilon, sigmoid within 1.25 epsilon). Here they have one fixed order of
/// operations, whatever the processor can fuse.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

namespace tocsin::firmware::detail {

/// A value as numerator / denominator.
/// @tparam Value float, or four_floats on a host
template <class Value>
struct basic_quotient {
    Value numerator;   ///< above the line
    Value denominator; ///< below the line; never 0
};
/// Of one float.
using quotient = basic_quotient<float>;

/// tanh(x); the denominator lies in [0.24, 180].
template <class Arithmetic, class Value>
TOCSIN_FIRMWARE_INLINE basic_quotient<Value> tanh_of(Value x) noexcept {
    const Value a = within(9.0F, x); // 1 - tanh(9) = 3e-8
    const Value t = Arithmetic::multiply(a, a);
    Value p = Arithmetic::multiply_add(2.85883161e-05F, t, 0.00744459173F);
    p = Arithmetic::multiply_add(p, t, 0.25F);
    Value q = Arithmetic::multiply_add(1.23111488e-06F, t, 0.00120702805F);
    q = Arithmetic::multiply_add(q, t, 0.113111667F);
    q = Arithmetic::multiply_add(q, t, 1.0F);
    const Value n = Arithmetic::multiply(a, p);
    const Value numerator = Arithmetic::multiply(n, q);
    // |n| q + (q / 2 - |n|)^2
    const Value difference = Arithmetic::multiply_add(0.5F, q, -magnitude(n));
    return {numerator, Arithmetic::multiply_add(difference, difference, magnitude(numerator))};
}

/// 1 / (1 + exp(-x)); the denominator lies in [1.99, 2600].
template <class Arithmetic, class Value>
TOCSIN_FIRMWARE_INLINE basic_quotient<Value> sigmoid_of(Value x) noexcept {
    const Value a = within(20.0F, x);
    const Value t = Arithmetic::multiply(a, a);
    Value p = Arithmetic::multiply_add(1.6922985e-06F, t, 0.00184363453F);
    p = Arithmetic::multiply_add(p, t, 0.25F);
    Value d = Arithmetic::multiply_add(1.72553065e-08F, t, 7.3605981e-05F);
    d = Arithmetic::multiply_add(d, t, 0.0282078385F);
    d = Arithmetic::multiply_add(d, t, 1.0F);
    const Value n = Arithmetic::multiply(a, p);
    const Value sum = d + n;
    const Value difference = d - n;
    const Value numerator = Arithmetic::multiply(sum, sum);
    return {numerator, Arithmetic::multiply_add(difference, difference, numerator)};
}

/// One cell from its four pre-activations, with two divisions instead of five.
///     c' = f * c + i * g,   h' = o * tanh(c')
/// @param cell in: c; out: c'
/// @return h'
template <class Arithmetic, class Value>
TOCSIN_FIRMWARE_INLINE Value next_state(Value input, Value forget, Value candidate, Value output,
                                        Value& cell) noexcept {
    const basic_quotient<Value> i = sigmoid_of<Arithmetic>(input);
    const basic_quotient<Value> g = tanh_of<Arithmetic>(candidate);
    const Value both = Arithmetic::multiply(i.denominator, g.denominator);
    const Value added = Arithmetic::multiply(i.numerator, g.numerator);
    const basic_quotient<Value> f = sigmoid_of<Arithmetic>(forget);
    const Value kept = Arithmetic::multiply(Arithmetic::multiply(f.numerator, cell), both);
    const Value next = Arithmetic::multiply_add(added, f.denominator, kept) /
                       Arithmetic::multiply(f.denominator, both);
    cell = next;
    const basic_quotient<Value> squashed = tanh_of<Arithmetic>(next);
    const basic_quotient<Value> o = sigmoid_of<Arithmetic>(output);
    return Arithmetic::multiply(o.numerator, squashed.numerator) /
           Arithmetic::multiply(o.denominator, squashed.denominator);
}

} // namespace tocsin::firmware::detail
