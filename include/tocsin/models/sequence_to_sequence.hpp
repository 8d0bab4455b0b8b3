/// @file sequence_to_sequence.hpp
/// @brief Sequence-to-sequence model: a bidirectional encoder and a decoder that reads itself.
#pragma once

#include "tocsin/layers/bidirectional_encoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"

namespace tocsin {

/// An encoder_decoder (Sutskever, Vinyals and Le, NeurIPS 2014) whose encoder reads a window in both
/// directions. The decoder starts from the final states of both, one below the other; it is an LSTM
/// of twice as many units as a direction, or else there is a dense bridge. A window model: trainer,
/// detectors, thresholds and files work as for encoder_decoder.
template <class Scalar>
using sequence_to_sequence = encoder_decoder<Scalar, bidirectional_encoder<Scalar>>;

/// Sizes of a sequence_to_sequence.
struct sequence_to_sequence_sizes {
    int encoder = 10; ///< units of each direction
    int decoder = 20; ///< units of the decoder
};

/// A model of these sizes with a linear head; check() judges them. Allocates while it is made.
/// @param training what the decoder reads in training
template <class Scalar>
sequence_to_sequence<Scalar>
make_sequence_to_sequence(int features, const sequence_to_sequence_sizes& sizes = {},
                          decoder_training training = decoder_training::free_running) {
    return {bidirectional_encoder<Scalar>(features, sizes.encoder),
            lstm_stack<Scalar>({features, sizes.decoder}),
            dense_head<Scalar>({sizes.decoder, features}), false, training};
}

} // namespace tocsin
