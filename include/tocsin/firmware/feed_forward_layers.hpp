/// @file feed_forward_layers.hpp
/// @brief Dense and convolutional layers over a window of samples.
#pragma once

#include "tocsin/firmware/activations.hpp"
#include "tocsin/firmware/float_network.hpp"

namespace tocsin::firmware {

/// What follows the sums of a layer; see math/activations.hpp.
enum class activation_kind : uint8_t {
    identity,   ///< x
    relu,       ///< max(x, 0)
    leaky_relu, ///< x above 0, `below` * x elsewhere
    sigmoid,    ///< 1 / (1 + exp(-x))
    tanh        ///< hyperbolic tangent
};

/// A layer whose outputs at a step are sums over some steps of its inputs: dense where that is the
/// step itself, a convolution over time otherwise. Steps outside the window count as zeros.
struct feed_forward_layer {
    int inputs = 0;                                         ///< values of a step that it reads
    int outputs = 0;                                        ///< values of a step that it writes
    int kernel = 1;                                         ///< steps that an output reads
    int dilation = 1;                                       ///< from one of them to the next
    int before = 0;                                         ///< from the first to the output
    activation_kind activation = activation_kind::identity; ///< of the sums
    float below = 0;                                        ///< of leaky_relu
};

namespace detail {

/// Continues a CRC over a layer.
constexpr uint32_t add_to_crc(uint32_t crc, const feed_forward_layer& layer) noexcept {
    const int numbers[] = {layer.inputs,   layer.outputs, layer.kernel,
                           layer.dilation, layer.before,  static_cast<int>(layer.activation)};
    for (const int number : numbers) {
        crc = add_to_crc(crc, static_cast<uint32_t>(number));
    }
    return add_to_crc(crc, bits_of(layer.below));
}

/// An activation's value.
inline float activated(const feed_forward_layer& layer, float x) noexcept {
    switch (layer.activation) {
    case activation_kind::relu:
        return x > 0 ? x : 0;
    case activation_kind::leaky_relu:
        return x > 0 ? x : separate_arithmetic::multiply(layer.below, x);
    case activation_kind::sigmoid: {
        const quotient y = sigmoid_of<separate_arithmetic>(x);
        return y.numerator / y.denominator;
    }
    case activation_kind::tanh: {
        const quotient y = tanh_of<separate_arithmetic>(x);
        return y.numerator / y.denominator;
    }
    case activation_kind::identity:
        break;
    }
    return x;
}

/// The first step that the layers from `layer` on read where only the newest of `steps` is wanted;
/// for the number of layers, that step.
constexpr int first_step_read(const feed_forward_layer* layers, int count, int layer,
                              int steps) noexcept {
    int first = steps - 1;
    for (int k = count - 1; k >= layer; --k) {
        first = first > layers[k].before ? first - layers[k].before : 0;
    }
    return first;
}

/// The sums and activations of layers in float, one layer after the other; for run_layers().
template <class Arithmetic>
struct float_layer_sums {
    const float* weights; ///< of this layer and those after it, as dense_linear() reads them

    /// A step of a layer.
    /// @param taps `[inputs * kernel]`
    /// @return the weights of the layers after this one
    TOCSIN_FIRMWARE_INLINE const float* operator()(const feed_forward_layer& layer,
                                                   const float* taps, float* to) const noexcept {
        const float* const after =
            dense_linear<Arithmetic>(weights, taps, layer.kernel * layer.inputs, layer.outputs, to);
        for (int i = 0; i < layer.outputs; ++i) {
            to[i] = activated(layer, to[i]);
        }
        return after;
    }
    /// Goes to the next layer.
    TOCSIN_FIRMWARE_INLINE void next(const feed_forward_layer& /*layer*/,
                                     const float* after) noexcept {
        weights = after;
    }
};

/// Runs layers over the last steps of a window. Not inlined: all layers share the code.
/// @param sums    of the first layer, such as float_layer_sums; columns of weights by tap, then by
///                input
/// @param newest  whether the last step alone is wanted; otherwise all are
/// @param even    `[inputs x steps]` from the first step that is read; scratch for outputs of the
///                second layer, the fourth and so on
/// @param odd     scratch for those of the first, the third and so on
/// @param taps    `[inputs * kernel]` of the largest layer, scratch
/// @return the outputs of the last layer, from the first step wanted
template <class Sums, class Value, class Tap>
[[gnu::noinline]] const Value* run_layers(const feed_forward_layer* layers, int count, Sums sums,
                                          int steps, bool newest, Value* even, Value* odd,
                                          Tap* taps) noexcept {
    const auto first_of = [&](int layer) {
        return newest ? first_step_read(layers, count, layer, steps) : 0;
    };
    Value* inputs = even;
    Value* outputs = odd;
    for (int k = 0; k < count; ++k) {
        const feed_forward_layer& layer = layers[k];
        const int first_input = first_of(k);
        const int first_output = first_of(k + 1);
        auto after = sums.weights;
        for (int t = first_output; t < steps; ++t) {
            Tap* tap = taps;
            for (int j = 0; j < layer.kernel; ++j) {
                const int step = t - layer.before + j * layer.dilation;
                const bool inside = step >= 0 && step < steps;
                const int at = (inside ? step - first_input : 0) * layer.inputs;
                const Value* const from = inputs + at;
                for (int i = 0; i < layer.inputs; ++i) {
                    *tap++ = static_cast<Tap>(inside ? from[i] : 0);
                }
            }
            const int begin = (t - first_output) * layer.outputs;
            after = sums(layer, taps, outputs + begin);
        }
        sums.next(layer, after);
        Value* const read = inputs;
        inputs = outputs;
        outputs = read;
    }
    return inputs;
}

/// Sizes of the scratch memory of run_layers().
/// @tparam Layers array of them
/// @tparam Newest whether the last step alone is wanted
template <const auto& Layers, int Steps, bool Newest>
struct feed_forward_sizes {
    static constexpr int count = static_cast<int>(sizeof(Layers) / sizeof(Layers[0]));
    static constexpr int first(int layer) noexcept {
        return Newest ? first_step_read(Layers, count, layer, Steps) : 0;
    }
    /// Floats of the largest inputs and outputs.
    static constexpr int longest = [] {
        int longest = 0;
        for (int k = 0; k < count; ++k) {
            const int read = Layers[k].inputs * (Steps - first(k));
            const int written = Layers[k].outputs * (Steps - first(k + 1));
            longest = read > longest ? read : longest;
            longest = written > longest ? written : longest;
        }
        return longest;
    }();
    static constexpr int taps = [] {
        int most = 0;
        for (int k = 0; k < count; ++k) {
            const int read = Layers[k].inputs * Layers[k].kernel;
            most = read > most ? read : most;
        }
        return most;
    }();
    static constexpr int weights = [] {
        int sum = 0;
        for (int k = 0; k < count; ++k) {
            sum += dense_weights(Layers[k].inputs * Layers[k].kernel, Layers[k].outputs);
        }
        return sum;
    }();
};

} // namespace detail
} // namespace tocsin::firmware
