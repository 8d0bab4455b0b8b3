/// @file model_sizes.hpp
/// @brief Sizes that follow from a generated model.
///
/// A model is a type with static constexpr members only, which io/firmware_export.hpp writes. Arrays that a
/// program does not use take no flash.
#pragma once

#include "tocsin/firmware/float_network.hpp"

namespace tocsin::firmware::detail {

template <class T>
struct without_const {
    using type = T;
};
template <class T>
struct without_const<const T> {
    using type = T;
};
template <class T>
struct without_const<const T&> {
    using type = T;
};

template <class T, unsigned Count>
constexpr int count_of(const T (& /*array*/)[Count]) noexcept {
    return int{Count};
}

/// Sizes of a stack of LSTM layers.
/// @tparam Hidden array of the hidden units of each layer
template <int Inputs, const auto& Hidden>
struct lstm_sizes {
    static constexpr int layers = count_of(Hidden);

    static constexpr int lstm_inputs(int layer) noexcept {
        return layer == 0 ? Inputs : Hidden[layer - 1];
    }
    static constexpr int sum_of_units(int count) noexcept {
        int sum = 0;
        for (int k = 0; k < count; ++k) {
            sum += Hidden[k];
        }
        return sum;
    }
    /// Hidden units of all layers, and where the last layer's begin.
    static constexpr int units = sum_of_units(layers);
    static constexpr int top_begins_at = sum_of_units(layers - 1);
    static constexpr int top = Hidden[layers - 1];
    /// Inputs and hidden units of the largest layer.
    static constexpr int longest_vector = [] {
        int longest = 0;
        for (int k = 0; k < layers; ++k) {
            const int length = lstm_inputs(k) + Hidden[k];
            longest = length > longest ? length : longest;
        }
        return longest;
    }();
    /// Weights of the first layers, in float.
    static constexpr int weights_of(int count) noexcept {
        int sum = 0;
        for (int k = 0; k < count; ++k) {
            sum += lstm_weights(lstm_inputs(k), Hidden[k]);
        }
        return sum;
    }
    static constexpr int weights = weights_of(layers);
};

/// The layers that forecast, or decode.
template <class Model>
struct model_sizes : lstm_sizes<Model::features, Model::hidden> {
    using lstm = lstm_sizes<Model::features, Model::hidden>;

    static constexpr int head_layers = count_of(Model::head);
    static constexpr int outputs = Model::head[head_layers - 1];
    static_assert(outputs == Model::targets * Model::look_ahead,
                  "tocsin: the head has another number of outputs than there are forecasts");

    static constexpr int head_inputs(int layer) noexcept {
        return layer == 0 ? lstm::top : Model::head[layer - 1];
    }
    static constexpr int head_begins_at = lstm::weights;
    static constexpr int all_weights = [] {
        int sum = head_begins_at;
        for (int k = 0; k < head_layers; ++k) {
            sum += dense_weights(head_inputs(k), Model::head[k]);
        }
        return sum;
    }();
};

} // namespace tocsin::firmware::detail
