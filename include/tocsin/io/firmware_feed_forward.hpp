/// @file firmware_feed_forward.hpp
/// @brief Dense and convolutional layers of a model in the form that firmware is generated from.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/io/firmware_model.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// What a target has for an activation of math/activations.hpp.
template <class Activation>
status take_activation(const Activation& activation, firmware::feed_forward_layer& to) {
    using firmware::activation_kind;
    constexpr std::pair<std::string_view, activation_kind> known[] = {
        {"identity", activation_kind::identity},
        {"relu", activation_kind::relu},
        {"leaky_relu", activation_kind::leaky_relu},
        {"sigmoid", activation_kind::sigmoid},
        {"tanh", activation_kind::tanh}};
    for (const auto& [name, kind] : known) {
        if (name == Activation::name) {
            to.activation = kind;
            if constexpr (requires { activation.below; }) {
                to.below = static_cast<float>(activation.below);
            }
            return {};
        }
    }
    return refuse("activation '", Activation::name,
                  "' is not supported; relu, leaky_relu, sigmoid and tanh are");
}

/// Takes a layer of a sequential, or changes the one before.
/// @param parameters of the layer
template <class Layer, class Scalar>
status take_layer(const Layer& layer, std::span<const Scalar> parameters, firmware_model& to) {
    constexpr std::string_view kind = Layer::kind;
    const auto add = [&](const firmware::feed_forward_layer& shape) {
        to.network.push_back({shape,
                              {shape.outputs, shape.inputs * shape.kernel,
                               std::vector<double>(parameters.begin(), parameters.end())}});
    };
    if constexpr (kind == "dense") {
        firmware::feed_forward_layer shape{layer.input_size(), layer.output_size()};
        const status known = take_activation(typename Layer::activation_type{}, shape);
        add(shape);
        return known;
    } else if constexpr (kind == "conv1d") {
        add({layer.input_size(), layer.output_size(), layer.form().kernel, layer.form().dilation,
             layer.steps_before()});
        return {};
    } else if constexpr (requires { layer.activation(); }) {
        if (to.network.empty() ||
            to.network.back().shape.activation != firmware::activation_kind::identity) {
            return refuse("layer '", kind,
                          "' is supported after a dense or convolutional layer without activation");
        }
        return take_activation(layer.activation(), to.network.back().shape);
    } else if constexpr (kind == "dropout") {
        return {}; // changes nothing in inference
    } else {
        return refuse("layer '", kind,
                      "' is not supported; dense, conv1d, activations and dropout are");
    }
}

/// Takes a `sequential` of layers without statistics, which reconstructs a window; other networks are
/// refused.
template <class Network, class Scalar>
status take_sequential(const Network& network, std::span<const Scalar> parameters,
                       firmware_model& to) {
    to.features = network.input_size();
    to.targets = network.output_size();
    status outcome;
    std::size_t first = 0;
    const auto take = [&](const auto& layer) {
        const auto count = static_cast<std::size_t>(layer.parameter_count());
        outcome = outcome.ok() ? take_layer(layer, parameters.subspan(first, count), to) : outcome;
        first += count;
    };
    if constexpr (std::string_view(Network::kind) == "sequential") {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (take(network.template layer<K>()), ...);
        }(std::make_index_sequence<static_cast<std::size_t>(Network::layers())>{});
        return outcome;
    } else {
        return refuse("network '", Network::kind, "' is not supported; sequential is");
    }
}

/// Takes a feed_forward or a linear_forecaster, whose first layer reads the samples before the one
/// that it forecasts.
/// @param look_back  samples that a forecast uses
/// @param first_step of a window that is forecast; samples before the window are zeros
template <class Model, class Scalar>
status take_feed_forward(const Model& model, int look_back, int first_step,
                         std::span<const Scalar> parameters, firmware_model& to) {
    to.features = model.features();
    to.targets = model.targets();
    to.first_step = first_step;
    model.for_each_parameter_block([&](const auto& /*name*/, index_t offset, index_t rows,
                                       index_t columns) {
        const auto block = parameters.subspan(static_cast<std::size_t>(offset),
                                              static_cast<std::size_t>(rows * columns));
        firmware::feed_forward_layer shape{static_cast<int>(columns) - 1, static_cast<int>(rows)};
        shape.activation = firmware::activation_kind::relu;
        if (to.network.empty()) {
            shape.inputs = model.features();
            shape.kernel = shape.before = look_back;
        }
        to.network.push_back({shape,
                              {shape.outputs, static_cast<int>(columns) - 1,
                               std::vector<double>(block.begin(), block.end())}});
    });
    to.network.back().shape.activation = firmware::activation_kind::identity;
    return {};
}

} // namespace tocsin::detail
