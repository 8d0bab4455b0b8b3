/// @file float_network.hpp
/// @brief Layers and scores in float, as functions over memory of the caller.
///
/// Sizes are arguments: a watcher passes constants, which the compiler folds; the generator on the
/// host passes the sizes of any model and gets the same bits.
#pragma once

#include "tocsin/firmware/activations.hpp"
#include "tocsin/firmware/row_sums.hpp"

namespace tocsin::firmware::detail {

/// Largest scaled value that a network reads: its square is finite, so that no state becomes NaN.
inline constexpr float largest_input = 1e18F;

/// Floats of the weights of an LSTM layer.
constexpr int lstm_weights(int inputs, int hidden) noexcept {
    return 4 * hidden * (inputs + hidden + 1);
}
/// Floats of the weights of a dense layer.
constexpr int dense_weights(int inputs, int outputs) noexcept {
    return outputs * (inputs + 1);
}

/// Advances an LSTM layer by one step. Weights: pairs of units, each pair a block of eight rows,
/// i, f, g, o of the first and of the second unit; for an odd number of units a block of four.
/// @param vector [inputs + hidden], in: the inputs; the rest is scratch
/// @param hidden_state, cell_state `[hidden]`, in: h and c; out: h' and c'
/// @return the weights after the layer's
template <class Arithmetic>
TOCSIN_FIRMWARE_INLINE const float* lstm_step(const float* weights, float* vector, int inputs,
                                              int hidden, float* hidden_state,
                                              float* cell_state) noexcept {
    for (int k = 0; k < hidden; ++k) {
        vector[inputs + k] = hidden_state[k]; // the rows below still read h when h' is written
    }
    int unit = 0;
#if TOCSIN_FIRMWARE_VECTORS
    if constexpr (Arithmetic::takes_vectors) {
        for (; unit + 8 <= hidden; unit += 8) {
            four_floats z[8]; // i, f, g, o of a unit each
            weights = sum_four_blocks<Arithmetic>(weights, vector, inputs + hidden, z);
            for (int k = 0; k < 8; k += 4) {
                const auto gate = [&](int row) {
                    return four_floats{z[k][row], z[k + 1][row], z[k + 2][row], z[k + 3][row]};
                };
                four_floats cell = four_at(cell_state + unit + k);
                const four_floats next =
                    next_state<Arithmetic>(gate(0), gate(1), gate(2), gate(3), cell);
                __builtin_memcpy(cell_state + unit + k, &cell, sizeof cell);
                __builtin_memcpy(hidden_state + unit + k, &next, sizeof next);
            }
        }
    }
#endif
    for (; unit + 2 <= hidden; unit += 2) {
        row_block<8> z;
        weights = sum_rows<Arithmetic>(weights, vector, inputs + hidden, z);
        hidden_state[unit] =
            next_state<Arithmetic>(z.sum[0], z.sum[1], z.sum[2], z.sum[3], cell_state[unit]);
        hidden_state[unit + 1] =
            next_state<Arithmetic>(z.sum[4], z.sum[5], z.sum[6], z.sum[7], cell_state[unit + 1]);
    }
    if (unit < hidden) {
        row_block<4> z;
        weights = sum_rows<Arithmetic>(weights, vector, inputs + hidden, z);
        hidden_state[unit] =
            next_state<Arithmetic>(z.sum[0], z.sum[1], z.sum[2], z.sum[3], cell_state[unit]);
    }
    return weights;
}

/// A linear dense layer.
/// @return the weights after the layer's
template <class Arithmetic>
TOCSIN_FIRMWARE_INLINE const float* dense_linear(const float* weights, const float* input,
                                                 int inputs, int outputs, float* output) noexcept {
    return sum_all_rows<Arithmetic>(weights, input, inputs, outputs,
                                    [&](int row, float sum) { output[row] = sum; });
}
/// A dense layer with the activation max(x, 0).
template <class Arithmetic>
TOCSIN_FIRMWARE_INLINE const float* dense_relu(const float* weights, const float* input, int inputs,
                                               int outputs, float* output) noexcept {
    return sum_all_rows<Arithmetic>(weights, input, inputs, outputs,
                                    [&](int row, float sum) { output[row] = sum > 0 ? sum : 0; });
}

/// (x - offset) * factor, within what a network reads.
TOCSIN_FIRMWARE_INLINE float scaled(float value, float offset, float factor) noexcept {
    return within(largest_input, separate_arithmetic::multiply(value - offset, factor));
}

/// Sum of the squared deviations, each times its inverse variance; NaN marks elements to leave out.
template <class Arithmetic, bool Partial>
TOCSIN_FIRMWARE_INLINE float diagonal_distance(const float* deviations, const float* inverse,
                                               int size) noexcept {
    float sum = 0;
    for (int k = 0; k < size; ++k) {
        const float d = deviations[k];
        if (Partial && is_nan(d)) {
            continue;
        }
        sum = Arithmetic::multiply_add(Arithmetic::multiply(d, d), inverse[k], sum);
    }
    return sum;
}

/// Squared length of W times the deviations.
/// @param whitening the lower triangle W, row by row
template <class Arithmetic>
TOCSIN_FIRMWARE_INLINE float full_distance(const float* deviations, const float* whitening,
                                           int size) noexcept {
    float sum = 0;
    for (int row = 0; row < size; ++row) {
        float element = 0;
        for (int col = 0; col <= row; ++col) {
            element = Arithmetic::multiply_add(*whitening++, deviations[col], element);
        }
        sum = Arithmetic::multiply_add(element, element, sum);
    }
    return sum;
}

} // namespace tocsin::firmware::detail
