/// @file pytorch_sequential.hpp
/// @brief Weights of networks and models made of layers from and to a PyTorch state_dict.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/any_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/sequential.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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

/// The names of modules in the order of a model's layers, taken one by one. An LSTM layer whose
/// name is that of the LSTM layer before it is the next layer of the same `nn.LSTM`.
class pytorch_names {
  public:
    /// @param problems receives what no `nn.LSTM` can hold
    pytorch_names(std::span<const std::string> names, std::vector<std::string>& problems) noexcept
        : names_{names}, problems_{problems} {}

    /// Names that were asked for, also beyond the last one.
    std::size_t taken() const noexcept { return taken_; }
    /// The name of a layer that is no LSTM; empty beyond the last one.
    std::string next() {
        layer_ = -1;
        return take();
    }
    /// The name of an LSTM layer, and its number in that module.
    /// @param rows of its parameters, which all layers of an `nn.LSTM` have in common
    std::pair<std::string, int> next_lstm(index_t rows, bool both_directions) {
        std::string name = take();
        layer_ = layer_ >= 0 && name == module_ ? layer_ + 1 : 0;
        if (layer_ > 0 && (rows != rows_ || both_directions != both_directions_)) {
            problems_.push_back(unequal_lstm_layers(
                name, layer_, std::to_string(rows_ / 4) + units(both_directions_),
                std::to_string(rows / 4) + units(both_directions)));
        }
        module_ = name;
        rows_ = rows;
        both_directions_ = both_directions;
        return {std::move(name), layer_};
    }

  private:
    std::string take() {
        const std::size_t k = taken_++;
        return k < names_.size() ? names_[k] : std::string{};
    }
    static const char* units(bool both_directions) noexcept {
        return both_directions ? " units in both directions" : " units in one direction";
    }

    std::span<const std::string> names_;
    std::vector<std::string>& problems_;
    std::size_t taken_ = 0;
    int layer_ = -1; // of the LSTM before in its module, -1 after another layer
    index_t rows_ = 0;
    bool both_directions_ = false;
    std::string module_;
};

