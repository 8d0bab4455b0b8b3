/// @file pytorch.hpp
/// @brief Weights from and to a PyTorch state_dict that is saved as safetensors.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/load_from_file.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/pytorch_names.hpp"
#include "tocsin/io/pytorch_problems.hpp"
#include "tocsin/io/safetensors.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// How load_pytorch() treats a state_dict that is not complete.
struct pytorch_options {
    load_options file = {}; ///< limits of the file
    /// Biases may be missing, as with `bias=False`; they are then zero.
    bool missing_bias_is_zero = false;
    /// Tensors that the model does not need may be there.
    bool allow_left_over = false;
    /// Names that begin so may be there, too; empty: none.
    std::string_view ignored_prefix = {};
};

namespace detail {

/// Whether the layer that a tensor of a file belongs to has the three gates of a GRU, which the shape
/// of its recurrent weights, `[3 hidden, hidden]`, tells.
inline bool is_of_gru(const safetensors_reader& file, const std::string& name) {
    constexpr std::string_view recurrent = "weight_hh";
    for (const std::string_view part : {recurrent, std::string_view("weight_ih"),
                                        std::string_view("bias_ih"), std::string_view("bias_hh")}) {
        if (const auto at = name.rfind(part); at != std::string::npos) {
            const auto* const stored =
                file.find(std::string(name).replace(at, part.size(), recurrent));
            return stored != nullptr && stored->shape.size() == 2 && stored->shape[0] % 3 == 0 &&
                   stored->shape[0] / 3 == stored->shape[1];
        }
    }
    return false;
}

/// The stored tensor, or null with the problem noted.
inline const tensor_entry* find_pytorch(const safetensors_reader& file,
                                        const pytorch_tensor& wanted,
                                        const pytorch_options& options,
                                        std::vector<std::string>& problems) {
    const tensor_entry* const stored = file.find(wanted.name);
    if (stored == nullptr) {
        if (!wanted.is_bias() || !options.missing_bias_is_zero) {
            problems.push_back('\'' + wanted.name + "' is missing" +
                               (wanted.is_bias() ? " (see missing_bias_is_zero)" : ""));
        }
        return nullptr;
    }
    if (!is_real(stored->type)) {
        problems.push_back('\'' + wanted.name + "' holds " + std::string(name_of(stored->type)) +
                           ", expected F32, F64, F16 or BF16");
        return nullptr;
    }
    if (const std::vector<index_t> shape = wanted.shape(); stored->shape != shape) {
        const bool gru = is_of_gru(file, wanted.name);
        problems.push_back('\'' + wanted.name + "' has shape " + shape_text(stored->shape) +
                           ", expected " + shape_text(shape) +
                           (gru ? " (three gates: a GRU is not supported)" : ""));
        return nullptr;
    }
    return stored;
}

/// Gives tensors the names in the file: an `nn.LSTMCell` names no layer.
inline void name_as_in(const safetensors_reader& file, std::vector<pytorch_tensor>& tensors) {
    constexpr std::string_view only_layer = "_l0";
    for (pytorch_tensor& tensor : tensors) {
        if (tensor.name.ends_with(only_layer) && file.find(tensor.name) == nullptr) {
            std::string of_cell = tensor.name.substr(0, tensor.name.size() - only_layer.size());
            if (file.find(of_cell) != nullptr) {
                tensor.name = std::move(of_cell);
            }
        }
    }
}
/// The tensors of a model by the names in the file.
template <class Model>
std::vector<pytorch_tensor> pytorch_tensors_in(const safetensors_reader& file, const Model& model,
                                               std::span<const pytorch_module> modules,
                                               std::vector<std::string>& problems) {
    auto tensors = pytorch_tensors_of(model, modules, problems);
    name_as_in(file, tensors);
    return tensors;
}

/// Refuses a weight that is not finite, and a negative variance.
/// @param k position of the value in the tensor
template <class Scalar>
status check_pytorch_weight(const pytorch_tensor& tensor, index_t k, Scalar value,
                            error_code code) {
    if (std::isfinite(value) && !(tensor.role == pytorch_role::variance && value < 0)) {
        return {};
    }
    return status::error(code, '\'', tensor.name, "' has ", static_cast<double>(value), " at [",
                         k / tensor.columns, ", ", k % tensor.columns, "], which is ",
                         std::isfinite(value) ? "a negative variance" : "not finite");
}

/// The counter of a batch normalisation that is read: nothing depends on it.
inline bool is_counter_of(const tensor_entry& stored, const std::vector<pytorch_tensor>& tensors) {
    constexpr std::string_view counter = "num_batches_tracked";
    if (!stored.name.ends_with(counter)) {
        return false;
    }
    const std::string mean =
        stored.name.substr(0, stored.name.size() - counter.size()) + "running_mean";
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](const pytorch_tensor& tensor) { return tensor.name == mean; });
}

