/// @file autoencoder.hpp
/// @brief LSTM autoencoder whose decoder reads the embedding at every step (repeat vector).
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/model_parts.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace tocsin {

/// The encoder's final hidden state is the embedding. A decoder that starts from zero states reads
/// it at every step, and a dense head turns the decoder's outputs into samples, in time order.
///
/// Parameters: encoder, decoder, head.
template <class Scalar, class Encoder = lstm_stack<Scalar>, class Decoder = lstm_stack<Scalar>,
          class Head = dense_head<Scalar>>
class autoencoder {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "autoencoder";
    static constexpr bool has_independent_windows = true;
    static constexpr int version = 1;
    static constexpr int default_embedding = 64; ///< size of the embedding by default

    constexpr autoencoder() noexcept = default;
    /// A model of these layers; check() judges whether they fit.
    constexpr autoencoder(Encoder encoder, Decoder decoder, Head head) noexcept
        : encoder_{encoder}, decoder_{decoder}, head_{head} {}

    /// The usual shape: encoder features -> 2 E -> E, decoder E -> E -> 2 E, linear output.
    /// @param embedding E
    static constexpr autoencoder with_embedding(int features, int embedding = default_embedding,
                                                double dropout_rate = 0) noexcept
        requires(!Encoder::sizes_type::is_static)
    {
        return {Encoder{{features, 2 * embedding, embedding}, dropout_rate},
                Decoder{{embedding, embedding, 2 * embedding}, dropout_rate},
                Head{{2 * embedding, features}}};
    }

    constexpr const Encoder& encoder() const noexcept { return encoder_; }
    constexpr const Decoder& decoder() const noexcept { return decoder_; }
    constexpr const Head& head() const noexcept { return head_; }
    constexpr int features() const noexcept { return head_.output_size(); }
    /// Values into which a window is compressed.
    constexpr int embedding_size() const noexcept { return encoder_.output_size(); }
    constexpr index_t parameter_count() const noexcept { return parts().parameter_count(); }

    /// Checks each part, then that the parts fit together; names the two sizes that do not.
    status check() const noexcept {
        return detail::first_failure(
            {encoder_.check(), decoder_.check(), head_.check(),
             detail::require_equal(kind, "encoder inputs and outputs of the head",
                                   encoder_.input_size(), features()),
             detail::require_equal(kind, "encoder outputs and decoder inputs", embedding_size(),
                                   decoder_.input_size()),
             detail::require_equal(kind, "decoder outputs and inputs of the head",
                                   decoder_.output_size(), head_.input_size())});
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        parts().for_each_parameter_block(visit);
    }

    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        parts().initialise(parameters, random);
    }

    // ---- inference --------------------------------------------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept { return parts().packed_size(); }
    /// Packs parameters for predict(); see concept packable_model. Never allocates.
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        parts().pack(parameters, packed);
    }

    constexpr index_t predict_work_size(int batch, int /*time*/) const noexcept {
        return encoder_.state_size(batch) + decoder_.state_size(batch) +
               std::max(encoder_.step_work_size(batch), decoder_.step_work_size(batch)) +
               head_.apply_work_size(batch);
    }
    /// Reconstructs windows with weights from pack(); see concept sequence_model. Never allocates.
    void predict(packed_weights<Scalar> packed, sequence_view<const Scalar> windows,
                 sequence_view<Scalar> predictions, std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        work_area<Scalar> rest{work};
        const auto encoder_state = zero(rest.take(encoder_.state_size(batch)));
        const auto decoder_state = zero(rest.take(decoder_.state_size(batch)));
        const auto step_work =
            rest.take(std::max(encoder_.step_work_size(batch), decoder_.step_work_size(batch)));
        const auto head_work = rest.rest();
        for (int t = 0; t < windows.time(); ++t) {
            encoder_.step(packed, windows.step(t), encoder_state, step_work, order_of_step(t));
        }
        const auto embedding = encoder_.top_hidden(encoder_state, batch);
        for (int t = 0; t < windows.time(); ++t) {
            decoder_.step(packed.from(parts().template packed_of<decoder_part>()), embedding,
                          decoder_state, step_work, order_of_step(t));
            head_.apply(packed.from(parts().template packed_of<head_part>()),
                        decoder_.top_hidden(decoder_state, batch), predictions.step(t), head_work);
        }
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        return encoder_.tape_size(batch, time) + decoder_.tape_size(batch, time) +
               head_.tape_size(batch, time) +
               index_t{2 * embedding_size() + features() + decoder_.output_size()} * batch * time +
               encoder_.state_size(batch) + decoder_.state_size(batch) +
               std::max({encoder_.state_backward_work_size(batch, time),
                         decoder_.state_backward_work_size(batch, time),
                         head_.backward_work_size(batch, time)});
    }
    /// Loss over the batch; adds its gradient to `gradients`. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, random_generator& random,
                             std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        const int time = windows.time();
        work_area<Scalar> rest{work};
        const auto encoder_tape =
            encoder_.make_tape(rest.take(encoder_.tape_size(batch, time)), batch, time);
        const auto decoder_tape =
            decoder_.make_tape(rest.take(decoder_.tape_size(batch, time)), batch, time);
        const auto head_tape =
            head_.make_tape(rest.take(head_.tape_size(batch, time)), batch, time);
        const auto repeated = detail::take_sequence(rest, embedding_size(), batch, time);
        const auto repeated_gradient = detail::take_sequence(rest, embedding_size(), batch, time);
        const auto output_gradient = detail::take_sequence(rest, features(), batch, time);
        const auto hidden_gradient =
            detail::take_sequence(rest, decoder_.output_size(), batch, time);
        const auto encoder_gradient = zero(rest.take(encoder_.state_size(batch)));
        const auto decoder_gradient = zero(rest.take(decoder_.state_size(batch)));
        const auto scratch = rest.rest();

        encoder_.reset(encoder_tape, random);
        encoder_.forward(parameters, windows, encoder_tape);
        const int last = encoder_.layers() - 1;
        const auto embedding = encoder_.tape_state(encoder_tape, last, time).hidden;
        for (int t = 0; t < time; ++t) {
            repeated.step(t) = embedding;
        }
        decoder_.reset(decoder_tape, random);
        decoder_.forward(slice(parameters, parts().template parameters_of<decoder_part>()),
                         repeated, decoder_tape);
        const auto hidden = decoder_.outputs(decoder_tape);
        head_.forward(slice(parameters, parts().template parameters_of<head_part>()), hidden,
                      head_tape);
        const double value = loss(std::span<const Scalar>(head_.outputs(head_tape).span()),
                                  std::span<const Scalar>(windows.span()), output_gradient.span());

        head_.backward(slice(parameters, parts().template parameters_of<head_part>()), hidden,
                       head_tape, output_gradient,
                       slice(gradients, parts().template parameters_of<head_part>()),
                       hidden_gradient, scratch);
        decoder_.backward(slice(parameters, parts().template parameters_of<decoder_part>()),
                          repeated, decoder_tape, hidden_gradient,
                          slice(gradients, parts().template parameters_of<decoder_part>()),
                          repeated_gradient, decoder_gradient, scratch);
        auto embedding_gradient = encoder_.layer_state(encoder_gradient, last, batch).hidden;
        for (int t = 0; t < time; ++t) {
            embedding_gradient += repeated_gradient.step(t);
        }
        encoder_.backward(parameters, windows, encoder_tape, {}, gradients, {}, encoder_gradient,
                          scratch);
        return value;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "encoder", encoder_);
        detail::exchange_part(archive, "decoder", decoder_);
        detail::exchange_part(archive, "head", head_);
    }

  private:
    enum part : std::size_t { encoder_part, decoder_part, head_part };
    constexpr auto parts() const noexcept {
        return detail::list_parts({"encoder", "decoder", "head"}, encoder_, decoder_, head_);
    }

    [[no_unique_address]] Encoder encoder_;
    [[no_unique_address]] Decoder decoder_;
    [[no_unique_address]] Head head_;
};

} // namespace tocsin