template <class Scalar, int Inputs, int Hidden, class Precision>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    layer.for_each_parameter_block([&](const char*, index_t first, index_t rows, index_t cols) {
        const auto [module, k] = names.next_lstm(rows, false);
        add_pytorch_lstm(tensors, module, k, at.parameters + first, rows, cols);
    });
}
template <class Scalar, class Precision, int... Sizes>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const basic_lstm_stack<Scalar, Precision, Sizes...>& layers) {
    layers.for_each_parameter_block([&](const char*, index_t first, index_t rows, index_t cols) {
        const auto [module, k] = names.next_lstm(rows, false);
        add_pytorch_lstm(tensors, module, k, at.parameters + first, rows, cols);
    });
}
template <class Scalar, int Inputs, int Hidden, class Precision>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const bidirectional_lstm<Scalar, Inputs, Hidden, Precision>& layer) {
    const auto place = names.next_lstm(index_t{4} * layer.hidden_size(), true);
    layer.for_each_parameter_block([&](const char*, index_t first, index_t rows, index_t cols) {
        const auto& [module, k] = place;
        add_pytorch_lstm(tensors, module, k, at.parameters + first, rows, cols,
                         first == 0 ? "" : "_reverse");
    });
}
template <class Scalar, class Activation, int Inputs, int Outputs>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const dense<Scalar, Activation, Inputs, Outputs>& layer) {
    add_pytorch_linear(tensors, names.next(), at.parameters, layer.output_size(),
                       index_t{layer.input_size()} + 1);
}
template <class Scalar, int Inputs, int Outputs>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const conv1d<Scalar, Inputs, Outputs>& layer) {
    const std::string module = names.next();
    const index_t taps = layer.form().kernel;
    const index_t columns = taps * layer.input_size();
    const index_t rows = layer.output_size();
    tensors.push_back({pytorch_name(module, "weight"), at.parameters, rows, 0, columns,
                       pytorch_role::kernel, taps});
    tensors.push_back(
        {pytorch_name(module, "bias"), at.parameters, rows, columns, 1, pytorch_role::bias});
}
template <class Scalar, int Channels>
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const batch_norm<Scalar, Channels>& layer) {
    const std::string module = names.next();
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
void add_pytorch_layer(pytorch_tensors& tensors, pytorch_names& names, layer_place at,
                       const penalised<Layer>& layer) {
    add_pytorch_layer(tensors, names, at, layer.layer());
}
/// A layer whose parameters PyTorch has names for.
template <class Layer>
concept layer_in_pytorch =
    requires(const Layer& layer, pytorch_tensors& tensors, pytorch_names& names, layer_place at) {
        add_pytorch_layer(tensors, names, at, layer);
    };

/// Calls `visit(layer, place)` for each layer of a network that begins at a place.
template <class... Layers, class Visit>
void visit_layers(const sequential<Layers...>& network, index_t first, Visit&& visit) {
    layer_place at{first, first + network.trained_count()};
    const auto one = [&](const auto& layer) {
        visit(layer, at);
        at.parameters += layer.parameter_count();
        at.statistics += statistics_of(layer);
    };
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        (one(network.template layer<K>()), ...);
    }(std::index_sequence_for<Layers...>{});
}
/// The layer types that a file may describe, with sizes at run time.
template <class Scalar, class Layer, class... Others, class Visit>
bool visit_if(const any_layer<Scalar>& held, layer_place at, Visit& visit) {
    if (const Layer* const known = held.template get_if<Layer>()) {
        visit(*known, at);
        return true;
    }
    if constexpr (sizeof...(Others) > 0) {
        return visit_if<Scalar, Others...>(held, at, visit);
    } else {
        return false;
    }
}
/// The same; layers that PyTorch has no names for, and those with static sizes, as `any_layer`.
template <class Scalar, class Visit>
void visit_layers(const dynamic_sequential<Scalar>& network, index_t first, Visit&& visit) {
    constexpr int any = dynamic;
    layer_place at{first, first + network.trained_count()};
    for (const any_layer<Scalar>& held : network.layers()) {
        if (!visit_if<Scalar, lstm<Scalar>, lstm<Scalar, any, any, exact_precision>,
                      lstm<Scalar, any, any, hard_sigmoid_precision<5>>,
                      lstm<Scalar, any, any, hard_sigmoid_precision<6>>, lstm_stack<Scalar>,
                      bidirectional_lstm<Scalar>,
                      bidirectional_lstm<Scalar, any, any, hard_sigmoid_precision<5>>,
                      bidirectional_lstm<Scalar, any, any, hard_sigmoid_precision<6>>,
                      dense<Scalar>, dense<Scalar, relu_activation>,
                      dense<Scalar, sigmoid_activation>, dense<Scalar, tanh_activation>,
                      dense<Scalar, leaky_relu_activation>, conv1d<Scalar>, batch_norm<Scalar>>(
                held, at, visit)) {
            visit(held, at);
        }
        at.parameters += held.parameter_count();
        at.statistics += held.statistics_count();
    }
}
/// The same for all networks of a model.
template <class Model, class Visit>
    requires requires(const Model& model, void (*each)(...)) { model.for_each_network(each); }
void visit_layers(const Model& model, index_t first, Visit&& visit) {
    model.for_each_network([&](const char*, index_t begin, const auto& network) {
        if constexpr (layer_in_pytorch<std::remove_cvref_t<decltype(network)>>) {
            visit(network, layer_place{first + begin, 0});
        } else {
            visit_layers(network, first + begin, visit);
        }
    });
}
/// A model whose layers are named one by one.
template <class Model>
concept model_of_layers =
    requires(const Model& model, void (*each)(...)) { visit_layers(model, index_t{0}, each); };

