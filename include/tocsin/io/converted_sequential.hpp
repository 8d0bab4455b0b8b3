/// @file converted_sequential.hpp
/// @brief Sequential models from and to tocsin-convert: convolutions, both directions of an LSTM.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/converted_replay.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/sequential.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// Appends what an activation computes; nothing for the identity.
template <class Activation>
void describe_activation(converted_layers& layers, const Activation& activation) {
    if constexpr (!std::is_same_v<Activation, identity_activation>) {
        layers.push_back({Activation::name});
        if constexpr (requires { Activation::divisor; }) {
            layers.back().numbers["divisor"] = Activation::divisor;
        }
        if constexpr (requires { activation.below; }) {
            layers.back().numbers["below"] = activation.below;
        }
    }
}

/// Appends a layer that has no numbers: pooling, softmax, and those that the library does not know,
/// which agree with no file.
template <class Layer>
void describe_layer(converted_layers& layers, const Layer& /*layer*/) {
    layers.push_back({Layer::kind});
}
template <class Scalar>
void describe_layer(converted_layers& /*layers*/, const dropout_layer<Scalar>& /*layer*/) {}
template <class Scalar>
void describe_layer(converted_layers& layers, const repeat<Scalar>& layer) {
    layers.push_back({layer.kind, {{"times", layer.times()}}});
}
template <class Scalar, class Activation>
void describe_layer(converted_layers& layers, const activation_layer<Scalar, Activation>& layer) {
    describe_activation(layers, layer.activation());
}
/// Layers with weights that a layer is in a file: those of a stack are layers of their own.
template <class Layer>
std::size_t named_layers(const Layer& layer) noexcept {
    if constexpr (requires { layer.layers(); }) {
        return static_cast<std::size_t>(layer.layers());
    } else {
        return 1;
    }
}
template <class Layer>
std::size_t named_layers(const penalised<Layer>& layer) noexcept {
    return named_layers(layer.layer());
}
/// An LSTM of one or both directions.
template <class Precision, class Layer>
void describe_recurrent(converted_layers& layers, const Layer& layer) {
    layers.push_back(
        {Layer::kind, {{"inputs", layer.input_size()}, {"hidden", layer.hidden_size()}}});
    if constexpr (requires { Precision::arithmetic::divisor; }) {
        layers.back().numbers["divisor"] = Precision::arithmetic::divisor;
    }
}
template <class Scalar, int Inputs, int Hidden, class Precision>
void describe_layer(converted_layers& layers,
                    const lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    describe_recurrent<Precision>(layers, layer);
}
template <class Scalar, class Precision, int... Sizes>
void describe_layer(converted_layers& layers,
                    const basic_lstm_stack<Scalar, Precision, Sizes...>& stack) {
    for (int k = 0, inputs = stack.input_size(); k < stack.layers(); ++k) {
        describe_recurrent<Precision>(
            layers, lstm<Scalar, dynamic, dynamic, Precision>(inputs, stack.hidden_size(k)));
        inputs = stack.hidden_size(k);
    }
}
template <class Scalar, int Inputs, int Hidden, class Precision>
void describe_layer(converted_layers& layers,
                    const bidirectional_lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    describe_recurrent<Precision>(layers, layer);
}
template <class Scalar, int Inputs, int Outputs>
void describe_layer(converted_layers& layers, const conv1d<Scalar, Inputs, Outputs>& layer) {
    layers.push_back({layer.kind,
                      {{"inputs", layer.input_size()},
                       {"outputs", layer.output_size()},
                       {"kernel", layer.form().kernel},
                       {"dilation", layer.form().dilation},
                       {"before", layer.steps_before()},
                       {"after", layer.steps_after()}}});
}
template <class Scalar, int Channels>
void describe_layer(converted_layers& layers, const batch_norm<Scalar, Channels>& layer) {
    layers.push_back(
        {layer.kind, {{"channels", layer.input_size()}, {"epsilon", layer.settings().epsilon}}});
}
template <class Scalar, class Activation, int Inputs, int Outputs>
void describe_layer(converted_layers& layers,
                    const dense<Scalar, Activation, Inputs, Outputs>& layer) {
    layers.push_back(
        {layer.kind, {{"inputs", layer.input_size()}, {"outputs", layer.output_size()}}});
    describe_activation(layers, Activation{});
}
template <class Layer>
void describe_layer(converted_layers& layers, const penalised<Layer>& layer) {
    describe_layer(layers, layer.layer());
}

/// A model as files describe it.
struct described_network {
    converted_layers layers;
    std::vector<std::string> modules; ///< the positions of layers with weights, which name tensors
    status outcome;                   ///< refuses weights that have no names
};

template <class... Layers>
described_network describe_network(const sequential<Layers...>& model) {
    described_network network;
    network.outcome = model.check();
    const auto add = [&]<class Layer>(const Layer& layer) {
        const std::size_t position = network.layers.size();
        describe_layer(network.layers, layer);
        if constexpr (layer_in_pytorch<Layer>) {
            for (std::size_t k = 0; k < named_layers(layer); ++k) {
                network.modules.push_back(std::to_string(position + k));
            }
        } else if (layer.parameter_count() + statistics_of(layer) > 0 && network.outcome.ok()) {
            network.outcome = status::error(error_code::invalid_argument, "layer ", position, " (",
                                            network.layers[position].kind,
                                            ") has weights that a file has no names for");
        }
    };
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        (add(model.template layer<K>()), ...);
    }(std::index_sequence_for<Layers...>{});
    return network;
}

