/// @file reconstruction_stream.hpp
/// @brief What a stream keeps for a model that reconstructs a window for each sample: the window.
#pragma once

#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/window_samples.hpp"

namespace tocsin::firmware::detail {

/// A model that reconstructs windows, of a detector that judges them by their newest step, as the
/// command line does. After a missing value with missing_policy::forecast, the network runs twice.
/// @tparam Model   a generated model
/// @tparam Numbers the model's, such as float_numbers
/// @tparam Network what reconstructs, such as lstm_reconstruction: `newest(sample, result)`, and
///                 `whole(sample, result, visit)`; `sample(t)` is what it reads at a step
template <class Model, class Numbers, class Network>
class reconstruction_stream : public window_samples<Model, Numbers, Model::window> {
    static constexpr int length = Model::window;
    using samples = window_samples<Model, Numbers, length>;
    using value = typename Numbers::value_type;
    using input = typename Numbers::input_type;
    static_assert(Model::targets == Model::features && Model::look_ahead == 1);

  public:
    static constexpr int shortest_warm_up = length - 1; ///< samples before the first score
    static constexpr bool judges_what_it_read = true;   ///< the newest sample of the window

    /// Forgets the stream.
    void restart() noexcept { *this = {}; }

    /// What the newest sample is reconstructed as, `[features]`. A hole is read as the value before
    /// it; with missing_policy::forecast then once more, as what the first reading made of it.
    void forecast(value* result) const noexcept {
        if constexpr (Model::missing == missing_policy::none) {
            Network::newest([this](int t) { return this->sample(t); }, result);
        } else {
            input window[unsigned{length}][unsigned{Model::features}];
            const auto filled = [&](int t) { return window[t]; };
            bool holes = false;
            for (int t = 0; t < length; ++t) {
                if (t > 0) {
                    samples::copy(window[t - 1], window[t]);
                }
                holes = samples::fill(this->sample(t), t == 0, window[t]) || holes;
            }
            if (Model::missing == missing_policy::forecast && holes) {
                Network::whole(filled, result,
                               [&](int t) { samples::refill(this->sample(t), result, window[t]); });
            }
            Network::newest(filled, result);
        }
    }
};

/// Reconstructs windows by an LSTM encoder-decoder, with as many steps of the encoder and of the
/// decoder as a window has, or a single one of a decoder that begins with the newest sample. See
/// tocsin::encoder_decoder for the network.
/// @tparam Encoder the layers that read the window, such as a float_lstm
/// @tparam Layers  what decodes it, such as float_layers
template <class Model, class Numbers, class Encoder, class Layers>
class lstm_reconstruction {
    static constexpr int length = Model::window;
    using value = typename Numbers::value_type;
    using input = typename Numbers::input_type;
    static_assert(lstm_sizes<Model::features, Model::encoder_hidden>::top == Model::hidden[0],
                  "tocsin: the encoder does not fit the sizes of the model");

  public:
    /// The newest step, `[features]`.
    template <class Sample>
    static void newest(const Sample& sample, value* result) noexcept {
        run(sample, Model::reversed ? 1 : length, result, [](int) {});
    }
    /// All steps, one after the other in `result`.
    /// @param visit called with the step
    template <class Sample, class Visit>
    static void whole(const Sample& sample, value* result, const Visit& visit) noexcept {
        run(sample, length, result, visit);
    }

  private:
    /// Encodes the window, then decodes `steps` samples.
    template <class Sample, class Visit>
    static void run(const Sample& sample, int steps, value* result, const Visit& visit) noexcept {
        Encoder encoder;
        for (int t = 0; t < length; ++t) {
            encoder.read(sample(t));
        }
        Layers decoder;
        decoder.start_from(encoder);
        for (int f = 0; f < Model::features; ++f) {
            result[f] = 0;
        }
        for (int s = 0; s < steps; ++s) {
            input inputs[Model::features];
            for (int f = 0; f < Model::features; ++f) {
                inputs[f] = Numbers::to_network(result[f]);
            }
            decoder.read(inputs);
            decoder.head(result);
            visit(Model::reversed ? length - 1 - s : s);
        }
    }
};

} // namespace tocsin::firmware::detail
