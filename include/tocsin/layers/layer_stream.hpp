/// @file layer_stream.hpp
/// @brief Layers that read a sequence sample by sample and keep what they need of the past.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/math/elementwise.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// What a layer needs to read a sequence sample by sample, in scalars.
struct layer_stream_sizes {
    bool possible = false; ///< false for a layer that needs the whole sequence
    /// Whether an output depends on samples before its own.
    bool remembers = false;
    /// Whether the layer gives the last step of a sequence alone.
    bool last_step = false;
    index_t packed = 0; ///< of the weights
    index_t state = 0;  ///< of what is remembered; zeros at the start
    index_t work = 0;   ///< of scratch
};

/// How a layer reads a sequence sample by sample: `sizes(layer)`; `pack(layer, parameters,
/// statistics, packed)`; `step(layer, packed, input, output, state, work)` gives, after each sample,
/// the last output of what inference gives for all samples so far. Neither allocates. Specialise it for a
/// layer of your own; without a specialisation a layer needs the whole sequence.
template <class Layer>
struct layer_stream {};

/// A layer that can read a sequence sample by sample.
template <class Layer>
concept streaming_layer = requires(const Layer& layer) { layer_stream<Layer>::sizes(layer); };

namespace detail {

template <class Layer>
layer_stream_sizes stream_sizes_of(const Layer& layer) noexcept {
    if constexpr (streaming_layer<Layer>) {
        return layer_stream<Layer>::sizes(layer);
    } else {
        return {};
    }
}

/// Without weights and without memory: the outputs are those of the inputs, one by one.
template <class Layer>
struct copied_stream {
    using scalar = typename Layer::scalar_type;
    static layer_stream_sizes sizes(const Layer& /*layer*/) noexcept { return {.possible = true}; }
    static void pack(const Layer& /*layer*/, std::span<const scalar> /*parameters*/,
                     std::span<const scalar> /*statistics*/,
                     std::span<scalar> /*packed*/) noexcept {}
    static void step(const Layer& layer, std::span<const scalar> /*packed*/, const scalar* input,
                     scalar* output, std::span<scalar> /*state*/,
                     std::span<scalar> /*work*/) noexcept {
        std::copy_n(input, layer.output_size(), output);
    }
};

} // namespace detail

/// @cond specialisations: see layer_stream

template <class Scalar>
struct layer_stream<dropout_layer<Scalar>> : detail::copied_stream<dropout_layer<Scalar>> {};

template <class Scalar>
struct layer_stream<pooling<Scalar, last_step>>
    : detail::copied_stream<pooling<Scalar, last_step>> {
    static layer_stream_sizes sizes(const pooling<Scalar, last_step>& /*layer*/) noexcept {
        return {.possible = true, .last_step = true};
    }
};

template <class Scalar, class Activation>
struct layer_stream<activation_layer<Scalar, Activation>>
    : detail::copied_stream<activation_layer<Scalar, Activation>> {
    static void step(const activation_layer<Scalar, Activation>& layer,
                     std::span<const Scalar> /*packed*/, const Scalar* input, Scalar* output,
                     std::span<Scalar> /*state*/, std::span<Scalar> /*work*/) noexcept {
        std::copy_n(input, layer.output_size(), output);
        activate(layer.activation(), output, layer.output_size());
    }
};

template <class Scalar>
struct layer_stream<softmax_layer<Scalar>> : detail::copied_stream<softmax_layer<Scalar>> {
    static void step(const softmax_layer<Scalar>& layer, std::span<const Scalar> /*packed*/,
                     const Scalar* input, Scalar* output, std::span<Scalar> /*state*/,
                     std::span<Scalar> /*work*/) noexcept {
        layer.forward({}, {input, layer.input_size(), 1, 1}, {output, layer.output_size(), 1, 1});
    }
};

template <class Scalar, int Inputs, int Hidden, class Precision>
struct layer_stream<lstm<Scalar, Inputs, Hidden, Precision>> {
    using layer_type = lstm<Scalar, Inputs, Hidden, Precision>;
    static layer_stream_sizes sizes(const layer_type& layer) noexcept {
        return {
            true, true, false, layer.packed_size(), layer.state_size(1), layer.step_work_size(1)};
    }
    static void pack(const layer_type& layer, std::span<const Scalar> parameters,
                     std::span<const Scalar> /*statistics*/, std::span<Scalar> packed) noexcept {
        layer.pack(parameters, packed);
    }
    static void step(const layer_type& layer, std::span<const Scalar> packed, const Scalar* input,
                     Scalar* output, std::span<Scalar> state, std::span<Scalar> work) noexcept {
        auto current = layer.make_state(state, 1);
        layer.step(packed_weights<Scalar>{packed},
                   matrix_view<const Scalar>(input, layer.input_size(), 1), current, work);
        std::copy_n(current.hidden.data(), layer.output_size(), output);
    }
};

