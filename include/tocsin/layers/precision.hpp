/// @file precision.hpp
/// @brief Precision of LSTM layers: their activations, and the weights of streams.
#pragma once

#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"

namespace tocsin {

/// float: activations with an absolute error of at most 2e-7, the fastest; double: exact ones.
struct standard_precision {
    /// How activations are computed.
    using arithmetic = rational_arithmetic;
    /// How weights are kept for prediction step by step.
    static constexpr weight_format streaming_weights = weight_format::full;
};

/// Activations with the accuracy stated in activations.hpp, also for float.
struct exact_precision {
    /// How activations are computed.
    using arithmetic = exact_arithmetic;
    /// How weights are kept for prediction step by step.
    static constexpr weight_format streaming_weights = weight_format::full;
};

/// Inference with 16-bit weights (relative error at most 2^-8) and float arithmetic: for layers
/// whose weights do not fit into the first-level cache, where reading them dominates. Training is
/// as large as standard_precision's. Only for float.
struct bfloat16_precision {
    /// How activations are computed.
    using arithmetic = rational_arithmetic;
    /// How weights are kept for prediction step by step.
    static constexpr weight_format streaming_weights = weight_format::bfloat16;
};

} // namespace tocsin