/// Notes what keeps these tensors from being read, and what is left over.
inline void note_mismatches(const safetensors_reader& file,
                            const std::vector<pytorch_tensor>& tensors,
                            const pytorch_options& options, std::vector<std::string>& problems) {
    for (const pytorch_tensor& tensor : tensors) {
        find_pytorch(file, tensor, options, problems);
    }
    for (const tensor_entry& stored : file.tensors()) {
        const bool wanted = std::any_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
            return tensor.name == stored.name;
        });
        const bool ignored =
            !options.ignored_prefix.empty() && stored.name.starts_with(options.ignored_prefix);
        if (!wanted && !ignored && !options.allow_left_over && !is_counter_of(stored, tensors)) {
            problems.push_back('\'' + stored.name + "' is left over" +
                               std::string(pytorch_hint(stored.name)));
        }
    }
}

/// Reads tensors that have been found to fit.
/// @param problems what was noted; refused with all of it unless empty
template <class Scalar>
status read_pytorch(const safetensors_reader& file, const std::vector<pytorch_tensor>& tensors,
                    const std::vector<std::string>& problems, std::span<Scalar> parameters) {
    if (!problems.empty()) {
        return status::error(error_code::format_error, joined(problems));
    }
    std::vector<Scalar> loaded(parameters.size(), Scalar(0));
    std::vector<Scalar> values;
    for (const pytorch_tensor& wanted : tensors) {
        const tensor_entry* const stored = file.find(wanted.name);
        if (stored == nullptr) { // a bias that may be missing
            continue;
        }
        values.resize(static_cast<std::size_t>(stored->count()));
        file.copy_converted(*stored, std::span(values));
        for (std::size_t k = 0; k < values.size(); ++k) {
            const auto at = static_cast<index_t>(k);
            Scalar& to = loaded[static_cast<std::size_t>(wanted.place_of(at))];
            to += values[k]; // the second bias is added to the first
            if (auto usable = check_pytorch_weight(wanted, at, to, error_code::format_error);
                !usable.ok()) {
                return usable;
            }
        }
    }
    std::copy(loaded.begin(), loaded.end(), parameters.begin());
    return {};
}

inline status wrong_pytorch_count(const char* what, std::size_t given, index_t expected) {
    return status::error(error_code::invalid_argument, what, ": ", given,
                         " parameters given, the model has ", expected);
}

} // namespace detail

/// Everything that keeps a state_dict from being loaded into a model, one line each: tensors that
/// are missing, have another shape or type, or are left over. Empty: it fits. Allocates.
template <class Model>
std::vector<std::string> pytorch_mismatches(const safetensors_reader& file, const Model& model,
                                            std::span<const pytorch_module> modules,
                                            const pytorch_options& options = {}) {
    std::vector<std::string> problems;
    const auto tensors = detail::pytorch_tensors_in(file, model, modules, problems);
    detail::note_mismatches(file, tensors, options, problems);
    return problems;
}

