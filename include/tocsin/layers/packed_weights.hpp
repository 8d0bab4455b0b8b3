/// @file packed_weights.hpp
/// @brief Weights in the order that kernels read them.
#pragma once

#include "tocsin/core/storage.hpp"

#include <span>

namespace tocsin {

/// What `pack(parameters, packed)` of a layer or model has written; a type of its own, so that it
/// is not mistaken for parameters. Pack again after each change of the parameters. The order
/// depends on the target and may change: files hold parameters.
template <class Scalar>
struct packed_weights {
    std::span<const Scalar> values;

    /// The part from `offset` on: the weights of a later layer.
    packed_weights from(index_t offset) const noexcept { return {slice(values, offset)}; }
};

} // namespace tocsin
