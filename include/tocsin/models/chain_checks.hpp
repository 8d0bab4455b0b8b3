/// @file chain_checks.hpp
/// @brief Whether a chain of layers fits together and into memory.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/network_layer.hpp"

#include <algorithm>

namespace tocsin::detail {

/// Checks each layer, then that each fits the one before, and that all weights can be addressed; names
/// the layer that does not.
/// @param layers `size()` is their number, `each(visit)` calls `visit(layer)` in their order
template <class List>
status check_chain(const List& layers) noexcept {
    status outcome = layers.size() > 0
                         ? status{}
                         : status::error(error_code::invalid_argument, "sequential: has no layers");
    int above = 0;
    int position = 0;
    checked_size weights = 0;
    layers.each([&](const auto& each) {
        if (outcome.ok()) {
            outcome = each.check();
        }
        if (outcome.ok() && position > 0 && each.input_size() != above) {
            outcome = status::error(error_code::invalid_argument, "sequential: layer ", position,
                                    " reads ", each.input_size(),
                                    " features, the one before gives ", above);
        }
        if (outcome.ok()) {
            weights = weights + memory_of_parameters(each);
            if (!weights.valid()) {
                outcome = status::error(error_code::invalid_argument,
                                        "sequential: the weights up to layer ", position,
                                        " are too large for the memory that can be addressed");
            }
        }
        above = each.output_size();
        ++position;
    });
    return outcome;
}

/// Bytes that a pass of a chain over `steps` steps of input takes at most; see memory_of_pass().
template <class List>
checked_size memory_of_chain(const List& layers, checked_size steps) {
    const basic_checked_size<int> known = steps.value();
    if (!steps.valid() || !known.valid()) {
        return -1;
    }
    checked_size bytes = 0;
    int time = known.value();
    layers.each([&](const auto& each) {
        const int before = time;
        time = time < 1 ? time : output_time_of(each, time);
        bytes = bytes + memory_of_pass(each, std::max({before, time, 1}));
    });
    return bytes;
}

} // namespace tocsin::detail
