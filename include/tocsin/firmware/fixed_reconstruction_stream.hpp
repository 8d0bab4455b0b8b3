/// @file fixed_reconstruction_stream.hpp
/// @brief Encoder-decoders of windows in integers.
#pragma once

#include "tocsin/firmware/fixed_layers.hpp"
#include "tocsin/firmware/reconstruction_stream.hpp"

namespace tocsin::firmware {

/// An LSTM encoder-decoder of windows in integers; see detail::reconstruction_stream.
/// @tparam Model a generated model whose numbers are integers
template <class Model>
class fixed_reconstruction_stream
    : public detail::reconstruction_stream<
          Model, detail::fixed_numbers<Model>,
          detail::lstm_reconstruction<
              Model, detail::fixed_numbers<Model>,
              detail::fixed_lstm<Model::features, Model::encoder_hidden, Model::encoder_weights,
                                 Model::encoder_gate_rows, Model::encoder_gate_shifts>,
              detail::fixed_layers<Model>>> {};

} // namespace tocsin::firmware
