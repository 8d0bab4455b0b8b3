/// @file converted_model.hpp
/// @brief Loads a forecaster or an autoencoder that tocsin-convert wrote, and proves that it
///        computes the same.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/converted_replay.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/forecasting_model.hpp"
#include "tocsin/models/predictor.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

namespace detail {

/// Where the file keeps the blocks of a forecaster: LSTM layers, then dense layers with ReLU between
/// them; the outputs may be those of the last step alone. An autoencoder repeats the last step of
/// its LSTM layers and has further ones before the dense layers. Another layer is refused by name.
inline result<std::vector<pytorch_module>> recurrent_modules(const converted_layers& layers,
                                                             bool autoencoder) {
    std::vector<pytorch_module> modules;
    int lstm = 0;
    int dense = 0;
    bool last_step_alone = false;
    bool repeated = false;
    std::string before;
    for (std::size_t k = 0; k < layers.size(); ++k) {
        const converted_layer& layer = layers[k];
        bool fits = false;
        if (layer.kind == "lstm" && !layer.numbers.contains("divisor")) {
            fits = dense == 0 && last_step_alone == repeated;
            const char* const stack = repeated ? "decoder" : autoencoder ? "encoder" : "stack";
            modules.push_back({stack + (".lstm." + std::to_string(lstm++)), std::to_string(k)});
        } else if (layer.kind == "dense") {
            fits = dense == 0 ? lstm > 0 && repeated == autoencoder : before == "relu";
            modules.push_back({"head.dense." + std::to_string(dense++), std::to_string(k)});
        } else if (layer.kind == "relu") {
            fits = before == "dense" && k + 1 < layers.size();
        } else if (layer.kind == "last_step") {
            fits = (before == "lstm" || (before == "dense" && !autoencoder)) && !last_step_alone;
            last_step_alone = true;
        } else if (layer.kind == "repeat") {
            fits = autoencoder && last_step_alone && !repeated;
            repeated = true;
            lstm = 0;
        }
        if (!fits) {
            return status::error(error_code::format_error, "layer ", k, " is ", layer.text(),
                                 before.empty() ? "" : " after " + before, "; ",
                                 autoencoder ? "an autoencoder repeats the last step of its LSTM "
                                               "layers for other ones, then has"
                                             : "a forecaster has LSTM layers, then",
                                 " dense layers with ReLU between them (see "
                                 "converted_sequential.hpp for others)");
        }
        before = layer.kind == "last_step" || layer.kind == "repeat" ? before : layer.kind;
    }
    return modules;
}

/// Runs the forecaster over the probe's input. Its last steps must be the probe's output: all of
/// them, or the last one of a network that gives no more.
template <forecasting_model Model>
status replay_probe(const Model& model, std::span<const typename Model::scalar_type> parameters,
                    const probe_tensor& input, const probe_tensor& output, double tolerance) {
    using scalar = typename Model::scalar_type;
    if (output.steps > input.steps) {
        return status::error(error_code::format_error, "the probe has ", input.steps,
                             " steps of input and ", output.steps, " of output");
    }
    aligned_vector<scalar> packed(static_cast<std::size_t>(model.packed_size()));
    model.pack(parameters, std::span<scalar>(packed));
    aligned_vector<scalar> state(static_cast<std::size_t>(model.state_size(1)));
    aligned_vector<scalar> work(static_cast<std::size_t>(model.step_work_size(1)));
    aligned_vector<scalar> sample(static_cast<std::size_t>(input.size));
    aligned_vector<scalar> forecast(static_cast<std::size_t>(output.size));
    const index_t silent = input.steps - output.steps;
    for (index_t t = 0; t < input.steps; ++t) {
        std::transform(input.values.begin() + t * input.size,
                       input.values.begin() + (t + 1) * input.size, sample.begin(),
                       [](double value) { return static_cast<scalar>(value); });
        model.step(packed_weights<scalar>{packed},
                   matrix_view<const scalar>(sample.data(), input.size, 1), state,
                   matrix_view<scalar>(forecast.data(), output.size, 1), work);
        if (t >= silent) {
            if (const status same = compare_with_probe(
                    output, t - silent, std::span<const scalar>(forecast), tolerance, silent);
                !same.ok()) {
                return same;
            }
        }
    }
    return {};
}

/// Runs the autoencoder over the probe's input. It decodes as many steps as it has read, the
/// original as many as it repeats; a step depends on those before it alone.
template <class Scalar, class Encoder, class Decoder, class Head>
status replay_probe(const autoencoder<Scalar, Encoder, Decoder, Head>& model,
                    std::span<const Scalar> parameters, const probe_tensor& input,
                    const probe_tensor& output, double tolerance) {
    if (input.steps > longest_probe) {
        return status::error(error_code::format_error, "the probe has ", input.steps, " steps");
    }
    const int time = static_cast<int>(input.steps);
    const int features = model.features();
    aligned_vector<Scalar> window(input.values.begin(), input.values.end());
    aligned_vector<Scalar> decoded(window.size());
    predictor<autoencoder<Scalar, Encoder, Decoder, Head>> predictor(model, 1, time);
    predictor.prepare(model, parameters);
    predictor.predict(model, parameters, {window.data(), features, 1, time},
                      {decoded.data(), features, 1, time});
    for (index_t t = 0; t < std::min(input.steps, output.steps); ++t) {
        const auto step = std::span<const Scalar>(decoded).subspan(
            static_cast<std::size_t>(t * features), static_cast<std::size_t>(features));
        if (const status same = compare_with_probe(output, t, step, tolerance); !same.ok()) {
            return same;
        }
    }
    return {};
}

/// The parameters of a forecaster or an autoencoder in a file, once it has replayed the probe.
template <class Model>
result<aligned_vector<typename Model::scalar_type>>
load_recurrent(const safetensors_reader& file, const converted_layers& layers, const Model& model,
               double tolerance) {
    using scalar = typename Model::scalar_type;
    index_t outputs = model.features();
    if constexpr (forecasting_model<Model>) {
        outputs = model.forecast_size(1);
    }
    const auto input = read_probe(file, probe_input, model.features());
    if (!input) {
        return input.error();
    }
    const auto output = read_probe(file, probe_output, outputs);
    if (!output) {
        return output.error();
    }
    const auto modules = recurrent_modules(layers, !forecasting_model<Model>);
    if (!modules) {
        return modules.error();
    }
    std::vector<std::string> problems;
    const auto tensors = pytorch_tensors_in(file, model, *modules, problems);
    auto loaded =
        read_converted<scalar>(file, tensors, std::move(problems), model.parameter_count());
    if (loaded) {
        if (auto same =
                replay_probe(model, std::span<const scalar>(*loaded), *input, *output, tolerance);
            !same.ok()) {
            return same;
        }
    }
    return loaded;
}

/// See load_converted().
template <class Model>
status load_converted_into(const std::filesystem::path& path, const Model& model,
                           std::span<typename Model::scalar_type> parameters,
                           const converted_options& options) {
    const auto load = [&](const safetensors_reader& file, const converted_layers& layers) {
        if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
            return wrong_pytorch_count("load_converted", parameters.size(),
                                       model.parameter_count());
        }
        const auto loaded = load_recurrent(file, layers, model, options.tolerance);
        if (loaded) {
            std::copy(loaded->begin(), loaded->end(), parameters.begin());
        }
        return loaded ? status{} : loaded.error();
    };
    return load_converted_file(path, options, load);
}

} // namespace detail