/// Names the first layer in which a file and a model differ.
inline status compare_layers(const converted_layers& file, const converted_layers& model) {
    const auto text = [](const converted_layers& layers, std::size_t k) {
        return k < layers.size() ? layers[k].text() : std::string("not there");
    };
    for (std::size_t k = 0; k < std::max(file.size(), model.size()); ++k) {
        if (k >= file.size() || k >= model.size() || !(file[k] == model[k])) {
            return status::error(error_code::format_error, "layer ", k, " is ", text(file, k),
                                 " in the file and ", text(model, k), " in the model");
        }
    }
    return {};
}

} // namespace detail

/// Loads a `.safetensors` file that tocsin-convert made of a Keras or ONNX model
/// (examples/convert) into a sequential model, such as those of models/classifiers.hpp, then runs
/// the random input that the file holds and compares with what the original computed. The layers
/// must be those of the file, one by one, with their sizes, zeros, epsilon and activations; dropout
/// is not among them.
/// @param parameters `model.parameter_count()` scalars in the model's layout
/// @return `io_error`; `invalid_argument` for a wrong number of parameters, a layer whose weights
///         have no names, or a tolerance that is negative or NaN; `format_error` with the file's name
///         and the first layer that differs, a tensor that does not fit (see load_pytorch) or an output
///         that differs. A failure leaves the parameters as they were. Allocates.
template <class... Layers>
status load_converted(const std::filesystem::path& path, const sequential<Layers...>& model,
                      std::span<typename sequential<Layers...>::scalar_type> parameters,
                      const converted_options& options = {}) {
    return detail::memory_as_status(detail::name_without_memory(path), [&]() -> status {
        const auto network = detail::describe_network(model);
        if (!network.outcome.ok()) {
            return network.outcome;
        }
        const auto load = [&](const safetensors_reader& file,
                              const detail::converted_layers& layers) {
            if (auto same = detail::compare_layers(layers, network.layers); !same.ok()) {
                return same;
            }
            if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
                return detail::wrong_pytorch_count("load_converted", parameters.size(),
                                                   model.parameter_count());
            }
            std::vector<std::string> problems;
            const auto tensors = detail::tensors_of_layers(model, network.modules, problems);
            const auto loaded = detail::load_and_replay(file, model, tensors, std::move(problems),
                                                        options.tolerance);
            if (!loaded) {
                return loaded.error();
            }
            std::copy(loaded->begin(), loaded->end(), parameters.begin());
            return status{};
        };
        return detail::load_converted_file(path, options, load);
    });
}

/// Writes a sequential model with its layers, and with a random input and what it makes of it: the
/// inverse of load_converted(), and what tocsin-convert turns into ONNX.
/// @param parameters `model.parameter_count()` scalars, statistics included
/// @return `invalid_argument` for a wrong number of parameters, one that is not finite, a negative
///         variance, a layer whose weights have no names, a model for which no series is long
///         enough, or outputs that are not finite; `io_error`. The file is written completely or
///         not at all. Allocates.
template <class... Layers>
status save_converted(const std::filesystem::path& path, const sequential<Layers...>& model,
                      std::span<const typename sequential<Layers...>::scalar_type> parameters) {
    const auto network = detail::describe_network(model);
    if (!network.outcome.ok()) {
        return network.outcome;
    }
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("save_converted", parameters.size(),
                                           model.parameter_count());
    }
    const auto refuse = [](const status& why) {
        return status::error(why.code(), "save_converted: ", why.message());
    };
    std::vector<std::string> problems;
    safetensors_writer file;
    status outcome = detail::add_pytorch_tensors(
        file, detail::tensors_of_layers(model, network.modules, problems), parameters);
    if (!outcome.ok()) {
        return refuse(outcome);
    }
    const auto input = detail::random_probe(model);
    if (!input) {
        return refuse(input.error());
    }
    const auto computed = detail::run_probe(model, parameters, *input);
    if (!std::all_of(computed.begin(), computed.end(),
                     [](auto value) { return std::isfinite(value); })) {
        return status::error(error_code::invalid_argument,
                             "save_converted: the output of the "
                             "model for random samples is not finite");
    }
    const std::vector<double> outputs(computed.begin(), computed.end());
    const index_t output_steps = model.output_time(static_cast<int>(input->steps));
    const auto next = [&](const auto& step) {
        if (outcome.ok()) {
            outcome = step();
        }
    };
    next([&] {
        return file.add_tensor(detail::probe_input, std::span<const double>(input->values),
                               std::vector<index_t>{input->steps, input->size});
    });
    next([&] {
        return file.add_tensor(detail::probe_output, std::span<const double>(outputs),
                               std::vector<index_t>{output_steps, model.output_size()});
    });
    next([&] { return file.add_metadata(detail::converted_format_key, detail::converted_format); });
    next([&] {
        return file.add_metadata(detail::architecture_key,
                                 detail::architecture_text(model.features(), network.layers));
    });
    next([&] { return file.write(path); });
    return outcome;
}

} // namespace tocsin
