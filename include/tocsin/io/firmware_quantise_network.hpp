/// @file firmware_quantise_network.hpp
/// @brief Dense and convolutional layers of a firmware model as integers.
#pragma once

#include "tocsin/firmware/fixed_feed_forward_layers.hpp"
#include "tocsin/io/firmware_rows.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin::detail {

/// Values of a layer beyond so many times the largest one of the calibration are cut off.
inline constexpr double headroom = 4;

/// Bits behind the point with which 16 bits hold what a layer writes, -1 where none do.
inline int fraction_of_outputs(double largest) noexcept {
    int fraction = 15;
    while (fraction >= 0 && std::ldexp(headroom * largest, fraction) > 32'767) {
        --fraction;
    }
    return fraction;
}

/// Appends the numbers of all layers.
/// @param head weights of the last one
/// @return `invalid_argument` with the layer that does not fit, or without calibration
template <class Weight>
status quantise_network(const std::vector<firmware_feed_forward>& network,
                        std::vector<Weight>& weights, std::vector<std::int16_t>& head,
                        std::vector<firmware::detail::fixed_dense_row>& rows,
                        std::vector<firmware::detail::fixed_layer>& numbers) {
    using firmware::activation_kind;
    if (network.size() == 1) {
        weights.push_back(0); // the last one is all, and an array cannot be empty
    }
    int read = firmware::detail::input_fraction;
    for (std::size_t k = 0; k < network.size(); ++k) {
        const firmware_feed_forward& layer = network[k];
        const bool last = k + 1 == network.size();
        if (layer.matrix.moments.empty() || !(layer.matrix.moments.back() > 0)) { // steps
            return refuse("integers of dense and convolutional layers need samples of the "
                          "calibration, at least a window of them");
        }
        const bool squashed = layer.shape.activation == activation_kind::sigmoid ||
                              layer.shape.activation == activation_kind::tanh;
        const int written = last       ? firmware::detail::sample_fraction
                            : squashed ? 15
                                       : fraction_of_outputs(layer.largest);
        if (written < 0) {
            return refuse("layer ", k, " writes values of ", layer.largest,
                          ", too large for integers");
        }
        if (!(std::abs(layer.shape.below) <= 1)) {
            return refuse("leaky_relu with ", double{layer.shape.below}, " below 0, in integers");
        }
        // What is cut off later must be in 32 bits first.
        const double most = last && !squashed ? firmware::detail::largest_sample : 1 << 30;
        const dense_form form{read, squashed ? firmware::detail::input_fraction : written, most};
        int shift = 0;
        if (!(last ? quantise_dense(layer.matrix, {}, form, head, rows, shift)
                   : quantise_dense(layer.matrix, {}, form, weights, rows, shift))) {
            return refuse("the weights of layer ", k, " do not fit into integers");
        }
        numbers.push_back({shift, last ? firmware::detail::largest_sample : 32'767,
                           rounded(std::ldexp(double{layer.shape.below}, 15)), last ? 1 : 0});
        read = written;
    }
    return {};
}

} // namespace tocsin::detail