/// Loads a `.safetensors` file that tocsin-convert made of a Keras or ONNX model
/// (examples/convert) into a forecaster, then runs the random input that the file holds and
/// compares with what the original computed.
/// @param parameters `model.parameter_count()` scalars in the model's layout
/// @return `io_error`; `invalid_argument` for a wrong number of parameters, or a tolerance that is
///         negative or NaN; `format_error` with the file's name where it has a layer that no
///         forecaster has, sizes do not fit (see load_pytorch) or an output differs. A failure
///         leaves the parameters as they were. Allocates.
template <forecasting_model Model>
status load_converted(const std::filesystem::path& path, const Model& model,
                      std::span<typename Model::scalar_type> parameters,
                      const converted_options& options = {}) {
    return detail::load_converted_into(path, model, parameters, options);
}
/// The same for an autoencoder: LSTM layers whose last step is repeated (`RepeatVector`) for other
/// ones, then dense layers. It is the original for windows of as many samples as that repeats.
template <class Scalar, class Encoder, class Decoder, class Head>
status load_converted(const std::filesystem::path& path,
                      const autoencoder<Scalar, Encoder, Decoder, Head>& model,
                      std::span<Scalar> parameters, const converted_options& options = {}) {
    return detail::load_converted_into(path, model, parameters, options);
}

} // namespace tocsin
