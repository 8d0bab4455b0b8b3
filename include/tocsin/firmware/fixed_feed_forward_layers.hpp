/// @file fixed_feed_forward_layers.hpp
/// @brief Dense and convolutional layers in integers.
#pragma once

#include "tocsin/firmware/feed_forward_layers.hpp"
#include "tocsin/firmware/fixed_network.hpp"

namespace tocsin::firmware::detail {

/// What the sums of a layer become. Before tanh and sigmoid they have 12 bits behind the point, their
/// values 15; else as many as the calibration leaves room for, and in the last layer those of a sample.
struct fixed_layer {
    int32_t shift;   ///< of the sums times the factors of their rows
    int32_t largest; ///< what is written is kept within this: 16 bits, or a sample
    int32_t below;   ///< what values below 0 are multiplied by, 15 bits behind the point
    int32_t left;    ///< by how many bits what tanh and sigmoid write is shifted
};

/// Continues a CRC over a layer's numbers.
constexpr uint32_t add_to_crc(uint32_t crc, const fixed_layer& layer) noexcept {
    const int32_t numbers[] = {layer.shift, layer.largest, layer.below, layer.left};
    for (const int32_t number : numbers) {
        crc = add_to_crc(crc, static_cast<uint32_t>(number));
    }
    return crc;
}

/// What a layer writes.
inline int32_t fixed_activated(activation_kind activation, const fixed_layer& layer,
                               int32_t x) noexcept {
    switch (activation) {
    case activation_kind::relu:
        x = x > 0 ? x : 0;
        break;
    case activation_kind::leaky_relu:
        x = x > 0 ? x : static_cast<int32_t>(shifted(int64_t{x} * layer.below, 15));
        break;
    case activation_kind::sigmoid:
        x = fixed_sigmoid<input_fraction>(x) << layer.left;
        break;
    case activation_kind::tanh:
        x = fixed_tanh<input_fraction>(x) * (1 << layer.left);
        break;
    case activation_kind::identity:
        break;
    }
    return clamped(x, layer.largest);
}

/// The sums and activations of layers in integers, one layer after the other; for run_layers(). The
/// last one has weights of 16 bits.
template <class Weight>
struct fixed_layer_sums {
    const Weight* weights; ///< of this layer and those after it, as fixed_row_sums() reads them
    const fixed_dense_row* rows; ///< the same
    const fixed_layer* numbers;  ///< the same
    const int16_t* head;         ///< weights of the last layer
    int before_last;             ///< layers before that one

    /// A step of a layer.
    /// @param taps `[whole_quads(inputs * kernel)]`; what it does not read of them is set to 0
    /// @return the weights of the layers after this one
    TOCSIN_FIRMWARE_INLINE const Weight* operator()(const feed_forward_layer& layer, int16_t* taps,
                                                    int32_t* to) const noexcept {
        const int columns = layer.kernel * layer.inputs;
        for (int k = columns; k < whole_quads(columns); ++k) {
            taps[k] = 0;
        }
        const Weight* after = weights;
        if constexpr (__is_same(Weight, int16_t)) {
            after =
                fixed_row_sums(before_last > 0 ? weights : head, taps, columns, layer.outputs, to);
        } else if (before_last > 0) {
            after = fixed_row_sums(weights, taps, columns, layer.outputs, to);
        } else {
            fixed_row_sums(head, taps, columns, layer.outputs, to);
        }
        scale_fixed_rows(rows, numbers->shift, layer.outputs, to);
        for (int row = 0; row < layer.outputs; ++row) {
            to[row] = fixed_activated(layer.activation, *numbers, to[row]);
        }
        return after;
    }
    /// Goes to the next layer.
    TOCSIN_FIRMWARE_INLINE void next(const feed_forward_layer& layer,
                                     const Weight* after) noexcept {
        weights = after;
        rows += layer.outputs;
        ++numbers;
        --before_last;
    }
};

} // namespace tocsin::firmware::detail
