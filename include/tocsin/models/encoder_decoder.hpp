/// @file encoder_decoder.hpp
/// @brief LSTM encoder-decoder that reconstructs a window (Malhotra et al. 2016, arXiv 1607.00148).
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/model_parts.hpp"
#include "tocsin/models/state_bridge.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace tocsin {

namespace detail {
/// The kind of model that an encoder makes of an encoder_decoder.
template <class Encoder>
constexpr const char* kind_by_encoder() noexcept {
    if constexpr (requires { Encoder::model_kind; }) {
        return Encoder::model_kind;
    } else {
        return "encoder_decoder";
    }
}
/// A part whose sizes are a list given at run time.
template <class Part>
concept sized_at_run_time = requires { requires !Part::sizes_type::is_static; };
} // namespace detail

/// What the decoder reads during training; at inference it always reads its own predictions.
enum class decoder_training : std::uint8_t {
    free_running,  ///< its own last prediction; the gradient flows through it
    teacher_forced ///< the true last value, shifted by one step after a zero start
};

/// The final (h, c) of the last encoder layer starts the decoder's first layer, through a dense
/// bridge where their sizes differ; other decoder layers start at zero. The decoder's first input
/// is zero; each later input is the previous step's prediction (or, teacher-forced, its target). A
/// dense head turns the decoder's outputs into samples.
///
/// Parameters: encoder, decoder, head, then the dense layers of the bridge for h and c, if there is
/// one.
template <class Scalar, class Encoder = lstm_stack<Scalar>, class Decoder = lstm_stack<Scalar>,
          class Head = dense_head<Scalar>>
class encoder_decoder {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = detail::kind_by_encoder<Encoder>();
    static constexpr bool has_independent_windows = true;
    static constexpr int version = 1;

    constexpr encoder_decoder() noexcept = default;
    /// The defaults found the most anomalies (docs/evaluation.md).
    /// @param reversed whether the decoder emits the window's last sample first, as in the paper
    constexpr encoder_decoder(Encoder encoder, Decoder decoder, Head head, bool reversed = false,
                              decoder_training training = decoder_training::free_running) noexcept
        : encoder_{encoder}, decoder_{decoder}, head_{head}, reversed_{reversed},
          training_{training} {}

    /// The usual shape: LSTM layers of these sizes, the same in reverse order for the decoder, a linear
    /// head; no bridge. Sizes that do not work are named by check(). Allocates while it is made.
    static encoder_decoder with_layers(int features, std::initializer_list<int> hidden,
                                       double dropout_rate = 0, bool reversed = false,
                                       decoder_training training = decoder_training::free_running)
        requires(detail::sized_at_run_time<Encoder> && detail::sized_at_run_time<Decoder> &&
                 detail::sized_at_run_time<Head>)
    {
        std::vector<int> sizes{features};
        sizes.insert(sizes.end(), hidden);
        const Encoder encoder{typename Encoder::sizes_type(sizes), dropout_rate};
        std::reverse(sizes.begin() + 1, sizes.end());
        return {encoder, Decoder{typename Decoder::sizes_type(sizes), dropout_rate},
                Head{{sizes.back(), features}}, reversed, training};
    }

    constexpr const Encoder& encoder() const noexcept { return encoder_; }
    constexpr const Decoder& decoder() const noexcept { return decoder_; }
    constexpr const Head& head() const noexcept { return head_; }
    /// Whether the end of the window is decoded first.
    constexpr bool reversed() const noexcept { return reversed_; }
    /// What the decoder reads in training.
    constexpr decoder_training training() const noexcept { return training_; }
    constexpr int features() const noexcept { return head_.output_size(); }
    /// Whether a linear map leads from the encoder state to a decoder of another size.
    constexpr bool has_bridge() const noexcept { return bridge().needed(); }
    constexpr index_t parameter_count() const noexcept { return parts().parameter_count(); }