template <class Scalar, class Activation, int Inputs, int Outputs>
struct layer_stream<dense<Scalar, Activation, Inputs, Outputs>> {
    using layer_type = dense<Scalar, Activation, Inputs, Outputs>;
    static layer_stream_sizes sizes(const layer_type& layer) noexcept {
        return {.possible = true, .packed = layer.packed_size()};
    }
    static void pack(const layer_type& layer, std::span<const Scalar> parameters,
                     std::span<const Scalar> /*statistics*/, std::span<Scalar> packed) noexcept {
        layer.pack(parameters, packed);
    }
    static void step(const layer_type& layer, std::span<const Scalar> packed, const Scalar* input,
                     Scalar* output, std::span<Scalar> /*state*/,
                     std::span<Scalar> /*work*/) noexcept {
        layer.apply_column(packed.data(), input, output);
    }
};

/// The running statistics are folded into one factor and one summand of each channel.
template <class Scalar, int Channels>
struct layer_stream<batch_norm<Scalar, Channels>> {
    using layer_type = batch_norm<Scalar, Channels>;
    static layer_stream_sizes sizes(const layer_type& layer) noexcept {
        return {.possible = true, .packed = index_t{2} * layer.input_size()};
    }
    static void pack(const layer_type& layer, std::span<const Scalar> parameters,
                     std::span<const Scalar> statistics, std::span<Scalar> packed) noexcept {
        const index_t channels = layer.input_size();
        layer.fold(parameters, statistics, vector_view<Scalar>(packed.data(), channels),
                   vector_view<Scalar>(packed.data() + channels, channels));
    }
    static void step(const layer_type& layer, std::span<const Scalar> packed, const Scalar* input,
                     Scalar* output, std::span<Scalar> /*state*/,
                     std::span<Scalar> /*work*/) noexcept {
        const auto channels = static_cast<std::size_t>(layer.input_size());
        for (std::size_t k = 0; k < channels; ++k) {
            output[k] = input[k] * packed[k] + packed[channels + k];
        }
    }
};

/// A convolution that reads the past alone. The state is the samples that the next output reads.
template <class Scalar, int Inputs, int Outputs>
struct layer_stream<conv1d<Scalar, Inputs, Outputs>> {
    using layer_type = conv1d<Scalar, Inputs, Outputs>;
    static layer_stream_sizes sizes(const layer_type& layer) noexcept {
        const index_t samples = index_t{layer.reach()} + 1;
        return {layer.steps_before() == layer.reach(),
                layer.reach() > 0,
                false,
                layer.parameter_count(),
                samples * layer.input_size(),
                last_output(layer).tape_size(1, layer.reach() + 1)};
    }
    static void pack(const layer_type& /*layer*/, std::span<const Scalar> parameters,
                     std::span<const Scalar> /*statistics*/, std::span<Scalar> packed) noexcept {
        std::copy(parameters.begin(), parameters.end(), packed.begin());
    }
    static void step(const layer_type& layer, std::span<const Scalar> packed, const Scalar* input,
                     Scalar* output, std::span<Scalar> state, std::span<Scalar> work) noexcept {
        const int samples = layer.reach() + 1;
        std::copy(state.begin() + layer.input_size(), state.end(), state.begin());
        std::copy_n(input, layer.input_size(), state.end() - layer.input_size());
        const auto convolution = last_output(layer);
        const auto tape = convolution.make_tape(work, 1, samples);
        convolution.forward(packed, {state.data(), layer.input_size(), 1, samples}, tape);
        std::copy_n(convolution.outputs(tape).data(), layer.output_size(), output);
    }

  private:
    /// The same taps, once, over the samples that they read.
    static layer_type last_output(const layer_type& layer) noexcept {
        auto form = layer.form();
        form.padding = padding::valid;
        return {layer.input_size(), layer.output_size(), form};
    }
};

template <streaming_layer Layer>
struct layer_stream<penalised<Layer>> {
    using scalar = typename Layer::scalar_type;
    static layer_stream_sizes sizes(const penalised<Layer>& layer) noexcept {
        return layer_stream<Layer>::sizes(layer.layer());
    }
    static void pack(const penalised<Layer>& layer, std::span<const scalar> parameters,
                     std::span<const scalar> statistics, std::span<scalar> packed) noexcept {
        layer_stream<Layer>::pack(layer.layer(), parameters, statistics, packed);
    }
    static void step(const penalised<Layer>& layer, std::span<const scalar> packed,
                     const scalar* input, scalar* output, std::span<scalar> state,
                     std::span<scalar> work) noexcept {
        layer_stream<Layer>::step(layer.layer(), packed, input, output, state, work);
    }
};

/// @endcond

} // namespace tocsin
