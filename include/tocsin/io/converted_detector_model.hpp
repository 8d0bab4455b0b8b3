/// @file converted_detector_model.hpp
/// @brief A model for a detector from a file of tocsin-convert, which gives its sizes.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/converted_model.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/layers/sizes.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/forecaster.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin {

/// A model and its weights, as load_converted_detector_model() gives them.
template <std::floating_point Scalar>
struct converted_detector_model {
    std::variant<forecaster<Scalar>, autoencoder<Scalar>> model; ///< of the sizes in the file
    aligned_vector<Scalar> parameters;                           ///< in the model's layout
    /// Samples of the windows that an autoencoder was made for; 0 for a forecaster.
    int window = 0;
    /// The layers of the file as text, such as `lstm (hidden 5, inputs 3)`.
    std::vector<std::string> layers;
};

namespace detail {

/// Sizes of the layers of a forecaster or an autoencoder, each list with its inputs first.
struct recurrent_sizes {
    std::vector<int> encoder; ///< or the stack of a forecaster
    std::vector<int> decoder; ///< none: a forecaster
    std::vector<int> head;
    int repeats = 0;
};

/// @param layers that recurrent_modules() has found to be those of such a model
inline result<recurrent_sizes> sizes_of_recurrent(const converted_layers& layers) {
    recurrent_sizes sizes;
    for (std::size_t k = 0; k < layers.size(); ++k) {
        layer_numbers numbers(layers[k]);
        const auto add = [&](std::vector<int>& list, const char* outputs) {
            if (list.empty()) {
                list.push_back(numbers.size("inputs"));
            }
            list.push_back(numbers.size(outputs));
        };
        if (layers[k].kind == "lstm") {
            add(sizes.repeats > 0 ? sizes.decoder : sizes.encoder, "hidden");
        } else if (layers[k].kind == "dense") {
            add(sizes.head, "outputs");
        } else if (layers[k].kind == "repeat") {
            sizes.repeats = numbers.whole("times", 1, repeat<float>::maximum_times);
        }
        if (!numbers.outcome().ok()) {
            return status::error(error_code::format_error, "layer ", k, ", ",
                                 numbers.outcome().message());
        }
    }
    if (sizes.head.empty()) {
        return status::error(error_code::format_error,
                             "there is no dense layer behind the LSTM layers");
    }
    return sizes;
}

/// Features that a network with so many outputs forecasts.
/// @param wanted 0: all, or as many as there are outputs where those are fewer
inline result<int> targets_of(int features, int outputs, int wanted) {
    if (wanted == 0 && outputs > features && outputs % features != 0) {
        return status::error(error_code::format_error, "the network has ", outputs, " outputs for ",
                             features,
                             " features, no whole number of samples; give the number of "
                             "features that it forecasts");
    }
    return wanted > 0 ? wanted : std::min(features, outputs);
}

} // namespace detail

/// Loads a `.safetensors` file that tocsin-convert made of a Keras or ONNX model
/// (examples/convert), and makes the model that the file describes, for a detector: a forecaster of
/// LSTM and dense layers, or an autoencoder (`RepeatVector`). Then the model runs the random input
/// that the file holds and is compared with what the original computed. Where the sizes are known,
/// load_converted() checks the file against them instead; for other networks, see
/// load_converted_network().
/// @param targets features that a forecaster forecasts, the first ones; with more outputs it looks
///                further ahead, the next sample first. 0: all features, or as many as there are
///                outputs where those are fewer
/// @return `io_error`; `format_error` with the file's name and the layer that no such model has,
///         sizes that do not fit each other or the tensors, an output that differs;
///         `invalid_argument` for targets that do not fit the network, or a tolerance that is
///         negative or NaN. Allocates.
template <std::floating_point Scalar = float>
result<converted_detector_model<Scalar>>
load_converted_detector_model(const std::filesystem::path& path, int targets = 0,
                              const converted_options& options = {}) {
    converted_detector_model<Scalar> made;
    const auto load_into = [&](const safetensors_reader& file,
                               const detail::converted_layers& layers, const auto& model) {
        if (const status usable = model.check(); !usable.ok()) {
            return usable;
        }
        auto loaded = detail::load_recurrent(file, layers, model, options.tolerance);
        if (!loaded) {
            return loaded.error();
        }
        made.model = model;
        made.parameters = std::move(*loaded);
        return status{};
    };
    const auto load = [&](const safetensors_reader& file, const detail::converted_layers& layers) {
        const bool repeats = std::any_of(layers.begin(), layers.end(),
                                         [](const auto& layer) { return layer.kind == "repeat"; });
        if (const auto modules = detail::recurrent_modules(layers, repeats); !modules) {
            return modules.error();
        }
        const auto sizes = detail::sizes_of_recurrent(layers);
        if (!sizes) {
            return sizes.error();
        }
        for (const detail::converted_layer& layer : layers) {
            made.layers.push_back(layer.text());
        }
        made.window = sizes->repeats;
        const chain_sizes<> encoder{sizes->encoder};
        const dense_head<Scalar> head{chain_sizes<>{sizes->head}};
        if (repeats) {
            if (targets > 0) {
                return status::error(error_code::invalid_argument, targets,
                                     " targets: an autoencoder has none");
            }
            return load_into(file, layers,
                             autoencoder<Scalar>{lstm_stack<Scalar>{encoder},
                                                 lstm_stack<Scalar>{chain_sizes<>{sizes->decoder}},
                                                 head});
        }
        const auto forecast =
            detail::targets_of(sizes->encoder.front(), sizes->head.back(), targets);
        return forecast
                   ? load_into(file, layers,
                               forecaster<Scalar>{lstm_stack<Scalar>{encoder}, head, *forecast})
                   : forecast.error();
    };
    if (auto outcome = detail::load_converted_file(path, options, load); !outcome.ok()) {
        return outcome;
    }
    return made;
}

} // namespace tocsin
