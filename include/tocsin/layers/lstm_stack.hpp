/// @file lstm_stack.hpp
/// @brief LSTM layers on top of each other, of different sizes, with dropout on their outputs.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dropout.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// LSTM layers of which each reads the outputs of the one below, after dropout. Recurrent states
/// are never dropped. Parameters, tapes and states of the layers stand one after the other, first
/// layer first; a state is `[h | c]` of each layer.
/// @tparam Precision see layers/precision.hpp
/// @tparam Sizes     input size, then one hidden size per layer; none for sizes at run time
template <class Scalar, class Precision, int... Sizes>
class basic_lstm_stack {
    template <int Inputs = dynamic, int Hidden = dynamic>
    using layer_type = lstm<Scalar, Inputs, Hidden, Precision>;

  public:
    using scalar_type = Scalar;
    using sizes_type = chain_sizes<Sizes...>;

    /// What the forward pass leaves for the backward pass, in `tape_size()` scalars.
    struct tape_type {
        std::span<Scalar> area;
        int batch = 0;
        int time = 0;
    };

    constexpr basic_lstm_stack() noexcept = default;
    constexpr explicit basic_lstm_stack(sizes_type sizes, double dropout_rate = 0) noexcept
        : sizes_{sizes}, dropout_{dropout_rate} {}

    constexpr int layers() const noexcept { return sizes_.layers(); }
    constexpr int input_size() const noexcept { return sizes_.size(0); }
    constexpr int hidden_size(int layer) const noexcept { return sizes_.size(layer + 1); }
    constexpr int output_size() const noexcept { return sizes_.size(layers()); }
    constexpr double dropout_rate() const noexcept { return dropout_.rate; }
    constexpr index_t parameter_count() const noexcept {
        index_t count = 0;
        for (int k = 0; k < layers(); ++k) {
            count += layer(k).parameter_count();
        }
        return count;
    }
    status check() const noexcept {
        const status sizes = sizes_.check("lstm_stack");
        return sizes.ok() ? dropout_.check() : sizes;
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        for_each_layer(0, 0, [&](const auto& layer, const position& at) {
            char name[24];
            std::snprintf(name, sizeof name, "lstm.%d", at.k);
            layer.for_each_parameter_block(
                [&](const char* /*block*/, index_t offset, index_t rows, index_t cols) {
                    visit(name, at.parameters + offset, rows, cols);
                });
        });
    }

    template <class Initialiser = glorot_orthogonal>
    void initialise(std::span<Scalar> parameters, random_generator& random,
                    const Initialiser& initialiser = {}) const {
        for_each_layer(0, 0, [&](const auto& layer, const position& at) {
            layer.initialise(slice(parameters, at.parameters, layer.parameter_count()), random,
                             initialiser);
        });
    }

