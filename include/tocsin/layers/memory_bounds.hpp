/// @file memory_bounds.hpp
/// @brief How much memory layers and models take at most, from sizes that come from outside.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"

#include <algorithm>

namespace tocsin::detail {

/// Bytes of a block of weights `[rows x columns]` four times over, in double and in whole vector
/// registers: no buffer of parameters, packed weights, gradients or a tape has more of them.
constexpr checked_size memory_of_weights(checked_size rows, checked_size columns) noexcept {
    constexpr int padding = 64; // four gates that each end within a register
    return (rows + padding) * (columns + padding) * 4 * sizeof(double);
}

/// Bytes that the weights of a layer or model take at most in one buffer.
template <class Part>
checked_size memory_of_parameters(const Part& part) {
    checked_size bytes = 0;
    part.for_each_parameter_block(
        [&](const char* /*name*/, index_t /*first*/, index_t rows, index_t columns) {
            bytes = bytes + memory_of_weights(rows, columns);
        });
    return bytes;
}

/// Names the sizes of a layer whose weights are more than can be addressed.
template <class Layer>
status check_weights(const char* what, const Layer& layer) noexcept {
    return memory_of_parameters(layer).valid()
               ? status{}
               : status::error(error_code::invalid_argument, what, ": ", layer.input_size(),
                               " inputs and ", layer.output_size(),
                               " outputs are too large for the memory that can be addressed");
}

/// Steps beyond the first that an output of a layer reads: 0, unless it says otherwise.
template <class Layer>
constexpr int reach_of(const Layer& layer) noexcept {
    if constexpr (requires { layer.reach(); }) {
        return layer.reach();
    } else {
        return 0;
    }
}

/// Bytes that one pass over a sequence takes at most, forwards and backwards, with the weights. The
/// rows and columns of the blocks of weights are the sizes between which they map.
/// @param part  a layer or model that has passed its check(); `memory_of_pass(steps)` where it knows
///              better
/// @param steps of the longer of input and output
template <class Part>
checked_size memory_of_pass(const Part& part, checked_size steps) {
    if constexpr (requires { part.memory_of_pass(steps); }) {
        return part.memory_of_pass(steps);
    } else {
        constexpr int copies = 4;   // outputs, masks and their slopes
        constexpr int padding = 64; // gates in whole vector registers
        checked_size widths = padding;
        part.for_each_parameter_block(
            [&](const char* /*name*/, index_t /*first*/, index_t rows, index_t columns) {
                widths = widths + rows + columns + padding;
            });
        if constexpr (requires { part.input_size(); }) {
            widths = widths + part.input_size() + part.output_size();
        } else {
            widths = widths + part.features();
        }
        return memory_of_parameters(part) +
               widths * (steps + reach_of(part) + 1) * copies * sizeof(double);
    }
}

} // namespace tocsin::detail
