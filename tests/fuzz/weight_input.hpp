/// @file weight_input.hpp
/// @brief Weight files of PyTorch and of tocsin-convert, and the networks that the latter name, from
///        any bytes.
#pragma once

#include "tocsin/io/converted_detector_model.hpp"
#include "tocsin/io/converted_model.hpp"
#include "tocsin/io/converted_network.hpp"
#include "tocsin/io/converted_sequential.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/sequential.hpp"

#include "fuzz_input.hpp"
#include "scratch_file.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin_fuzz {

inline const auto& attacked_network() {
    static const auto network = tocsin::forecaster<float>::with_layers(2, 2, {3}, 1);
    return network;
}
/// Every kind of layer with weights: LSTM in two directions, convolution, normalisation, dense.
inline const auto& attacked_bidirectional() {
    static const auto network =
        tocsin::bidirectional_lstm_classifier<float>(2, 1, {.hidden = 2, .dense = 3});
    return network;
}
inline const auto& attacked_convolutions() {
    static const auto network = tocsin::fully_convolutional_classifier<float>(
        2, 1, {.filters = {3, 2, 3}, .kernels = {3, 2, 3}});
    return network;
}
inline const std::vector<std::string>& convolution_modules() {
    static const std::vector<std::string> modules{"first", "first_norm", "second", "second_norm",
                                                  "third", "third_norm", "logits"};
    return modules;
}
inline const std::vector<std::string>& bidirectional_modules() {
    static const std::vector<std::string> modules{"lstm", "hidden", "logits"};
    return modules;
}
inline const std::vector<tocsin::pytorch_module>& forecaster_names() {
    static const std::vector<tocsin::pytorch_module> modules{{"stack.lstm.0", "lstm"},
                                                             {"head.dense.0", "head"}};
    return modules;
}

/// A failure has a reason and leaves the parameters as they were; a success leaves finite ones.
template <class Model, class Load>
void load_weights(const Model& model, Load&& load) {
    using scalar = typename Model::scalar_type;
    std::vector<scalar> parameters(static_cast<std::size_t>(model.parameter_count()), scalar(7));
    const tocsin::status outcome = load(std::span<scalar>(parameters));
    if (outcome.ok()) {
        require(std::all_of(parameters.begin(), parameters.end(),
                            [](scalar value) { return std::isfinite(value); }),
                "a weight is not finite");
        return;
    }
    require(outcome.message()[0] != '\0', "weights are refused without a reason");
    require(std::all_of(parameters.begin(), parameters.end(),
                        [](scalar value) { return value == scalar(7); }),
            "refused weights have changed the model");
}

/// A file that names its layers gives a network with finite weights, or a reason.
inline void converted_network(const std::filesystem::path& path) {
    const auto made = tocsin::load_converted_network(path);
    if (!made) {
        require(made.error().message()[0] != '\0', "a network is refused without a reason");
        return;
    }
    require(!made->layers.empty() && made->network.check().ok(), "a network cannot be used");
    require(static_cast<tocsin::index_t>(made->parameters.size()) ==
                made->network.parameter_count(),
            "a network has another number of weights");
    require(std::all_of(made->parameters.begin(), made->parameters.end(),
                        [](float value) { return std::isfinite(value); }),
            "a weight of a network is not finite");
}

/// A file of layers that a detector takes gives such a model with finite weights, or a reason.
inline void converted_detector_model(const std::filesystem::path& path) {
    const auto made = tocsin::load_converted_detector_model(path);
    if (!made) {
        require(made.error().message()[0] != '\0', "a model is refused without a reason");
        return;
    }
    std::visit(
        [&](const auto& model) {
            require(model.check().ok() && static_cast<tocsin::index_t>(made->parameters.size()) ==
                                              model.parameter_count(),
                    "a model cannot be used");
        },
        made->model);
    require(std::all_of(made->parameters.begin(), made->parameters.end(),
                        [](float value) { return std::isfinite(value); }),
            "a weight of a model is not finite");
}

/// The same file is read for every model; its size chooses the options.
inline void weights(input bytes) {
    const auto file = tocsin::safetensors_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    tocsin::pytorch_options options;
    options.missing_bias_is_zero = bytes.size() % 2 != 0;
    options.allow_left_over = bytes.size() % 4 >= 2;
    const auto load = [&](const auto& model, const auto& modules) {
        load_weights(model, [&](auto parameters) {
            return tocsin::load_pytorch(*file, model, parameters, modules, options);
        });
    };
    load(attacked_network(), std::span<const tocsin::pytorch_module>(forecaster_names()));
    load(attacked_bidirectional(), bidirectional_modules());
    load(attacked_convolutions(), convolution_modules());
    if (!file->metadata().contains("architecture")) {
        return;
    }
    static const scratch_file scratch("weights");
    scratch.write(text_of(bytes));
    const auto convert = [&](const auto& model) {
        load_weights(model, [&](auto parameters) {
            return tocsin::load_converted(scratch.path(), model, parameters);
        });
    };
    convert(attacked_network());
    convert(attacked_bidirectional());
    convert(attacked_convolutions());
    converted_network(scratch.path());
    converted_detector_model(scratch.path());
}

/// Files to start from, of either kind and for each model.
inline std::string weight_seed(unsigned number) {
    const scratch_file scratch("weight_seed");
    const auto save = [&](const auto& model, const auto& modules) {
        using scalar = typename std::remove_cvref_t<decltype(model)>::scalar_type;
        std::vector<scalar> parameters(static_cast<std::size_t>(model.parameter_count()));
        tocsin::random_generator random{number};
        model.initialise(std::span<scalar>(parameters), random);
        const auto saved = [&] {
            if constexpr (std::is_null_pointer_v<std::remove_cvref_t<decltype(modules)>>) {
                return tocsin::save_converted(scratch.path(), model,
                                              std::span<const scalar>(parameters));
            } else {
                return tocsin::save_pytorch(scratch.path(), model,
                                            std::span<const scalar>(parameters), modules);
            }
        }();
        require(saved.ok(), "no weights to attack");
        return scratch.read();
    };
    switch (number % 7) {
    case 0:
        return save(attacked_network(),
                    std::span<const tocsin::pytorch_module>(forecaster_names()));
    case 1:
        return save(attacked_bidirectional(), bidirectional_modules());
    case 2:
        return save(attacked_convolutions(), convolution_modules());
    case 3:
        return save(attacked_bidirectional(), nullptr);
    case 4:
        return save(attacked_convolutions(), nullptr);
    case 5:
        return save(tocsin::sequential(tocsin::lstm<float>(2, 3), tocsin::dense<float>(3, 2)),
                    nullptr);
    default:
        return save(tocsin::sequential(tocsin::lstm<float>(2, 3),
                                       tocsin::pooling<float, tocsin::last_step>(3),
                                       tocsin::repeat<float>(3, 4), tocsin::lstm<float>(3, 2),
                                       tocsin::dense<float>(2, 2)),
                    nullptr);
    }
}
inline constexpr unsigned weight_seeds = 7;

} // namespace tocsin_fuzz
