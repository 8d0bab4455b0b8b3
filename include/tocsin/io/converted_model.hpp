/// @file converted_model.hpp
/// @brief Loads a network that tocsin-convert wrote, and proves that it computes the same.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/forecasting_model.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

/// How load_converted() compares.
struct converted_options {
    load_options file = {}; ///< limits of the file
    /// Largest difference between an output of the replay and the one in the file, relative to the
    /// larger of 1 and the latter. Weights are stored as F32, and rounding adds up over steps.
    double tolerance = 1e-4;
};

namespace detail {

/// A tensor `[steps, size]` of doubles.
struct probe_tensor {
    std::vector<double> values;
    index_t steps = 0;
    index_t size = 0;
};

inline result<probe_tensor> read_probe(const safetensors_reader& file, const char* name,
                                       index_t size) {
    const tensor_entry* const stored = file.find(name);
    if (stored == nullptr) {
        return status::error(error_code::format_error, '\'', name,
                             "' is missing: the file was not written by tocsin-convert");
    }
    if (!is_real(stored->type) || stored->shape.size() != 2 || stored->shape[1] != size ||
        stored->shape[0] < 1) {
        return status::error(error_code::format_error, '\'', name, "' has shape ",
                             shape_text(stored->shape), ", expected [steps, ", size, "]");
    }
    probe_tensor probe{std::vector<double>(static_cast<std::size_t>(stored->count())),
                       stored->shape[0], size};
    file.copy_converted(*stored, std::span(probe.values));
    return probe;
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
    for (index_t t = 0; t < input.steps; ++t) {
        std::transform(input.values.begin() + t * input.size,
                       input.values.begin() + (t + 1) * input.size, sample.begin(),
                       [](double value) { return static_cast<scalar>(value); });
        model.step(packed_weights<scalar>{packed},
                   matrix_view<const scalar>(sample.data(), input.size, 1), state,
                   matrix_view<scalar>(forecast.data(), output.size, 1), work);
        const index_t step = t - (input.steps - output.steps);
        for (index_t k = 0; step >= 0 && k < output.size; ++k) {
            const double expected = output.values[static_cast<std::size_t>(step * output.size + k)];
            const auto computed = static_cast<double>(forecast[static_cast<std::size_t>(k)]);
            if (!std::isfinite(expected) ||
                !(std::abs(computed - expected) <= tolerance * std::max(1.0, std::abs(expected)))) {
                return status::error(error_code::format_error, "output ", k, " of step ", t,
                                     " of the probe is ", computed, " here and ", expected,
                                     " in the file: the networks differ");
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
/// @return `io_error`; `format_error` with the file's name where sizes do not fit (see
///         load_pytorch) or an output differs. A failure leaves the parameters as they were.
///         Allocates.
template <forecasting_model Model>
status load_converted(const std::filesystem::path& path, const Model& model,
                      std::span<typename Model::scalar_type> parameters,
                      const converted_options& options = {}) {
    using scalar = typename Model::scalar_type;
    const auto refuse = [&](const status& why) {
        return status::error(why.code(), detail::shown_name(path), ": ", why.message());
    };
    const auto file = safetensors_reader::open(path, options.file);
    if (!file) {
        return file.error();
    }
    const auto input = detail::read_probe(*file, "probe.input", model.features());
    if (!input) {
        return refuse(input.error());
    }
    const auto output = detail::read_probe(*file, "probe.output", model.forecast_size(1));
    if (!output) {
        return refuse(output.error());
    }
    if (output->steps > input->steps) {
        return refuse(status::error(error_code::format_error, "the probe has ", input->steps,
                                    " steps of input and ", output->steps, " of output"));
    }
    const std::vector<pytorch_module> modules{{"stack", "lstm"}, {"head", "head"}};
    aligned_vector<scalar> loaded(parameters.size());
    if (auto outcome = load_pytorch(*file, model, std::span<scalar>(loaded), modules,
                                    {.ignored_prefix = "probe."});
        !outcome.ok()) {
        return refuse(outcome);
    }
    if (auto outcome = detail::replay_probe(model, std::span<const scalar>(loaded), *input, *output,
                                            options.tolerance);
        !outcome.ok()) {
        return refuse(outcome);
    }
    std::copy(loaded.begin(), loaded.end(), parameters.begin());
    return {};
}

} // namespace tocsin
