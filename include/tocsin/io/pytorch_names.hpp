/// @file pytorch_names.hpp
/// @brief Which tensors of a PyTorch state_dict hold a parameter block.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// Says where PyTorch keeps a part of a model.
struct pytorch_module {
    /// Parameter blocks of ours, as `for_each_parameter_block` names them: a whole name
    /// (`head.dense.1`), the beginning of several (`encoder`), or empty for all.
    std::string part;
    /// The module's name in the state_dict (`encoder.lstm`); empty: names begin with `weight`.
    std::string module;
};

namespace detail {

/// What a tensor of PyTorch's holds.
enum class pytorch_role : std::uint8_t {
    matrix,      ///< `[rows, columns]`
    kernel,      ///< of a convolution, `[rows, columns / taps, taps]`; ours has tap after tap
    vector,      ///< `[rows]`, and always there
    bias,        ///< `[rows]`; may be missing
    second_bias, ///< the same, added to the first
    variance     ///< `[rows]`, positive
};

/// One tensor of PyTorch's, and the columns of our block that it fills.
struct pytorch_tensor {
    std::string name;
    index_t first_parameter = 0; ///< of the block
    index_t rows = 0;
    index_t first_column = 0;
    index_t columns = 1;
    pytorch_role role = pytorch_role::matrix;
    index_t taps = 1;

    bool is_bias() const noexcept {
        return role == pytorch_role::bias || role == pytorch_role::second_bias;
    }
    std::vector<index_t> shape() const {
        switch (role) {
        case pytorch_role::matrix:
            return {rows, columns};
        case pytorch_role::kernel:
            return {rows, columns / taps, taps};
        default:
            return {rows};
        }
    }
    /// Where element `k` of the tensor is among the parameters: row-major there, column-major here.
    index_t place_of(index_t k) const noexcept {
        const index_t in_row = k % columns;
        const index_t inputs = columns / taps;
        const index_t column = (in_row % taps) * inputs + in_row / taps;
        return first_parameter + (first_column + column) * rows + k / columns;
    }
};

/// `module.name`, or the name alone for the outermost module.
inline std::string pytorch_name(const std::string& module, std::string_view name) {
    return module.empty() ? std::string(name) : module + '.' + std::string(name);
}

/// The tensors of layer `k` of an `nn.LSTM`. Its gates are in our order; of its two biases only the
/// sum counts.
/// @param ending of the names: `_reverse` for the backward half of a bidirectional layer
inline void add_pytorch_lstm(std::vector<pytorch_tensor>& tensors, const std::string& module, int k,
                             index_t first, index_t rows, index_t cols,
                             std::string_view ending = {}) {
    const index_t hidden = rows / 4;
    const index_t inputs = cols - hidden - 1;
    const std::string layer = "_l" + std::to_string(k) + std::string(ending);
    const auto name = [&](const char* kind) { return pytorch_name(module, kind + layer); };
    tensors.push_back({name("weight_ih"), first, rows, 0, inputs});
    tensors.push_back({name("weight_hh"), first, rows, inputs, hidden});
    tensors.push_back({name("bias_ih"), first, rows, cols - 1, 1, pytorch_role::bias});
    tensors.push_back({name("bias_hh"), first, rows, cols - 1, 1, pytorch_role::second_bias});
}

/// Says that layers `k - 1` and `k` of a module have different units.
inline std::string unequal_lstm_layers(const std::string& module, int k, const std::string& before,
                                       const std::string& after) {
    return "layers " + std::to_string(k - 1) + " and " + std::to_string(k) + " of '" + module +
           "' have " + before + " and " + after + ": those of an nn.LSTM are equal";
}

/// The tensors of an `nn.Linear`.
inline void add_pytorch_linear(std::vector<pytorch_tensor>& tensors, const std::string& module,
                               index_t first, index_t rows, index_t cols) {
    tensors.push_back({pytorch_name(module, "weight"), first, rows, 0, cols - 1});
    tensors.push_back({pytorch_name(module, "bias"), first, rows, cols - 1, 1, pytorch_role::bias});
}

/// `name` without the last part and its number: `encoder.lstm.1` gives `encoder.lstm` and 1.
/// -1 where the last part is no number.
inline std::pair<std::string_view, int> split_number(std::string_view name) noexcept {
    const auto dot = name.rfind('.');
    const std::string_view digits = dot == std::string_view::npos ? name : name.substr(dot + 1);
    int number = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) {
        return {name, -1};
    }
    return {dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot), number};
}

/// Whether a block is this one, or the one of this name in a part of the model.
inline bool is_block(std::string_view name, std::string_view block) noexcept {
    return name == block || (name.size() > block.size() && name.ends_with(block) &&
                             name[name.size() - block.size() - 1] == '.');
}

/// Whether a part is the block's name or the beginning of it.
inline bool names_block(std::string_view part, std::string_view block) noexcept {
    return part.empty() || block == part ||
           (block.starts_with(part) && block.size() > part.size() && block[part.size()] == '.');
}

