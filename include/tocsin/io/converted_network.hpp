/// @file converted_network.hpp
/// @brief A network from a file of tocsin-convert, whose layers the file names.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/converted_replay.hpp"
#include "tocsin/io/converted_sequential.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/dynamic_sequential.hpp"

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {

/// A network and its weights, as load_converted_network() gives them.
template <std::floating_point Scalar>
struct converted_network {
    /// The layers of the file in order.
    dynamic_sequential<Scalar> network;
    /// `network.parameter_count()` scalars, running statistics included.
    aligned_vector<Scalar> parameters;
    /// The layers as text, such as `lstm (hidden 5, inputs 3)`.
    std::vector<std::string> layers;
};

namespace detail {

/// Most weights of a network in a file.
inline constexpr index_t most_weights = index_t{1} << 29;

template <class Scalar>
conv1d<Scalar> convolution_of(layer_numbers& numbers) {
    constexpr int longest = 1 << 20;
    const int inputs = numbers.size("inputs");
    const int outputs = numbers.size("outputs");
    typename conv1d<Scalar>::shape form;
    form.kernel = numbers.whole("kernel", 1, 1 << 15);
    form.dilation = numbers.whole("dilation", 1, longest);
    const auto reach = checked_size(form.kernel - 1) * form.dilation;
    const auto terms = checked_size(form.kernel) * inputs;
    if (!reach.is_at_most(longest) || !terms.is_at_most(longest) ||
        !((terms + 1) * outputs).is_at_most(most_weights)) {
        numbers.refuse("is too large: at most ", longest, " steps of reach, ", longest,
                       " inputs times kernel and ", most_weights, " weights are possible");
        return {};
    }
    const int before = numbers.whole("before", 0, longest);
    const int after = numbers.whole("after", 0, longest);
    const auto same = [&](padding kind) {
        form.padding = kind;
        const conv1d<Scalar> layer(inputs, outputs, form);
        return layer.steps_before() == before && layer.steps_after() == after;
    };
    if (!same(padding::valid) && !same(padding::same) && !same(padding::causal)) {
        numbers.refuse("has zeros that are neither those of valid, same nor causal padding");
    }
    return {inputs, outputs, form};
}

/// Calls `visit(layer)` with the layer that a file describes.
/// @param inputs values of a step that it reads
/// @return `format_error` for a layer or a number that is unknown; `visit` was not called then
template <class Scalar, class Visit>
status with_layer(const converted_layer& described, int inputs, Visit&& visit) {
    layer_numbers numbers(described);
    const std::string& kind = described.kind;
    const auto give = [&](const auto& layer) {
        if (numbers.outcome().ok()) {
            if (const status usable = layer.check(); !usable.ok()) {
                numbers.refuse(usable.message());
            }
        }
        converted_layers seen; // another number would change what the layer computes
        describe_layer(seen, layer);
        if (numbers.outcome().ok() && seen != converted_layers{described}) {
            numbers.refuse("is read as ", seen.front().text());
        }
        if (numbers.outcome().ok()) {
            visit(layer);
        }
        return numbers.outcome();
    };
    const auto recurrent = [&]<template <class, int, int, class> class Layer>() {
        const int size = numbers.size("inputs");
        const int hidden = numbers.size("hidden");
        // Where positions have 32 bits, a product of two sizes may overflow.
        if (!(checked_size(8) * hidden * (size + hidden + 1)).is_at_most(most_weights)) {
            numbers.refuse("is too large: at most ", most_weights, " weights are possible");
            return numbers.outcome();
        }
        if (!numbers.has("divisor")) {
            return give(Layer<Scalar, dynamic, dynamic, standard_precision>(size, hidden));
        }
        return numbers.divisor() == 5
                   ? give(Layer<Scalar, dynamic, dynamic, hard_sigmoid_precision<5>>(size, hidden))
                   : give(Layer<Scalar, dynamic, dynamic, hard_sigmoid_precision<6>>(size, hidden));
    };
    const auto activation = [&](const auto& each) {
        return give(activation_layer<Scalar, std::remove_cvref_t<decltype(each)>>(inputs, each));
    };
    if (kind == "lstm") {
        return recurrent.template operator()<lstm>();
    }
    if (kind == "bidirectional_lstm") {
        return recurrent.template operator()<bidirectional_lstm>();
    }
    if (kind == "conv1d") {
        return give(convolution_of<Scalar>(numbers));
    }
    if (kind == "batch_norm") {
        auto settings = batch_norm_settings::pytorch();
        settings.epsilon = numbers.real("epsilon");
        return give(batch_norm<Scalar>(numbers.size("channels"), settings));
    }
    if (kind == "dense") {
        const int size = numbers.size("inputs");
        const int outputs = numbers.size("outputs");
        if (!((checked_size(size) + 1) * outputs).is_at_most(most_weights)) {
            numbers.refuse("is too large: at most ", most_weights, " weights are possible");
        }
        return give(dense<Scalar>(size, outputs));
    }
    if (kind == "relu") {
        return activation(relu_activation{});
    }
    if (kind == "sigmoid") {
        return activation(sigmoid_activation{});
    }
    if (kind == "tanh") {
        return activation(tanh_activation{});
    }
    if (kind == "leaky_relu") {
        return activation(leaky_relu_activation{numbers.real("below")});
    }
    if (kind == "hard_sigmoid") {
        return numbers.divisor() == 5 ? activation(hard_sigmoid_activation<5>{})
                                      : activation(hard_sigmoid_activation<6>{});
    }
    if (kind == "softmax") {
        return give(softmax_layer<Scalar>(inputs));
    }
    if (kind == "global_average_pooling") {
        return give(global_average_pooling<Scalar>(inputs));
    }
    if (kind == "global_max_pooling") {
        return give(global_max_pooling<Scalar>(inputs));
    }
    if (kind == "last_step") {
        return give(pooling<Scalar, last_step>(inputs));
    }
    if (kind == "last_step_of_both_directions") {
        if (inputs % 2 != 0) {
            numbers.refuse("reads ", inputs, " values, an odd number cannot be two halves");
        }
        return give(pooling<Scalar, last_step_of_both_directions>(inputs));
    }
    if (kind == "repeat") {
        return give(
            repeat<Scalar>(inputs, numbers.whole("times", 1, repeat<Scalar>::maximum_times)));
    }
    numbers.refuse("is not a layer of tocsin");
    return numbers.outcome();
}

/// Calls `visit(layer, position)` for each layer of a file.
template <class Scalar, class Visit>
status for_each_layer(const converted_layers& layers, int features, Visit&& visit) {
    int inputs = features;
    for (std::size_t k = 0; k < layers.size(); ++k) {
        const status given = with_layer<Scalar>(layers[k], inputs, [&](const auto& layer) {
            inputs = layer.output_size();
            visit(layer, k);
        });
        if (!given.ok()) {
            return status::error(given.code(), "layer ", k, ", ", given.message());
        }
    }
    return {};
}

/// Refuses more weights than any network of use.
template <class Scalar>
status check_weight_count(const dynamic_sequential<Scalar>& network) {
    checked_size weights = 0;
    for (const any_layer<Scalar>& layer : network.layers()) {
        weights = weights + layer.parameter_count() + layer.statistics_count();
    }
    return weights.is_at_most(most_weights)
               ? status{}
               : status::error(error_code::format_error, "the layers have more than ", most_weights,
                               " weights");
}

} // namespace detail

/// Loads a `.safetensors` file that tocsin-convert made of a Keras or ONNX model, or save_converted()
/// of a `sequential`, with the layers that the file names, then runs the random input that the file
/// holds and compares with what the original computed. Where the layers are known at compile time,
/// load_converted() checks the file against them instead.
/// @return `io_error`; `format_error` with the file's name and the layer or number that is unknown,
///         sizes that do not fit each other or the tensors, an output that differs;
///         `invalid_argument` for a tolerance that is negative or NaN. Allocates.
template <std::floating_point Scalar = float>
result<converted_network<Scalar>> load_converted_network(const std::filesystem::path& path,
                                                         const converted_options& options = {}) {
    converted_network<Scalar> made;
    const auto load = [&](const safetensors_reader& file, const detail::converted_layers& layers) {
        const tensor_entry* const probe = file.find(detail::probe_input);
        if (probe == nullptr || probe->shape.size() != 2 || probe->shape[1] < 1 ||
            probe->shape[1] > maximum_layer_size) {
            return status::error(error_code::format_error, '\'', detail::probe_input,
                                 "' is missing or is not a series of samples");
        }
        const int features = static_cast<int>(probe->shape[1]);
        std::vector<any_layer<Scalar>> held;
        if (auto known = detail::for_each_layer<Scalar>(
                layers, features,
                [&](const auto& layer, std::size_t) { held.emplace_back(layer); });
            !known.ok()) {
            return known;
        }
        made.network = dynamic_sequential<Scalar>(std::move(held));
        if (auto usable = made.network.check(); !usable.ok()) {
            return status::error(error_code::format_error, usable.message());
        }
        if (made.network.features() != features) {
            return status::error(error_code::format_error, "the first layer reads ",
                                 made.network.features(), " values, the samples of the probe have ",
                                 features);
        }
        if (auto small = detail::check_weight_count(made.network); !small.ok()) {
            return small;
        }
        detail::pytorch_tensors tensors;
        std::vector<std::string> problems;
        detail::layer_place at{0, made.network.trained_count()};
        auto named = detail::for_each_layer<Scalar>(
            layers, features, [&]<class Layer>(const Layer& layer, std::size_t position) {
                if constexpr (detail::layer_in_pytorch<Layer>) {
                    const std::vector<std::string> module{std::to_string(position)};
                    detail::pytorch_names names(module, problems);
                    detail::add_pytorch_layer(tensors, names, at, layer);
                }
                at.parameters += layer.parameter_count();
                at.statistics += detail::statistics_of(layer);
            });
        if (!named.ok()) {
            return named;
        }
        auto loaded = detail::load_and_replay(file, made.network, tensors, std::move(problems),
                                              options.tolerance);
        if (!loaded) {
            return loaded.error();
        }
        made.parameters = std::move(*loaded);
        for (const detail::converted_layer& layer : layers) {
            made.layers.push_back(layer.text());
        }
        return status{};
    };
    if (auto outcome = detail::load_converted_file(path, options, load); !outcome.ok()) {
        return outcome;
    }
    return made;
}

} // namespace tocsin
