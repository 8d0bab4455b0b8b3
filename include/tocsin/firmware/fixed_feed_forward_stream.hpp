/// @file fixed_feed_forward_stream.hpp
/// @brief Networks of dense and convolutional layers over windows, in integers.
#pragma once

#include "tocsin/firmware/feed_forward_reconstruction.hpp"
#include "tocsin/firmware/fixed_feed_forward_layers.hpp"
#include "tocsin/firmware/fixed_layers.hpp"
#include "tocsin/firmware/reconstruction_stream.hpp"

namespace tocsin::firmware {
namespace detail {

/// For feed_forward_reconstruction.
template <class Model>
struct fixed_feed_forward {
    using value = int32_t;
    using tap = int16_t;
    static constexpr int layers = count_of(Model::layers);
    static constexpr int rows = [] {
        int sum = 0;
        for (const feed_forward_layer& layer : Model::layers) {
            sum += layer.outputs;
        }
        return sum;
    }();
    static constexpr int weights_of(int first, int last) noexcept {
        int sum = 0;
        for (int k = first; k < last; ++k) {
            const feed_forward_layer& layer = Model::layers[k];
            sum += layer.outputs * whole_quads(layer.inputs * layer.kernel);
        }
        return sum;
    }
    static constexpr bool single =
        layers == 1; // its weights are the last layer's; the rest is unused
    static_assert((single || count_of(Model::weights) == weights_of(0, layers - 1)) &&
                      count_of(Model::head_weights) == weights_of(layers - 1, layers) &&
                      count_of(Model::dense_rows) == rows &&
                      count_of(Model::layer_numbers) == layers,
                  "tocsin: the model has another number of weights than its layers need");

    static constexpr bool apart = true;
    static constexpr int taps(int columns) noexcept { return whole_quads(columns); }
    static auto sums() noexcept { return sums_of(Model::weights); }

  private:
    template <class Weight>
    static fixed_layer_sums<Weight> sums_of(const Weight* from) noexcept {
        return {from, Model::dense_rows, Model::layer_numbers, Model::head_weights, layers - 1};
    }
};

} // namespace detail

/// A network of dense and convolutional layers over windows, in integers; see
/// float_feed_forward_stream.
/// @tparam Model a generated model whose numbers are integers
template <class Model>
class fixed_feed_forward_stream
    : public detail::reconstruction_stream<
          Model, detail::fixed_numbers<Model>,
          detail::feed_forward_reconstruction<Model, detail::fixed_feed_forward<Model>>> {};

} // namespace tocsin::firmware
