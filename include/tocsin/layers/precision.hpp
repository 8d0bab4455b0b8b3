/// @file precision.hpp
/// @brief What the LSTM layers compute with: their activations, the weights of streams.
#pragma once

#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"

namespace tocsin {

/// float: activations with an absolute error of at most 2e-7, the fastest; double: exact ones.
struct standard_precision {
    using arithmetic = rational_arithmetic;
    static constexpr weight_format streaming_weights = weight_format::full;
};

/// Activations as exact as activations.hpp states, for float too.
struct exact_precision {
    using arithmetic = exact_arithmetic;
    static constexpr weight_format streaming_weights = weight_format::full;
};

/// Inference with weights of 16 bits (relative error at most 2^-8), arithmetic in float: for layers
/// whose weights do not fit into the first-level cache, where reading them is what takes the time.
/// Training is that of standard_precision. For float alone.
struct bfloat16_precision {
    using arithmetic = rational_arithmetic;
    static constexpr weight_format streaming_weights = weight_format::bfloat16;
};

} // namespace tocsin
