/// @file pytorch_replay.hpp
/// @brief Weights of a PyTorch state_dict, and proof that the network computes the same with them.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/converted_replay.hpp"
#include "tocsin/io/load_from_file.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/io/pytorch_sequential.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

/// Loads a state_dict into a `sequential`, such as those of models/classifiers.hpp, or a
/// `dynamic_sequential`, as load_pytorch() does; then runs the random input that the file holds beside
/// the weights, and compares with what PyTorch computed. In Python, for a model in `eval()` that makes
/// the logits `y` `[1, outputs]` of the series `x` `[time, 1, features]` (`y[:, 0]` where it makes
/// some at each step):
///
///     save_file({**model.state_dict(), "probe.input": x[:, 0].contiguous(), "probe.output": y}, path)
///
/// Not for models of rows, which load_pytorch() takes: they have no outputs of their own.
/// @param parameters `network.parameter_count()` scalars
/// @param modules    see load_pytorch(); no module may be named `probe`
/// @return as load_pytorch(), and `format_error` with the file's name for a probe that is missing, has
///         another shape than `[steps, features]` and `[steps, outputs]`, is too long or too short for
///         the layers, or an output that differs; `invalid_argument` for a tolerance that is negative
///         or NaN. A failure leaves the parameters as they were. Allocates.
template <detail::model_of_layers Network>
    requires detail::series_network<Network>
status load_pytorch_and_replay(const std::filesystem::path& path, const Network& network,
                               std::span<typename Network::scalar_type> parameters,
                               std::span<const std::string> modules,
                               const converted_options& options = {}) {
    if (!(options.tolerance >= 0)) {
        return status::error(error_code::invalid_argument, "load_pytorch_and_replay: tolerance ",
                             options.tolerance, " must be at least 0");
    }
    if (static_cast<index_t>(parameters.size()) != network.parameter_count()) {
        return detail::wrong_pytorch_count("load_pytorch_and_replay", parameters.size(),
                                           network.parameter_count());
    }
    return detail::load_from_file(path, options.file, [&](const safetensors_reader& file) {
        for (const char* const name : {detail::probe_input, detail::probe_output}) {
            if (file.find(name) == nullptr) {
                return status::error(error_code::format_error, '\'', name,
                                     "' is missing: save an input with its output beside the "
                                     "weights");
            }
        }
        std::vector<std::string> problems;
        detail::note_hard_gates_in(network, problems);
        auto tensors = detail::tensors_of_layers(network, modules, problems);
        if (!problems.empty()) { // the modules are not those of the layers
            return status::error(error_code::format_error, detail::joined(problems));
        }
        detail::name_as_in(file, tensors);
        const auto loaded =
            detail::load_and_replay(file, network, tensors, std::move(problems), options.tolerance);
        if (loaded) {
            std::copy(loaded->begin(), loaded->end(), parameters.begin());
        }
        return loaded ? status{} : loaded.error();
    });
}

} // namespace tocsin
