/// @file float_feed_forward_stream.hpp
/// @brief Networks of dense and convolutional layers over windows, in float.
#pragma once

#include "tocsin/firmware/feed_forward_reconstruction.hpp"
#include "tocsin/firmware/float_layers.hpp"
#include "tocsin/firmware/reconstruction_stream.hpp"

namespace tocsin::firmware {
namespace detail {

/// For feed_forward_reconstruction.
template <class Model>
struct float_feed_forward {
    using value = float;
    using tap = float;
    static_assert(count_of(Model::weights) ==
                      feed_forward_sizes<Model::layers, Model::window, true>::weights,
                  "tocsin: the model has another number of weights than its layers need");

    static constexpr bool apart = false;
    static constexpr int taps(int columns) noexcept { return columns; }
    static float_layer_sums<typename Model::arithmetic> sums() noexcept { return {Model::weights}; }
};

} // namespace detail

/// A network of dense and convolutional layers over windows, in float: an autoencoder, or a forecaster
/// from a fixed number of samples; see detail::reconstruction_stream.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_feed_forward_stream
    : public detail::reconstruction_stream<
          Model, detail::float_numbers<Model>,
          detail::feed_forward_reconstruction<Model, detail::float_feed_forward<Model>>> {};

} // namespace tocsin::firmware