    // ---- inference: one step, state kept by the caller --------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept {
        index_t size = 0;
        for (int k = 0; k < layers(); ++k) {
            size += layer(k).packed_size();
        }
        return size;
    }
    /// Packs parameters for step(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        for_each_layer(0, 0, [&](const auto& layer, const position& at) {
            layer.pack(slice(parameters, at.parameters), slice(packed, at.packed));
        });
    }

    constexpr index_t state_size(int batch) const noexcept {
        index_t size = 0;
        for (int k = 0; k < layers(); ++k) {
            size += index_t{2} * hidden_size(k) * batch;
        }
        return size;
    }
    constexpr index_t step_work_size(int batch) const noexcept {
        return index_t{largest_hidden_size()} * batch;
    }
    /// h and c of one layer inside a state of the whole stack.
    lstm_state<Scalar> layer_state(std::span<Scalar> state, int layer, int batch) const noexcept {
        index_t offset = 0;
        for (int k = 0; k < layer; ++k) {
            offset += index_t{2} * hidden_size(k) * batch;
        }
        const auto shape = this->layer(layer);
        return shape.make_state(slice(state, offset, shape.state_size(batch)), batch);
    }
    /// h of the last layer, `[output_size x batch]`.
    matrix_view<const Scalar> top_hidden(std::span<const Scalar> state, int batch) const noexcept {
        const index_t last = index_t{2} * output_size() * batch;
        return {state.data() + (state_size(batch) - last), output_size(), batch};
    }
    /// Advances all layers by one time step, without dropout. Never allocates.
    /// @param packed weights by pack()
    /// @param input  `[inputs x batch]`
    /// @param state  `state_size(batch)` scalars
    /// @param work   `step_work_size(batch)` scalars
    /// @param order  see lstm::step
    void step(packed_weights<Scalar> packed, const matrix_view<const Scalar>& input,
              std::span<Scalar> state, std::span<Scalar> work,
              block_order order = block_order::ascending) const noexcept {
        const int batch = static_cast<int>(input.cols());
        const Scalar* below = input.data();
        for_each_layer(batch, 0, [&](const auto& layer, const position& at) {
            auto current = layer.make_state(slice(state, at.state, layer.state_size(batch)), batch);
            const matrix_view<const Scalar> inputs(below, layer.input_size(), batch);
            layer.step(packed.from(at.packed), inputs, current, work, order);
            below = current.hidden.data();
        });
    }

    // ---- whole sequences with a tape --------------------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return tape_offset(layers(), batch, time);
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area, batch, time};
    }
    /// Zero initial states, no dropout: the mode of evaluation.
    void reset(const tape_type& tape) const noexcept {
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            layer.reset(views.cells);
            std::fill(views.mask.begin(), views.mask.end(), Scalar(1));
        });
    }
    /// Zero initial states and fresh dropout masks: the mode of training.
    void reset(const tape_type& tape, random_generator& random) const noexcept {
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            layer.reset(views.cells);
            dropout_.draw(views.mask, random);
        });
    }
    /// Initial or final state of a layer as it stands in the tape: step 0, or `time`.
    lstm_state<Scalar> tape_state(const tape_type& tape, int layer, int step) const noexcept {
        const auto shape = this->layer(layer);
        const auto views = frame(shape, tape, tape_offset(layer, tape.batch, tape.time)).cells;
        return {views.hiddens.step(step), views.cells.step(step)};
    }
    /// Outputs of the last layer after dropout, `[output_size x (batch * time)]`.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept {
        return layer_outputs(tape, layers() - 1);
    }

    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        sequence_view<const Scalar> below = inputs;
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            layer.forward(slice(parameters, at.parameters), below, views.cells);
            if (dropout_.active()) {
                views.dropped.flat().array() =
                    layer.outputs(views.cells).flat().array() * views.factors.flat().array();
            }
            below = outputs_of(layer, views);
        });
    }

    /// Packs the parameters into the tape, before forward_step() of a first step.
    void prepare(std::span<const Scalar> parameters, const tape_type& tape) const noexcept {
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            layer.prepare(slice(parameters, at.parameters), frame(layer, tape, at.tape).cells);
        });
    }
    /// One step of a sequence whose next input is known only now, after prepare().
    void forward_step(const matrix_view<const Scalar>& input, const tape_type& tape,
                      int t) const noexcept {
        const Scalar* below = input.data();
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            const matrix_view<const Scalar> inputs(below, layer.input_size(), tape.batch);
            layer.forward_step(inputs, views.cells, t);
            if (dropout_.active()) {
                views.dropped.step(t).array() =
                    views.cells.hiddens.step(t + 1).array() * views.factors.step(t).array();
            }
            below = outputs_of(layer, views).step(t).data();
        });
    }

    /// Scratch scalars of backward_step().
    constexpr index_t backward_step_work_size(int batch) const noexcept {
        return index_t{std::max(largest_hidden_size(), input_size())} * batch;
    }
    /// Chain rule through step `t` of all layers; call it for every step, the last first, then
    /// accumulate_gradients().
    /// @param inputs          of the whole sequence, as they were in the forward pass
    /// @param output_gradient `[output_size x batch]` dL/d(output) of this step
    /// @param state_gradient  `state_size(batch)`, in: of the new state beyond `output_gradient`;
    ///                        out: of the old state
    /// @param input_gradient  `[inputs x batch]`, overwritten; not wanted when data() is null
    void backward_step(sequence_view<const Scalar> inputs, const tape_type& tape, int t,
                       const matrix_view<const Scalar>& output_gradient,
                       std::span<Scalar> state_gradient, matrix_view<Scalar> input_gradient,
                       std::span<Scalar> work) const noexcept {
        const Scalar* above = output_gradient.data();
        for_each_layer_reversed(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            auto gradient = layer.make_state(
                slice(state_gradient, at.state, layer.state_size(tape.batch)), tape.batch);
            const matrix_view<const Scalar> incoming(above, layer.hidden_size(), tape.batch);
            if (dropout_.active()) {
                gradient.hidden.array() += incoming.array() * views.factors.step(t).array();
            } else {
                gradient.hidden += incoming;
            }
            layer.backward_step(inputs_of(at.k, inputs, tape), views.cells, t, gradient);
            // `incoming` has been added to the state gradient: its place in `work` is free again.
            Scalar* const below = at.k > 0 ? work.data() : input_gradient.data();
            if (below != nullptr) {
                layer.input_gradient_step(
                    views.cells, t, matrix_view<Scalar>(below, layer.input_size(), tape.batch));
            }
            above = below;
        });
    }
    /// Adds dL/dparameters of all layers and steps, after backward_step of every step.
    void accumulate_gradients(const tape_type& tape, std::span<Scalar> gradients) const noexcept {
        for_each_layer(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            layer.accumulate_gradients(frame(layer, tape, at.tape).cells,
                                       slice(gradients, at.parameters));
        });
    }

    /// Scratch scalars of backward().
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return state_size(batch) + state_backward_work_size(batch, time);
    }
    /// Backpropagation through time from zero gradients of the final states; see lstm::backward.
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> work) const noexcept {
        work_area<Scalar> rest{work};
        const auto state_gradient = rest.take(state_size(tape.batch));
        std::fill(state_gradient.begin(), state_gradient.end(), Scalar(0));
        backward(parameters, inputs, tape, output_gradient, gradients, input_gradient,
                 state_gradient, rest.rest());
    }
    /// Scratch scalars of backward() with a state gradient of the caller.
    constexpr index_t state_backward_work_size(int batch, int time) const noexcept {
        return index_t{largest_hidden_size()} * batch * time;
    }
    /// @param output_gradient may be empty: only the final states matter
    /// @param state_gradient  `state_size(batch)`, in: of the final states; out: of the initial
    ///                        ones
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> state_gradient, std::span<Scalar> work) const noexcept {
        sequence_view<const Scalar> above = output_gradient;
        for_each_layer_reversed(tape.batch, tape.time, [&](const auto& layer, const position& at) {
            const auto views = frame(layer, tape, at.tape);
            auto gradient = layer.make_state(
                slice(state_gradient, at.state, layer.state_size(tape.batch)), tape.batch);
            if (dropout_.active() && above.data() != nullptr) {
                const sequence_view<Scalar> masked(work.data(), layer.hidden_size(), tape.batch,
                                                   tape.time);
                masked.flat().array() = above.flat().array() * views.factors.flat().array();
                above = masked;
            }
            const auto layer_inputs = inputs_of(at.k, inputs, tape);
            // The gradient from above is read before the one for below is written, so that both
            // can stand at the start of `work`.
            const sequence_view<Scalar> below =
                at.k > 0
                    ? sequence_view<Scalar>(work.data(), layer.input_size(), tape.batch, tape.time)
                    : input_gradient;
            layer.backward(slice(parameters, at.parameters), layer_inputs, views.cells, above,
                           slice(gradients, at.parameters), below, gradient);
            above = below;
        });
    }

    /// Visits the settings for saving and loading; see io/archive.hpp.
    template <class Archive>
    void exchange(Archive& archive) {
        sizes_.exchange(archive);
        archive.number("dropout_rate", dropout_.rate);
    }

  private:
    /// Where a layer's parts begin in the stack's parameters, tape and state.
    struct position {
        int k = 0;
        index_t parameters = 0;
        index_t packed = 0;
        index_t tape = 0;
        index_t state = 0;
    };
    /// A layer's part of the tape.
    template <class Layer>
    struct layer_frame {
        typename Layer::tape_type cells;
        std::span<Scalar> mask;        // dropout factors, empty without dropout
        sequence_view<Scalar> factors; // the mask as a sequence
        sequence_view<Scalar> dropped; // outputs times mask
    };

    constexpr int largest_hidden_size() const noexcept {
        int largest = 0;
        for (int k = 0; k < layers(); ++k) {
            largest = std::max(largest, hidden_size(k));
        }
        return largest;
    }
    /// Layer `k` with its sizes at run time.
    constexpr layer_type<> layer(int k) const noexcept { return {sizes_.size(k), hidden_size(k)}; }
    constexpr index_t layer_tape_size(int k, int batch, int time) const noexcept {
        const index_t outputs = index_t{hidden_size(k)} * batch * time;
        return layer(k).tape_size(batch, time) +
               (dropout_.active() ? 2 * whole_lines<Scalar>(outputs) : 0);
    }
    /// Where the tape of layer `k` begins.
    constexpr index_t tape_offset(int k, int batch, int time) const noexcept {
        index_t offset = 0;
        for (int below = 0; below < k; ++below) {
            offset += layer_tape_size(below, batch, time);
        }
        return offset;
    }

    template <class Layer>
    layer_frame<Layer> frame(const Layer& layer, const tape_type& tape,
                             index_t offset) const noexcept {
        work_area<Scalar> rest{slice(tape.area, offset)};
        const auto cells = layer.make_tape(rest.take(layer.tape_size(tape.batch, tape.time)),
                                           tape.batch, tape.time);
        if (!dropout_.active()) {
            return {cells, {}, {}, {}};
        }
        const int hidden = layer.hidden_size();
        const index_t outputs = index_t{hidden} * tape.batch * tape.time;
        const auto mask = slice(rest.take(whole_lines<Scalar>(outputs)), 0, outputs);
        const auto dropped = rest.take(whole_lines<Scalar>(outputs));
        return {cells,
                mask,
                {mask.data(), hidden, tape.batch, tape.time},
                {dropped.data(), hidden, tape.batch, tape.time}};
    }
    template <class Layer>
    sequence_view<Scalar> outputs_of(const Layer& layer,
                                     const layer_frame<Layer>& views) const noexcept {
        if (dropout_.active()) {
            return views.dropped;
        }
        return layer.outputs(views.cells);
    }
    /// Outputs of layer `k`, after dropout.
    sequence_view<Scalar> layer_outputs(const tape_type& tape, int k) const noexcept {
        const auto shape = layer(k);
        return outputs_of(shape, frame(shape, tape, tape_offset(k, tape.batch, tape.time)));
    }
    /// What layer `k` reads: the inputs of the stack, or the outputs of the layer below.
    sequence_view<const Scalar> inputs_of(int k, sequence_view<const Scalar> inputs,
                                          const tape_type& tape) const noexcept {
        return k > 0 ? sequence_view<const Scalar>(layer_outputs(tape, k - 1)) : inputs;
    }

    template <class Visit>
    void for_each_layer(int batch, int time, Visit&& visit) const {
        position at;
        sizes_.for_each_layer([&]<int In, int Out>(int k, int in, int out) {
            const layer_type<In, Out> layer{in, out};
            at.k = k;
            visit(layer, at);
            at.parameters += layer.parameter_count();
            at.packed += layer.packed_size();
            at.tape += layer_tape_size(k, batch, time);
            at.state += layer.state_size(batch);
        });
    }
    template <class Visit>
    void for_each_layer_reversed(int batch, int time, Visit&& visit) const {
        position at{0, parameter_count(), packed_size(), tape_size(batch, time), state_size(batch)};
        sizes_.for_each_layer_reversed([&]<int In, int Out>(int k, int in, int out) {
            const layer_type<In, Out> layer{in, out};
            at.k = k;
            at.parameters -= layer.parameter_count();
            at.packed -= layer.packed_size();
            at.tape -= layer_tape_size(k, batch, time);
            at.state -= layer.state_size(batch);
            visit(layer, at);
        });
    }

    [[no_unique_address]] sizes_type sizes_;
    dropout dropout_;
};

/// Stack of LSTM layers with the usual precision: `lstm_stack<float>{{8, 64, 32}}`, or
/// `lstm_stack<float, 8, 64, 32>` with sizes known at compile time.
template <class Scalar, int... Sizes>
using lstm_stack = basic_lstm_stack<Scalar, standard_precision, Sizes...>;

} // namespace tocsin