/// Copies the weights of a PyTorch model that was saved by `safetensors.torch.save_file(
/// model.state_dict(), path)` into the parameters of one of ours: `nn.LSTM` with any number of
/// layers, `nn.LSTMCell`, `nn.Linear`, and `nn.Sequential` of linear layers and activations, of F32,
/// F64, F16 or BF16.
/// @param parameters `model.parameter_count()` scalars in the model's layout
/// @param modules    where PyTorch keeps each part of the model
/// @return `format_error` with what does not fit (as far as a message has room; see
///         pytorch_mismatches() for all) or is not finite; `invalid_argument` for a wrong number of
///         parameters. A failure leaves the parameters as they were. Allocates.
template <class Model>
status load_pytorch(const safetensors_reader& file, const Model& model,
                    std::span<typename Model::scalar_type> parameters,
                    std::span<const pytorch_module> modules, const pytorch_options& options = {}) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("load_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    return detail::memory_as_status("load_pytorch", [&] {
        std::vector<std::string> problems;
        const auto tensors = detail::pytorch_tensors_in(file, model, modules, problems);
        detail::note_mismatches(file, tensors, options, problems);
        return detail::read_pytorch(file, tensors, problems, parameters);
    });
}
/// The same from a file; `io_error`, or a failure with the file's name.
template <class Model>
status load_pytorch(const std::filesystem::path& path, const Model& model,
                    std::span<typename Model::scalar_type> parameters,
                    std::span<const pytorch_module> modules, const pytorch_options& options = {}) {
    return detail::load_from_file(path, options.file, [&](const safetensors_reader& file) {
        return load_pytorch(file, model, parameters, modules, options);
    });
}

/// The same for an LSTM layer or stack alone, whose tensors are `prefix.weight_ih_l0` and so on;
/// an empty prefix: `weight_ih_l0`. Everything else in the file is left over.
template <class Layers>
status load_pytorch_lstm(const std::filesystem::path& path, std::string_view prefix,
                         const Layers& layers, std::span<typename Layers::scalar_type> parameters,
                         const pytorch_options& options = {}) {
    return detail::memory_as_status(detail::name_without_memory(path), [&] {
        const std::vector<pytorch_module> modules{{"", std::string(prefix)}};
        return load_pytorch(path, layers, parameters, modules, options);
    });
}

namespace detail {

/// Adds the tensors of a model to a file; `invalid_argument` for a weight that cannot be loaded.
template <class Scalar>
status add_pytorch_tensors(safetensors_writer& file, const std::vector<pytorch_tensor>& tensors,
                           std::span<const Scalar> parameters) {
    for (const pytorch_tensor& tensor : tensors) {
        std::vector<Scalar> values(static_cast<std::size_t>(tensor.rows * tensor.columns));
        for (std::size_t k = 0; k < values.size(); ++k) {
            const auto at = static_cast<index_t>(k);
            values[k] = tensor.role == pytorch_role::second_bias
                            ? Scalar(0)
                            : parameters[static_cast<std::size_t>(tensor.place_of(at))];
            if (auto usable =
                    check_pytorch_weight(tensor, at, values[k], error_code::invalid_argument);
                !usable.ok()) {
                return usable;
            }
        }
        if (const status added =
                file.add_tensor(tensor.name, std::span<const Scalar>(values), tensor.shape());
            !added.ok()) {
            return added;
        }
    }
    return {};
}

template <class Scalar>
status write_pytorch(const std::filesystem::path& path, const std::vector<pytorch_tensor>& tensors,
                     std::span<const Scalar> parameters) {
    safetensors_writer file;
    const status added = add_pytorch_tensors(file, tensors, parameters);
    return added.ok() ? file.write(path)
                      : status::error(added.code(), "save_pytorch: ", added.message());
}

} // namespace detail

/// Writes the parameters of a model as a state_dict, which `load_state_dict(load_file(path))` takes
/// in PyTorch: the inverse of load_pytorch(), with PyTorch's second biases zero.
/// @return `invalid_argument` for a wrong number of parameters, one that is not finite, a block
///         without a module, two blocks with one name, or layers of one module with different
///         numbers of units, which no `nn.LSTM` has; `io_error`. The file is written completely or
///         not at all. Allocates.
template <class Model>
status save_pytorch(const std::filesystem::path& path, const Model& model,
                    std::span<const typename Model::scalar_type> parameters,
                    std::span<const pytorch_module> modules) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("save_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    std::vector<std::string> problems;
    const auto tensors = detail::pytorch_tensors_of(model, modules, problems);
    return problems.empty() ? detail::write_pytorch(path, tensors, parameters)
                            : status::error(error_code::invalid_argument,
                                            "save_pytorch: ", detail::joined(problems));
}

} // namespace tocsin