    /// Checks each part, then that the parts fit together; names the two sizes that do not.
    status check() const noexcept {
        return detail::first_failure(
            {encoder_.check(), decoder_.check(), head_.check(),
             detail::require_equal(kind, "encoder inputs and outputs of the head",
                                   encoder_.input_size(), features()),
             detail::require_equal(kind, "decoder inputs and outputs of the head",
                                   decoder_.input_size(), features()),
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
               head_.apply_work_size(batch) + index_t{features()} * batch;
    }
    /// Reconstructs windows; the decoder reads its own predictions. Never allocates.
    /// @param packed      weights from pack()
    /// @param windows     `[features x (batch * time)]`
    /// @param predictions the same shape, in time order, overwritten
    /// @param work        `predict_work_size(batch, time)` scalars
    void predict(packed_weights<Scalar> packed, sequence_view<const Scalar> windows,
                 sequence_view<Scalar> predictions, std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        const int time = windows.time();
        work_area<Scalar> rest{work};
        const auto encoder_state = zero(rest.take(encoder_.state_size(batch)));
        const auto decoder_state = zero(rest.take(decoder_.state_size(batch)));
        const auto step_work =
            rest.take(std::max(encoder_.step_work_size(batch), decoder_.step_work_size(batch)));
        const auto head_work = rest.take(head_.apply_work_size(batch));
        const auto start = zero(rest.take(index_t{features()} * batch));

        if constexpr (requires { encoder_.read(packed, windows, encoder_state, step_work); }) {
            encoder_.read(packed, windows, encoder_state, step_work); // not in order of time
        } else {
            for (int t = 0; t < time; ++t) {
                encoder_.step(packed, windows.step(t), encoder_state, step_work, order_of_step(t));
            }
        }
        bridge().cross(packed.from(parts().template packed_of<bridge_part>()),
                       encoder_.layer_state(encoder_state, encoder_.layers() - 1, batch),
                       decoder_.layer_state(decoder_state, 0, batch));
        const Scalar* input = start.data();
        for (int s = 0; s < time; ++s) {
            decoder_.step(packed.from(parts().template packed_of<decoder_part>()),
                          matrix_view<const Scalar>(input, features(), batch), decoder_state,
                          step_work, order_of_step(s));
            auto prediction = predictions.step(window_step(s, time));
            head_.apply(packed.from(parts().template packed_of<head_part>()),
                        decoder_.top_hidden(decoder_state, batch), prediction, head_work);
            input = prediction.data();
        }
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        const index_t samples = index_t{features()} * batch * time;
        return encoder_.tape_size(batch, time) + decoder_.tape_size(batch, time) +
               head_.tape_size(batch, time) + 3 * samples + encoder_.state_size(batch) +
               decoder_.state_size(batch) +
               std::max({encoder_.state_backward_work_size(batch, time),
                         decoder_backward_work_size(batch, time)});
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
        const decoding step{
            decoder_.make_tape(rest.take(decoder_.tape_size(batch, time)), batch, time),
            head_.make_tape(rest.take(head_.tape_size(batch, time)), batch, time),
            detail::take_sequence(rest, features(), batch, time),
            detail::take_sequence(rest, features(), batch, time),
            detail::take_sequence(rest, features(), batch, time),
            rest.take(decoder_.state_size(batch))};
        const auto encoder_gradient = zero(rest.take(encoder_.state_size(batch)));
        const auto scratch = rest.rest();

        encoder_.reset(encoder_tape, random);
        encoder_.forward(parameters, windows, encoder_tape);
        decoder_.reset(step.decoder, random);
        const int last = encoder_.layers() - 1;
        const auto encoded = encoder_.tape_state(encoder_tape, last, time);
        bridge().cross(slice(parameters, parts().template parameters_of<bridge_part>()), encoded,
                       decoder_.tape_state(step.decoder, 0, 0));

        for (int s = 0; s < time; ++s) {
            step.targets.step(s) = windows.step(window_step(s, time));
        }
        decode(parameters, step);
        const double value =
            loss(std::span<const Scalar>(head_.outputs(step.head).span()),
                 std::span<const Scalar>(step.targets.span()), step.output_gradient.span());

        zero(step.state_gradient);
        decode_backward(parameters, step, gradients, scratch);
        bridge().cross_backward(slice(parameters, parts().template parameters_of<bridge_part>()),
                                encoded, decoder_.layer_state(step.state_gradient, 0, batch),
                                slice(gradients, parts().template parameters_of<bridge_part>()),
                                encoder_.layer_state(encoder_gradient, last, batch));
        encoder_.backward(parameters, windows, encoder_tape, {}, gradients, {}, encoder_gradient,
                          scratch);
        return value;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "encoder", encoder_);
        detail::exchange_part(archive, "decoder", decoder_);
        detail::exchange_part(archive, "head", head_);
        archive.integer("reversed", reversed_);
        archive.integer("training", training_, decoder_training::free_running,
                        decoder_training::teacher_forced);
    }

  private:
    /// Buffers for decoding a batch in training; sequences are in the decoder's order of steps.
    struct decoding {
        typename Decoder::tape_type decoder;
        typename Head::tape_type head;
        sequence_view<Scalar> inputs;          // what the decoder read
        sequence_view<Scalar> targets;         // the true values
        sequence_view<Scalar> output_gradient; // dL/d(prediction)
        std::span<Scalar> state_gradient;      // dL/d(decoder state)
    };

    enum part : std::size_t { encoder_part, decoder_part, head_part, bridge_part };
    constexpr auto parts() const noexcept {
        return detail::list_parts({"encoder", "decoder", "head", "bridge"}, encoder_, decoder_,
                                  head_, bridge());
    }
    constexpr detail::state_bridge<Scalar> bridge() const noexcept {
        return {encoder_.output_size(), decoder_.hidden_size(0)};
    }
    /// Position in the window of the decoder's output at its step `s`.
    constexpr int window_step(int s, int time) const noexcept {
        return reversed_ ? time - 1 - s : s;
    }
    constexpr index_t decoder_backward_work_size(int batch, int time) const noexcept {
        const index_t free_running =
            index_t{decoder_.output_size()} * batch + index_t{features()} * batch +
            head_.backward_work_size(batch, 1) + decoder_.backward_step_work_size(batch);
        const index_t teacher_forced = index_t{decoder_.output_size()} * batch * time +
                                       std::max(head_.backward_work_size(batch, time),
                                                decoder_.state_backward_work_size(batch, time));
        return training_ == decoder_training::free_running ? free_running : teacher_forced;
    }

    void decode(std::span<const Scalar> parameters, const decoding& step) const noexcept {
        const auto decoder_parameters =
            slice(parameters, parts().template parameters_of<decoder_part>());
        const auto head_parameters = slice(parameters, parts().template parameters_of<head_part>());
        const int time = step.inputs.time();
        step.inputs.step(0).setZero();
        if (training_ == decoder_training::teacher_forced) {
            for (int s = 1; s < time; ++s) {
                step.inputs.step(s) = step.targets.step(s - 1);
            }
            decoder_.forward(decoder_parameters, step.inputs, step.decoder);
            head_.forward(head_parameters, decoder_.outputs(step.decoder), step.head);
            return;
        }
        decoder_.prepare(decoder_parameters, step.decoder);
        const sequence_view<Scalar> hidden = decoder_.outputs(step.decoder);
        for (int s = 0; s < time; ++s) {
            if (s > 0) {
                step.inputs.step(s) = head_.outputs(step.head).step(s - 1);
            }
            decoder_.forward_step(read_only(step.inputs.step(s)), step.decoder, s);
            head_.forward_step(head_parameters, read_only(hidden.step(s)), step.head, s);
        }
    }

    void decode_backward(std::span<const Scalar> parameters, const decoding& step,
                         std::span<Scalar> gradients, std::span<Scalar> work) const noexcept {
        const auto decoder_parameters =
            slice(parameters, parts().template parameters_of<decoder_part>());
        const auto decoder_gradients =
            slice(gradients, parts().template parameters_of<decoder_part>());
        const auto head_parameters = slice(parameters, parts().template parameters_of<head_part>());
        const auto head_gradients = slice(gradients, parts().template parameters_of<head_part>());
        const sequence_view<Scalar> hidden = decoder_.outputs(step.decoder);
        const int batch = step.inputs.batch();
        const int time = step.inputs.time();
        work_area<Scalar> rest{work};

        if (training_ == decoder_training::teacher_forced) {
            const auto hidden_gradient =
                detail::take_sequence(rest, hidden.features(), batch, time);
            head_.backward(head_parameters, hidden, step.head, step.output_gradient, head_gradients,
                           hidden_gradient, rest.rest());
            decoder_.backward(decoder_parameters, step.inputs, step.decoder, hidden_gradient,
                              decoder_gradients, {}, step.state_gradient, rest.rest());
            return;
        }
        matrix_view<Scalar> hidden_gradient(rest.take(index_t{hidden.features()} * batch).data(),
                                            hidden.features(), batch);
        matrix_view<Scalar> input_gradient(rest.take(index_t{features()} * batch).data(),
                                           features(), batch);
        const auto head_work = rest.take(head_.backward_work_size(batch, 1));
        for (int s = time - 1; s >= 0; --s) {
            head_.backward_step(head_parameters, read_only(hidden.step(s)), step.head, s,
                                read_only(step.output_gradient.step(s)), head_gradients,
                                hidden_gradient, head_work);
            decoder_.backward_step(step.inputs, step.decoder, s, read_only(hidden_gradient),
                                   step.state_gradient, input_gradient, rest.rest());
            if (s > 0) {
                step.output_gradient.step(s - 1) += input_gradient;
            }
        }
        decoder_.accumulate_gradients(step.decoder, decoder_gradients);
    }

    [[no_unique_address]] Encoder encoder_;
    [[no_unique_address]] Decoder decoder_;
    [[no_unique_address]] Head head_;
    bool reversed_ = false;
    decoder_training training_ = decoder_training::free_running;
};

} // namespace tocsin