/// Whether a block is that of a layer in a `sequential`, such as `0.weights`: the name does not say
/// which kind of layer.
inline bool is_of_network(std::string_view block) noexcept {
    const auto dot = block.rfind('.');
    return dot != std::string_view::npos && split_number(block).second < 0 &&
           split_number(block.substr(0, dot)).second >= 0;
}

/// Whether a model or layer has an LSTM layer whose gates are hard sigmoids.
template <class Part>
bool has_hard_gates(const Part& part) noexcept {
    if constexpr (requires { typename Part::arithmetic; }) { // an LSTM layer, or a stack of them
        return requires { Part::arithmetic::divisor; };
    } else if constexpr (requires { typename Part::direction_type; }) {
        return has_hard_gates(typename Part::direction_type{});
    } else if constexpr (requires { part.layer(); }) {
        return has_hard_gates(part.layer());
    } else if constexpr (requires { part.stack(); }) {
        return has_hard_gates(part.stack());
    } else if constexpr (requires { part.encoder(), part.decoder(); }) {
        return has_hard_gates(part.encoder()) || has_hard_gates(part.decoder());
    } else {
        return false;
    }
}
/// Notes that gates are hard sigmoids: a state_dict names weights alone, and PyTorch would compute
/// something else with them.
template <class Part>
void note_hard_gates(const Part& part, std::vector<std::string>& problems) {
    if (has_hard_gates(part)) {
        problems.emplace_back("the gates of the model are hard sigmoids, those of PyTorch sigmoids "
                              "(hard_sigmoid_precision, not supported)");
    }
}

/// Notes tensors that would have one name.
inline void note_repeated_names(const std::vector<pytorch_tensor>& tensors,
                                std::vector<std::string>& problems) {
    std::set<std::string_view> seen;
    for (const pytorch_tensor& tensor : tensors) {
        if (!seen.insert(tensor.name).second) {
            problems.push_back('\'' + tensor.name + "' is named twice");
        }
    }
}

/// The tensors of all blocks of a model.
/// @param modules for each block the one with the longest fitting `part` counts
/// @param problems receives the blocks that none names, names that two blocks have, layers that no
///                 `nn.LSTM` has, and what PyTorch computes in another way
template <class Model>
std::vector<pytorch_tensor> pytorch_tensors_of(const Model& model,
                                               std::span<const pytorch_module> modules,
                                               std::vector<std::string>& problems) {
    note_hard_gates(model, problems);
    struct block {
        std::string name;
        index_t first, rows, cols;
    };
    std::vector<block> blocks;
    model.for_each_parameter_block(
        [&](const char* name, index_t first, index_t rows, index_t cols) {
            blocks.push_back({name, first, rows, cols});
        });
    std::vector<pytorch_tensor> tensors;
    const block* below = nullptr; // the LSTM layer before, if it may be one of the same nn.LSTM
    const pytorch_module* module_below = nullptr;
    for (const block& one : blocks) {
        const block* const before = std::exchange(below, nullptr);
        const pytorch_module* chosen = nullptr;
        for (const pytorch_module& module : modules) {
            if (names_block(module.part, one.name) &&
                (chosen == nullptr || module.part.size() >= chosen->part.size())) {
                chosen = &module;
            }
        }
        if (chosen == nullptr) {
            problems.push_back("no module is given for '" + one.name + '\'');
            continue;
        }
        if (is_of_network(one.name)) {
            problems.push_back('\'' + one.name +
                               "' is of a network, whose layers are named one by "
                               "one (io/pytorch_sequential.hpp)");
            continue;
        }
        const bool alone = chosen->part == one.name;
        const auto [kind, number] = split_number(one.name);
        constexpr bool one_layer = requires { model.hidden_size(); }; // an lstm by itself
        const bool backward = is_block(one.name, "backward.weights"); // of both directions
        const bool one_direction = backward || is_block(one.name, "forward.weights");
        if (one_layer || one_direction || is_block(kind, "lstm")) {
            const int layer = alone || one_layer || one_direction ? 0 : number;
            if (layer > 0 && before != nullptr && module_below != chosen) {
                problems.push_back('\'' + chosen->module + "' begins at layer " +
                                   std::to_string(layer) + ": name each layer of the stack");
            } else if (layer > 0 && before != nullptr && before->rows != one.rows) {
                problems.push_back(unequal_lstm_layers(chosen->module, layer,
                                                       std::to_string(before->rows / 4) + " units",
                                                       std::to_string(one.rows / 4) + " units"));
            }
            below = &one;
            module_below = chosen;
            add_pytorch_lstm(tensors, chosen->module, layer, one.first, one.rows, one.cols,
                             backward && !alone ? "_reverse" : "");
            continue;
        }
        // Several dense layers are an nn.Sequential with an activation after each.
        const auto siblings =
            std::count_if(blocks.begin(), blocks.end(), [&common = kind](const block& other) {
                return split_number(other.name).first == common;
            });
        const bool sequential = !alone && number >= 0 && siblings > 1;
        add_pytorch_linear(tensors,
                           sequential ? pytorch_name(chosen->module, std::to_string(2 * number))
                                      : chosen->module,
                           one.first, one.rows, one.cols);
    }
    note_repeated_names(tensors, problems);
    return tensors;
}

} // namespace detail
} // namespace tocsin
