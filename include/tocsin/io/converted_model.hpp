/// @file converted_model.hpp
/// @brief Loads a forecaster that tocsin-convert wrote, and proves that it computes the same.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/forecasting_model.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

namespace detail {

/// Where the file keeps the blocks of a forecaster: LSTM layers, then dense layers with ReLU between
/// them; the outputs may be those of the last step alone. Another layer is refused by name.
inline result<std::vector<pytorch_module>> forecaster_modules(const converted_layers& layers) {
    std::vector<pytorch_module> modules;
    int lstm = 0;
    int dense = 0;
    bool last_step_alone = false;
    std::string before;
    for (std::size_t k = 0; k < layers.size(); ++k) {
        const converted_layer& layer = layers[k];
        bool fits = false;
        if (layer.kind == "lstm" && !layer.numbers.contains("divisor")) {
            fits = dense == 0 && !last_step_alone;
            modules.push_back({"stack.lstm." + std::to_string(lstm++), std::to_string(k)});
        } else if (layer.kind == "dense") {
            fits = dense == 0 || before == "relu";
            modules.push_back({"head.dense." + std::to_string(dense++), std::to_string(k)});
        } else if (layer.kind == "relu") {
            fits = before == "dense" && k + 1 < layers.size();
        } else if (layer.kind == "last_step") {
            fits = (before == "lstm" || before == "dense") && !last_step_alone;
            last_step_alone = true;
        }
        if (!fits) {
            return status::error(error_code::format_error, "layer ", k, " is ", layer.text(),
                                 before.empty() ? "" : " after " + before,
                                 "; a forecaster has LSTM layers, then dense layers with ReLU "
                                 "between them (see converted_sequential.hpp for others)");
        }
        before = layer.kind == "last_step" ? before : layer.kind;
    }
    return modules;
}

/// Runs the forecaster over the probe's input. Its last steps must be the probe's output: all of
/// them, or the last one of a network that gives no more.
template <class Model>
status replay_probe(const Model& model, std::span<const typename Model::scalar_type> parameters,
                    const probe_tensor& input, const probe_tensor& output, double tolerance) {
    using scalar = typename Model::scalar_type;
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

} // namespace detail

/// Loads a `.safetensors` file that tocsin-convert made of a Keras or ONNX model
/// (examples/convert) into a forecaster, then runs the random input that the file holds and
/// compares with what the original computed.
/// @param parameters `model.parameter_count()` scalars in the model's layout
/// @return `io_error`; `format_error` with the file's name where it has a layer that no forecaster
///         has, sizes do not fit (see load_pytorch) or an output differs. A failure leaves the
///         parameters as they were. Allocates.
template <forecasting_model Model>
status load_converted(const std::filesystem::path& path, const Model& model,
                      std::span<typename Model::scalar_type> parameters,
                      const converted_options& options = {}) {
    using scalar = typename Model::scalar_type;
    const auto load = [&](const safetensors_reader& file, const detail::converted_layers& layers) {
        const auto input = detail::read_probe(file, detail::probe_input, model.features());
        if (!input) {
            return input.error();
        }
        const auto output = detail::read_probe(file, detail::probe_output, model.forecast_size(1));
        if (!output) {
            return output.error();
        }
        if (output->steps > input->steps) {
            return status::error(error_code::format_error, "the probe has ", input->steps,
                                 " steps of input and ", output->steps, " of output");
        }
        const auto modules = detail::forecaster_modules(layers);
        if (!modules) {
            return modules.error();
        }
        aligned_vector<scalar> loaded(parameters.size());
        if (auto outcome = load_pytorch(file, model, std::span<scalar>(loaded), *modules,
                                        {.ignored_prefix = detail::probe_prefix});
            !outcome.ok()) {
            return outcome;
        }
        if (auto outcome = detail::replay_probe(model, std::span<const scalar>(loaded), *input,
                                                *output, options.tolerance);
            !outcome.ok()) {
            return outcome;
        }
        std::copy(loaded.begin(), loaded.end(), parameters.begin());
        return status{};
    };
    return detail::load_converted_file(path, options, load);
}

} // namespace tocsin