/// The tensors of all layers that have parameters; a wrong number of modules, layers that PyTorch has
/// no names for, and tensors that would have one name, are noted.
template <class Model>
pytorch_tensors tensors_of_layers(const Model& model, std::span<const std::string> modules,
                                  std::vector<std::string>& problems) {
    pytorch_tensors tensors;
    pytorch_names names(modules, problems);
    visit_layers(model, 0, [&]<class Layer>(const Layer& layer, layer_place at) {
        if constexpr (layer_in_pytorch<Layer>) {
            add_pytorch_layer(tensors, names, at, layer);
        } else if (layer.parameter_count() + statistics_of(layer) > 0) {
            problems.push_back(
                "a layer with " + std::to_string(layer.parameter_count()) +
                " parameters has no names in PyTorch; layers whose sizes are fixed at "
                "compile time have none here");
        }
    });
    if (names.taken() != modules.size()) {
        problems.push_back(std::to_string(modules.size()) + " modules are given for " +
                           std::to_string(names.taken()) + " layers with parameters");
        return tensors;
    }
    note_repeated_names(tensors, problems);
    return tensors;
}

/// Notes that a layer's gates are hard sigmoids, which a file of PyTorch cannot say; one of
/// tocsin-convert can.
template <class Model>
void note_hard_gates_in(const Model& model, std::vector<std::string>& problems) {
    visit_layers(model, 0,
                 [&](const auto& layer, layer_place) { note_hard_gates(layer, problems); });
}

} // namespace detail

/// Copies the weights of a PyTorch model into a `sequential`, a `dynamic_sequential` of layers with
/// sizes at run time, or a model of rows (`row_autoencoder`, `variational_autoencoder`, `bigan`):
/// `nn.LSTM` of any number of layers, also bidirectional, `nn.LSTMCell`, `nn.Linear`, `nn.Conv1d`,
/// `nn.BatchNorm1d` with its running statistics. Formats, failures and memory as load_pytorch().
/// @param parameters `model.parameter_count()` scalars
/// @param modules    PyTorch's names of the layers that have parameters, in their order, network by
///                   network (encoder, decoder; encoder, generator, discriminator, logit); those
///                   of pooling, dropout and activations are not among them. Each layer of an
///                   `nn.LSTM` has a name, be they layers of ours or of an lstm_stack: for two,
///                   `{"lstm", "lstm", "linear"}`
template <detail::model_of_layers Model>
status load_pytorch(const safetensors_reader& file, const Model& model,
                    std::span<typename Model::scalar_type> parameters,
                    std::span<const std::string> modules, const pytorch_options& options = {}) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("load_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    return detail::memory_as_status("load_pytorch", [&] {
        std::vector<std::string> problems;
        detail::note_hard_gates_in(model, problems);
        auto tensors = detail::tensors_of_layers(model, modules, problems);
        if (problems.empty()) { // else the modules are not those of the layers
            detail::name_as_in(file, tensors);
            detail::note_mismatches(file, tensors, options, problems);
        }
        return detail::read_pytorch(file, tensors, problems, parameters);
    });
}
/// The same from a file; `io_error`, or a failure with the file's name.
template <detail::model_of_layers Model>
status load_pytorch(const std::filesystem::path& path, const Model& model,
                    std::span<typename Model::scalar_type> parameters,
                    std::span<const std::string> modules, const pytorch_options& options = {}) {
    return detail::load_from_file(path, options.file, [&](const safetensors_reader& file) {
        return load_pytorch(file, model, parameters, modules, options);
    });
}

/// Writes the parameters of such a model as a state_dict; the inverse of load_pytorch().
/// @return `invalid_argument` for a wrong number of parameters or modules, a parameter that is not
///         finite, a negative variance, or layers that no `nn.LSTM` has; `io_error`. The file is
///         written completely or not at all. Allocates.
template <detail::model_of_layers Model>
status save_pytorch(const std::filesystem::path& path, const Model& model,
                    std::span<const typename Model::scalar_type> parameters,
                    std::span<const std::string> modules) {
    if (static_cast<index_t>(parameters.size()) != model.parameter_count()) {
        return detail::wrong_pytorch_count("save_pytorch", parameters.size(),
                                           model.parameter_count());
    }
    std::vector<std::string> problems;
    detail::note_hard_gates_in(model, problems);
    const auto tensors = detail::tensors_of_layers(model, modules, problems);
    return problems.empty() ? detail::write_pytorch(path, tensors, parameters)
                            : status::error(error_code::invalid_argument,
                                            "save_pytorch: ", detail::joined(problems));
}

} // namespace tocsin
