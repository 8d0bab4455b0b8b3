/// @file lstm_kernels.hpp
/// @brief The elementwise part of an LSTM cell, forward and backward, for one batch column.
///
/// Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), no peepholes:
///
///     i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
///     c' = f * c + i * g
///     h' = o * tanh(c')
#pragma once

#include "tocsin/math/activations.hpp"
#include "tocsin/math/simd.hpp"

namespace tocsin {

/// Order of the four gates within every `[4 * hidden]` block, as in PyTorch. Only this line fixes
/// it.
struct lstm_gate {
    static constexpr int input = 0;
    static constexpr int forget = 1;
    static constexpr int candidate = 2;
    static constexpr int output = 3;
    static constexpr int count = 4;
};

/// Gates and state update of one column.
/// @param hidden        hidden size
/// @param gates         `[4 * hidden]`, in: pre-activations z; out: i, f, g, o
/// @param previous_cell `[hidden]` c
/// @param cell          `[hidden]` out: c'; may be `previous_cell`
/// @param output        `[hidden]` out: h'
template <class Path = native_path, class Scalar>
void lstm_cell_forward(index_t hidden, Scalar* gates, const Scalar* previous_cell, Scalar* cell,
                       Scalar* output) noexcept {
    constexpr sigmoid_activation sigmoid;
    constexpr tanh_activation tanh;
    Scalar* const input_gate = gates + lstm_gate::input * hidden;
    Scalar* const forget_gate = gates + lstm_gate::forget * hidden;
    Scalar* const candidate = gates + lstm_gate::candidate * hidden;
    Scalar* const output_gate = gates + lstm_gate::output * hidden;
    Path::template for_each_pack<Scalar>(hidden, [&](auto pack) {
        const auto i = sigmoid(pack.load(input_gate));
        const auto f = sigmoid(pack.load(forget_gate));
        const auto g = tanh(pack.load(candidate));
        const auto o = sigmoid(pack.load(output_gate));
        const auto c = f * pack.load(previous_cell) + i * g;
        pack.store(input_gate, i);
        pack.store(forget_gate, f);
        pack.store(candidate, g);
        pack.store(output_gate, o);
        pack.store(cell, c);
        pack.store(output, o * tanh(c));
    });
}

/// Chain rule through lstm_cell_forward for one column.
/// @param gates           `[4 * hidden]`, in: i, f, g, o of the forward pass; out: dL/dz
/// @param previous_cell   `[hidden]` c of the forward pass
/// @param cell            `[hidden]` c' of the forward pass
/// @param output_gradient `[hidden]` dL/dh', complete
/// @param cell_gradient   `[hidden]`, in: dL/dc' from later steps; out: dL/dc
template <class Path = native_path, class Scalar>
void lstm_cell_backward(index_t hidden, Scalar* gates, const Scalar* previous_cell,
                        const Scalar* cell, const Scalar* output_gradient,
                        Scalar* cell_gradient) noexcept {
    constexpr sigmoid_activation sigmoid;
    constexpr tanh_activation tanh;
    Scalar* const input_gate = gates + lstm_gate::input * hidden;
    Scalar* const forget_gate = gates + lstm_gate::forget * hidden;
    Scalar* const candidate = gates + lstm_gate::candidate * hidden;
    Scalar* const output_gate = gates + lstm_gate::output * hidden;
    Path::template for_each_pack<Scalar>(hidden, [&](auto pack) {
        const auto i = pack.load(input_gate);
        const auto f = pack.load(forget_gate);
        const auto g = pack.load(candidate);
        const auto o = pack.load(output_gate);
        const auto squashed = tanh(pack.load(cell));
        const auto dh = pack.load(output_gradient);
        const auto dc = pack.load(cell_gradient) + dh * o * tanh.slope(squashed);
        pack.store(input_gate, dc * g * sigmoid.slope(i));
        pack.store(forget_gate, dc * pack.load(previous_cell) * sigmoid.slope(f));
        pack.store(candidate, dc * i * tanh.slope(g));
        pack.store(output_gate, dh * squashed * sigmoid.slope(o));
        pack.store(cell_gradient, dc * f);
    });
}

} // namespace tocsin
