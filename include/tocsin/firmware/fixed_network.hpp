/// @file fixed_network.hpp
/// @brief Layers and scores in integers, as functions over memory of the caller.
///
/// Numbers and their bits behind the binary point: inputs of the network 12 of 16, h (also where it
/// is the input of another layer) 15 of 16, c 15 of 32, pre-activations 12 of 32, scaled samples, forecasts and deviations 16 of 32. Weights are
/// integers of 8 or 16 bits, each row with a scale of its own; those of the head have 16. Every result is rounded to the
/// nearest, halves up.
#pragma once

#include "tocsin/firmware/fixed_rows.hpp"
#include "tocsin/firmware/tanh_table.hpp"

namespace tocsin::firmware::detail {

/// One row of a gate: z = (bias + input_sum * input_factor + hidden_sum * hidden_factor) / 2^shift;
/// half of what the division cuts off is in the bias.
struct fixed_gate_row {
    int32_t bias;
    int16_t input_factor;
    int16_t hidden_factor;
};
/// One row of a dense layer: y = bias + sum * factor / 2^shift.
struct fixed_dense_row {
    int32_t bias;
    int32_t factor;
};
/// By how many bits the sums of a layer are shifted.
struct fixed_shifts {
    int input_sum;  ///< of products with inputs, to 16 bits
    int hidden_sum; ///< of products with h, to 16 bits
    int result;     ///< of what the factors make of them
};

/// What rounds a shifted sum to the nearest.
constexpr TOCSIN_FIRMWARE_INLINE int32_t half_of(int shift) noexcept {
    return shift == 0 ? 0 : int32_t{1} << (shift - 1);
}
/// value / 2^shift.
template <class Integer>
TOCSIN_FIRMWARE_INLINE Integer shifted(Integer value, int shift) noexcept {
    return shift == 0 ? value : (value + (Integer(1) << (shift - 1))) >> shift;
}
template <class Integer>
TOCSIN_FIRMWARE_INLINE Integer clamped(Integer value, Integer bound) noexcept {
    return value > bound ? bound : value < -bound ? -bound : value;
}

inline constexpr int sample_fraction = 16;
inline constexpr int input_fraction = 12;
inline constexpr int32_t largest_sample = int32_t{1} << 28;     ///< 4096
inline constexpr int32_t largest_cell = (int32_t{1} << 24) - 1; ///< just below 512

/// c within [-512, 512).
TOCSIN_FIRMWARE_INLINE int32_t within_cell(int32_t value) noexcept {
#if defined(__ARM_FEATURE_SAT) && __ARM_FEATURE_SAT
    asm("ssat %0, #25, %0" : "+r"(value) : : "cc");
    return value;
#else
    return value > largest_cell        ? largest_cell
           : value < -largest_cell - 1 ? -largest_cell - 1
                                       : value;
#endif
}

/// A float as an integer with 16 bits behind the point, at most largest_sample; from its bits,
/// because a target without floating-point unit calls a function for each operation.
/// @param value 2^16 times as large, finite
constexpr TOCSIN_FIRMWARE_INLINE int32_t to_sample(float value) noexcept {
    const uint32_t bits = bits_of(value);
    const int right = 150 - static_cast<int>((bits >> 23) & 0xFFU);
    const auto mantissa = static_cast<int32_t>((bits & 0x7FFFFFU) | 0x800000U);
    int32_t result = 0;
    if (right <= 0) {
        result = right < -4 ? largest_sample : mantissa << -right;
    } else if (right <= 24) {
        result = ((mantissa >> (right - 1)) + 1) >> 1;
    }
    result = result > largest_sample ? largest_sample : result;
    return (bits >> 31) != 0 ? -result : result;
}
/// What the network reads of a scaled sample: within 8.
constexpr TOCSIN_FIRMWARE_INLINE int16_t to_input(int32_t sample) noexcept {
    constexpr int shift = sample_fraction - input_fraction;
    const int32_t value = (sample + (1 << (shift - 1))) >> shift;
    return static_cast<int16_t>(value > 32767 ? 32767 : value < -32767 ? -32767 : value);
}

/// One cell from its pre-activations.
/// @return h'
TOCSIN_FIRMWARE_INLINE int16_t fixed_next_state(const int32_t (&z)[4], int32_t& cell) noexcept {
    const int32_t i = fixed_sigmoid<input_fraction>(z[0]);
    const int32_t f = fixed_sigmoid<input_fraction>(z[1]);
    const int32_t g = fixed_tanh<input_fraction>(z[2]);
    // f * c + i * g with 30 bits behind the point takes more than 32 bits: in two halves.
    const int32_t high = f * (cell >> 12);
    const int32_t low = f * (cell & 0xFFF) + i * g + (1 << 14);
    const int32_t next = within_cell((high + (low >> 12)) >> 3);
    cell = next;
    const int32_t o = fixed_sigmoid<input_fraction>(z[3]);
    return static_cast<int16_t>((o * fixed_tanh<15>(next) + (1 << 14)) >> 15);
}

/// Advances an LSTM layer by one step.
/// @param weights four rows of a unit, i, f, g, o: their columns of inputs, then of h
/// @param rows    of the layer, unit by unit
/// @param vector  [whole_quads(inputs) + whole_quads(hidden)], in: the inputs, filled up with zeros;
///                the rest is scratch
/// @return the weights after the layer's
template <class Weight>
TOCSIN_FIRMWARE_INLINE const Weight*
fixed_lstm_step(const Weight* weights, const fixed_gate_row* rows, const fixed_shifts& shifts,
                int16_t* vector, int inputs, int hidden, int16_t* hidden_state,
                int32_t* cell_state) noexcept {
    int16_t* const recurrent = vector + whole_quads(inputs);
    for (int k = 0; k < whole_quads(hidden); ++k) {
        recurrent[k] = k < hidden ? hidden_state[k] : int16_t{0};
    }
    for (int unit = 0; unit < hidden; ++unit, rows += 4) {
        const int32_t half_input = half_of(shifts.input_sum);
        const int32_t half_hidden = half_of(shifts.hidden_sum);
        int32_t from_input[4] = {half_input, half_input, half_input, half_input};
        weights = add_fixed_rows(weights, vector, whole_quads(inputs), from_input);
        int32_t from_hidden[4] = {half_hidden, half_hidden, half_hidden, half_hidden};
        weights = add_fixed_rows(weights, recurrent, whole_quads(hidden), from_hidden);
        int32_t z[4];
#pragma GCC unroll 4
        for (int gate = 0; gate < 4; ++gate) {
            z[gate] = (rows[gate].bias +
                       (from_input[gate] >> shifts.input_sum) * rows[gate].input_factor +
                       (from_hidden[gate] >> shifts.hidden_sum) * rows[gate].hidden_factor) >>
                      shifts.result;
        }
        hidden_state[unit] = fixed_next_state(z, cell_state[unit]);
    }
    return weights;
}

/// Sums of the rows of a dense layer: blocks of four rows, then single ones.
/// @param vector [whole_quads(inputs)]
/// @param result `[outputs]`
/// @return the weights after the layer's
template <class Weight>
TOCSIN_FIRMWARE_INLINE const Weight* fixed_row_sums(const Weight* weights, const int16_t* vector,
                                                    int inputs, int outputs,
                                                    int32_t* result) noexcept {
    const auto block_of = [&]<unsigned Count>(int32_t(&&sums)[Count], int first) {
        constexpr int block = int{Count};
        weights = add_fixed_rows(weights, vector, whole_quads(inputs), sums);
#pragma GCC unroll 4
        for (int row = 0; row < block; ++row) {
            result[first + row] = sums[row];
        }
    };
    int row = 0;
    for (; row + 4 <= outputs; row += 4) {
        block_of({0, 0, 0, 0}, row);
    }
    for (; row < outputs; ++row) {
        block_of({0}, row);
    }
    return weights;
}
/// Scales the sums of rows, in place, and adds the biases.
TOCSIN_FIRMWARE_INLINE void scale_fixed_rows(const fixed_dense_row* rows, int shift, int outputs,
                                             int32_t* result) noexcept {
    for (int row = 0; row < outputs; ++row) {
        const int64_t product = int64_t{result[row]} * rows[row].factor;
        result[row] = rows[row].bias + static_cast<int32_t>(shifted(product, shift));
    }
}

/// The square of one element of a score.
/// @param element deviations times what makes them standard deviations, shifted by `shift`
TOCSIN_FIRMWARE_INLINE uint32_t fixed_square(int64_t element, int shift, int32_t largest) noexcept {
    const auto within = static_cast<int32_t>(clamped<int64_t>(shifted(element, shift), largest));
    const auto magnitude = static_cast<uint32_t>(within < 0 ? -within : within);
    return magnitude * magnitude;
}

/// Sum of squares over variances; missing deviations are left out.
inline uint32_t fixed_diagonal_distance(const int32_t* deviations, const int32_t* factors, int size,
                                        int shift, int32_t largest) noexcept {
    uint32_t sum = 0;
    for (int k = 0; k < size; ++k) {
        if (deviations[k] != INT32_MIN) {
            sum += fixed_square(int64_t{deviations[k]} * factors[k], shift, largest);
        }
    }
    return sum;
}
/// Squared length of W times the deviations, W by the rows of its lower triangle.
inline uint32_t fixed_full_distance(const int32_t* deviations, const int32_t* whitening, int size,
                                    int shift, int32_t largest) noexcept {
    uint32_t sum = 0;
    for (int row = 0; row < size; ++row) {
        int64_t element = 0;
        for (int col = 0; col <= row; ++col) {
            element += int64_t{*whitening++} * deviations[col];
        }
        sum += fixed_square(element, shift, largest);
    }
    return sum;
}

} // namespace tocsin::firmware::detail
