/// @file pytorch_sequential.hpp
/// @brief Weights of a sequential model from and to a PyTorch state_dict.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/models/sequential.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// Where the parameters of a layer begin, and its statistics.
struct layer_place {
    index_t parameters = 0;
    index_t statistics = 0;
};
using pytorch_tensors = std::vector<pytorch_tensor>;

template <class Scalar, int Inputs, int Hidden, class Precision>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    layer.for_each_parameter_block([&](const char*, index_t first, index_t rows, index_t cols) {
        add_pytorch_lstm(tensors, module, 0, at.parameters + first, rows, cols);
    });
}
template <class Scalar, int Inputs, int Hidden, class Precision>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const bidirectional_lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    layer.for_each_parameter_block([&](const char*, index_t first, index_t rows, index_t cols) {
        add_pytorch_lstm(tensors, module, 0, at.parameters + first, rows, cols,
                         first == 0 ? "" : "_reverse");
    });
}
template <class Scalar, class Activation, int Inputs, int Outputs>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const dense<Scalar, Activation, Inputs, Outputs>& layer) {
    add_pytorch_linear(tensors, module, at.parameters, layer.output_size(),
                       index_t{layer.input_size()} + 1);
}
template <class Scalar, int Inputs, int Outputs>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const conv1d<Scalar, Inputs, Outputs>& layer) {
    const index_t taps = layer.form().kernel;
    const index_t columns = taps * layer.input_size();
    const index_t rows = layer.output_size();
    tensors.push_back({pytorch_name(module, "weight"), at.parameters, rows, 0, columns,
                       pytorch_role::kernel, taps});
    tensors.push_back(
        {pytorch_name(module, "bias"), at.parameters, rows, columns, 1, pytorch_role::bias});
}
template <class Scalar, int Channels>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const batch_norm<Scalar, Channels>& layer) {
    const index_t channels = layer.input_size();
    const auto add = [&](const char* name, index_t first, index_t column, pytorch_role role) {
        tensors.push_back({pytorch_name(module, name), first, channels, column, 1, role});
    };
    add("weight", at.parameters, 0, pytorch_role::vector);
    add("bias", at.parameters, 1, pytorch_role::vector);
    add("running_mean", at.statistics, 0, pytorch_role::vector);
    add("running_var", at.statistics, 1, pytorch_role::variance);
}
template <class Layer>
void add_pytorch_layer(pytorch_tensors& tensors, const std::string& module, layer_place at,
                       const penalised<Layer>& layer) {
    add_pytorch_layer(tensors, module, at, layer.layer());
}

/// The tensors of all layers that have parameters; a wrong number of modules is noted.
template <class... Layers>
pytorch_tensors tensors_of_sequential(const sequential<Layers...>& model,
                                      std::span<const std::string> modules,
                                      std::vector<std::string>& problems) {
    pytorch_tensors tensors;
    layer_place at{0, model.trained_count()};
    std::size_t used = 0;
    const auto add = [&](const auto& layer) {
        if constexpr (requires { add_pytorch_layer(tensors, std::string{}, at, layer); }) {
            if (used < modules.size()) {
                add_pytorch_layer(tensors, modules[used], at, layer);
            }
            ++used;
        }
        at.parameters += layer.parameter_count();
        at.statistics += statistics_of(layer);
    };
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        (add(model.template layer<K>()), ...);
    }(std::index_sequence_for<Layers...>{});
    if (used != modules.size()) {
        problems.push_back(std::to_string(modules.size()) + " modules are given for " +
                           std::to_string(used) + " layers with parameters");
    }
    return tensors;
}

} // namespace detail

/// Copies the weights of a PyTorch model into a sequential one: `nn.LSTM` of one layer, also
/// bidirectional, `nn.Linear`, `nn.Conv1d`, `nn.BatchNorm1d` with its running statistics. Formats,
/// failures and memory as load_pytorch().
/// @param parameters `model.parameter_count()` scalars
/// @param modules    PyTorch's names of the layers that have parameters, in their order; those
///                   of pooling, dropout and activations are not among them
template <class... Layers>
status load_pytorch(const safetensors_reader& file, const sequential<Layers...>& model,
                    std::span<typename sequential<Layers...>::scalar_type> parameters,
                    std::span<const std::string> modules, const pytorch_options& options = {}) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("load_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    std::vector<std::string> problems;
    const auto tensors = detail::tensors_of_sequential(model, modules, problems);
    detail::note_mismatches(file, tensors, options, problems);
    return detail::read_pytorch(file, tensors, problems, parameters);
}
/// The same from a file; `io_error`, or a failure with the file's name.
template <class... Layers>
status load_pytorch(const std::filesystem::path& path, const sequential<Layers...>& model,
                    std::span<typename sequential<Layers...>::scalar_type> parameters,
                    std::span<const std::string> modules, const pytorch_options& options = {}) {
    return detail::load_from_file(path, options.file, [&](const safetensors_reader& file) {
        return load_pytorch(file, model, parameters, modules, options);
    });
}

/// Writes the parameters of a sequential model as a state_dict; the inverse of load_pytorch().
template <class... Layers>
status save_pytorch(const std::filesystem::path& path, const sequential<Layers...>& model,
                    std::span<const typename sequential<Layers...>::scalar_type> parameters,
                    std::span<const std::string> modules) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("save_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    std::vector<std::string> problems;
    const auto tensors = detail::tensors_of_sequential(model, modules, problems);
    return problems.empty() ? detail::write_pytorch(path, tensors, parameters)
                            : status::error(error_code::invalid_argument,
                                            "save_pytorch: ", detail::joined(problems));
}

} // namespace tocsin
