/// @file packed_weights.hpp
/// @brief Weights in the order in which kernels read them.
#pragma once

#include "tocsin/core/storage.hpp"

#include <span>

namespace tocsin {

/// The output of `pack(parameters, packed)` of a layer or model; a separate type, so that it is not
/// mistaken for parameters. Pack again after each change of the parameters. The order depends on
/// the target and may change, so files store parameters.
template <class Scalar>
struct packed_weights {
    std::span<const Scalar> values; ///< written by pack(), not owned

    /// The part starting at `offset`: the weights of a later layer.
    packed_weights from(index_t offset) const noexcept { return {slice(values, offset)}; }
};

} // namespace tocsin
