/// @file float_reconstruction_stream.hpp
/// @brief Encoder-decoders of windows in float.
#pragma once

#include "tocsin/firmware/float_layers.hpp"
#include "tocsin/firmware/reconstruction_stream.hpp"

namespace tocsin::firmware {

/// An LSTM encoder-decoder of windows in float; see detail::reconstruction_stream.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_reconstruction_stream
    : public detail::reconstruction_stream<
          Model, detail::float_numbers<Model>,
          detail::lstm_reconstruction<
              Model, detail::float_numbers<Model>,
              detail::float_lstm<Model::features, Model::encoder_hidden, Model::encoder_weights,
                                 typename Model::arithmetic>,
              detail::float_layers<Model>>> {
    static_assert(detail::count_of(Model::encoder_weights) ==
                      detail::lstm_sizes<Model::features, Model::encoder_hidden>::weights,
                  "tocsin: the encoder does not fit the sizes of the model");
};

} // namespace tocsin::firmware
