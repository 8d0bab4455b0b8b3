/// @file lstm_stack.hpp
/// @brief Stacked LSTM layers of different sizes, with dropout on their outputs.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack_layout.hpp"
#include "tocsin/math/elementwise.hpp"

#include <algorithm>
#include <cstdio>
#include <span>

namespace tocsin {

/// Each LSTM layer reads the outputs of the one below, after dropout. Recurrent states are never
/// dropped. Parameters, tapes and states of the layers follow each other, first layer first; a
/// state is `[h | c]` of each layer.
/// @tparam Precision see layers/precision.hpp
/// @tparam Sizes     input size, then one hidden size per layer; none for run-time sizes
template <class Scalar, class Precision, int... Sizes>
class basic_lstm_stack {
    using layout_type = detail::lstm_stack_layout<Scalar, Precision, Sizes...>;

  public:
    using scalar_type = Scalar;
    using arithmetic = typename Precision::arithmetic; ///< how activations are computed
    using precision_type = Precision;                  ///< of all layers
    using sizes_type = typename layout_type::sizes_type;
    /// What the forward pass leaves for the backward pass, in `tape_size()` scalars.
    using tape_type = typename layout_type::tape_type;

    constexpr basic_lstm_stack() noexcept = default;
    /// Layers of these sizes, input first; check() judges them.
    constexpr explicit basic_lstm_stack(sizes_type sizes, double dropout_rate = 0) noexcept
        : layout_{sizes, dropout_rate} {}

    constexpr int layers() const noexcept { return layout_.layers(); }
    constexpr int input_size() const noexcept { return layout_.input_size(); }
    constexpr int hidden_size(int layer) const noexcept { return layout_.hidden_size(layer); }
    constexpr int output_size() const noexcept { return layout_.output_size(); }
    constexpr double dropout_rate() const noexcept { return layout_.output_dropout().rate; }
    constexpr index_t parameter_count() const noexcept { return layout_.parameter_count(); }
    status check() const noexcept { return layout_.check(); }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        layout_.for_each_layer(0, 0, [&](const auto& layer, const auto& at) {
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
        layout_.for_each_layer(0, 0, [&](const auto& layer, const auto& at) {
            layer.initialise(slice(parameters, at.parameters, layer.parameter_count()), random,
                             initialiser);
        });
    }

    // ---- inference: one step, state kept by the caller --------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept { return layout_.packed_size(); }
    /// Packs parameters for step(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        layout_.for_each_layer(0, 0, [&](const auto& layer, const auto& at) {
            layer.pack(slice(parameters, at.parameters), slice(packed, at.packed));
        });
    }

    constexpr index_t state_size(int batch) const noexcept { return layout_.state_size(batch); }
    constexpr index_t step_work_size(int batch) const noexcept {
        return index_t{layout_.largest_hidden_size()} * batch;
    }
    /// h and c of one layer inside a state of the whole stack.
    lstm_state<Scalar> layer_state(std::span<Scalar> state, int layer, int batch) const noexcept {
        const auto shape = layout_.layer(layer);
        return shape.make_state(
            slice(state, layout_.state_offset(layer, batch), shape.state_size(batch)), batch);
    }
    /// h of the last layer, `[output_size x batch]`.
    matrix_view<const Scalar> top_hidden(std::span<const Scalar> state, int batch) const noexcept {
        const index_t last = index_t{2} * output_size() * batch;
        return {state.data() + (state_size(batch) - last), output_size(), batch};
    }
    /// Advances all layers by one time step, without dropout. Never allocates.
    /// @param packed weights from pack()
    /// @param input  `[inputs x batch]`
    /// @param state  `state_size(batch)` scalars
    /// @param work   `step_work_size(batch)` scalars
    /// @param order  see lstm::step
    void step(packed_weights<Scalar> packed, const matrix_view<const Scalar>& input,
              std::span<Scalar> state, std::span<Scalar> work,
              block_order order = block_order::ascending) const noexcept {
        const int batch = static_cast<int>(input.cols());
        const Scalar* below = input.data();
        layout_.for_each_layer(batch, 0, [&](const auto& layer, const auto& at) {
            auto current = layer.make_state(slice(state, at.state, layer.state_size(batch)), batch);
            const matrix_view<const Scalar> inputs(below, layer.input_size(), batch);
            layer.step(packed.from(at.packed), inputs, current, work, order);
            below = current.hidden.data();
        });
    }
    /// The same for a batch of one. Without views of matrices, which cost more than a small step.
    /// @param input `[inputs]`
    /// @return h of the last layer, `[output_size]`, in the state
    TOCSIN_ALWAYS_INLINE const Scalar* step_column(const Scalar* packed, const Scalar* input,
                                                   Scalar* state, Scalar* work,
                                                   block_order order) const noexcept {
        layout_.for_each_layer(1, 0, [&](const auto& layer, const auto& at) TOCSIN_ALWAYS_INLINE {
            Scalar* const hidden = state + at.state;
            layer.step_column(packed + at.packed, input, hidden, hidden + layer.hidden_size(), work,
                              order);
            input = hidden;
        });
        return input;
    }

    // ---- whole sequences with a tape --------------------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return layout_.tape_size(batch, time);
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area, batch, time};
    }
    /// Zero initial states, no dropout: for evaluation.
    void reset(const tape_type& tape) const noexcept {
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            const auto views = layout_.frame(layer, tape, at.tape);
            layer.reset(views.cells);
            std::fill(views.mask.begin(), views.mask.end(), Scalar(1));
        });
    }
    /// Zero initial states and fresh dropout masks: for training.
    void reset(const tape_type& tape, random_generator& random) const noexcept {
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            const auto views = layout_.frame(layer, tape, at.tape);
            layer.reset(views.cells);
            layout_.output_dropout().draw(views.mask, random);
        });
    }
    /// Initial or final state of a layer in the tape: step 0, or `time`.
    lstm_state<Scalar> tape_state(const tape_type& tape, int layer, int step) const noexcept {
        const auto shape = layout_.layer(layer);
        const auto views =
            layout_.frame(shape, tape, layout_.tape_offset(layer, tape.batch, tape.time)).cells;
        return {views.hiddens.step(step), views.cells.step(step)};
    }
    /// Outputs of the last layer after dropout, `[output_size x (batch * time)]`.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept {
        return layout_.layer_outputs(tape, layers() - 1);
    }

    /// Computes all layers over all time steps into the tape, from zero states.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        sequence_view<const Scalar> below = inputs;
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            const auto views = layout_.frame(layer, tape, at.tape);
            layer.forward(slice(parameters, at.parameters), below, views.cells);
            if (layout_.output_dropout().active()) {
                multiply_elements(layer.outputs(views.cells).data(), views.factors.data(),
                                  views.dropped.data(), views.dropped.size());
            }
            below = layout_.outputs_of(layer, views);
        });
    }

    /// Packs the parameters into the tape; call it before the first forward_step().
    void prepare(std::span<const Scalar> parameters, const tape_type& tape) const noexcept {
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            layer.prepare(slice(parameters, at.parameters),
                          layout_.frame(layer, tape, at.tape).cells);
        });
    }
    /// One step of a sequence, after prepare(), whose next input is not known yet.
    void forward_step(const matrix_view<const Scalar>& input, const tape_type& tape,
                      int t) const noexcept {
        const Scalar* below = input.data();
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            const auto views = layout_.frame(layer, tape, at.tape);
            const matrix_view<const Scalar> inputs(below, layer.input_size(), tape.batch);
            layer.forward_step(inputs, views.cells, t);
            if (layout_.output_dropout().active()) {
                multiply_elements(views.cells.hiddens.step(t + 1).data(),
                                  views.factors.step(t).data(), views.dropped.step(t).data(),
                                  views.dropped.step_size());
            }
            below = layout_.outputs_of(layer, views).step(t).data();
        });
    }

    /// Scratch scalars of backward_step().
    constexpr index_t backward_step_work_size(int batch) const noexcept {
        return index_t{std::max(layout_.largest_hidden_size(), input_size())} * batch;
    }
    /// Chain rule through step `t` of all layers; call it for every step, starting with the last,
    /// then accumulate_gradients().
    /// @param inputs          of the whole sequence, as they were in the forward pass
    /// @param output_gradient `[output_size x batch]` dL/d(output) of this step
    /// @param state_gradient  `state_size(batch)`, in: of the new state beyond `output_gradient`;
    ///                        out: of the old state
    /// @param input_gradient  `[inputs x batch]`, overwritten; data() is null when not wanted
    void backward_step(sequence_view<const Scalar> inputs, const tape_type& tape, int t,
                       const matrix_view<const Scalar>& output_gradient,
                       std::span<Scalar> state_gradient, matrix_view<Scalar> input_gradient,
                       std::span<Scalar> work) const noexcept {
        const Scalar* above = output_gradient.data();
        layout_.for_each_layer_reversed(
            tape.batch, tape.time, [&](const auto& layer, const auto& at) {
                const auto views = layout_.frame(layer, tape, at.tape);
                auto gradient = layer.make_state(
                    slice(state_gradient, at.state, layer.state_size(tape.batch)), tape.batch);
                const matrix_view<const Scalar> incoming(above, layer.hidden_size(), tape.batch);
                if (layout_.output_dropout().active()) {
                    gradient.hidden.array() += incoming.array() * views.factors.step(t).array();
                } else {
                    gradient.hidden += incoming;
                }
                layer.backward_step(layout_.inputs_of(at.k, inputs, tape), views.cells, t,
                                    gradient);
                // `incoming` has been added to the state gradient, so its place in `work` is free.
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
        layout_.for_each_layer(tape.batch, tape.time, [&](const auto& layer, const auto& at) {
            layer.accumulate_gradients(layout_.frame(layer, tape, at.tape).cells,
                                       slice(gradients, at.parameters));
        });
    }

    /// Scratch scalars of backward().
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return state_size(batch) + state_backward_work_size(batch, time);
    }
    /// Backpropagation through time with zero gradients of the final states; see lstm::backward.
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
    /// Scratch scalars of backward() with the caller's state gradient.
    constexpr index_t state_backward_work_size(int batch, int time) const noexcept {
        return index_t{layout_.largest_hidden_size()} * batch * time;
    }
    /// @param output_gradient may be empty: only the final states matter
    /// @param state_gradient  `state_size(batch)`, in: of the final states; out: of the initial
    ///                        ones
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> state_gradient, std::span<Scalar> work) const noexcept {
        sequence_view<const Scalar> above = output_gradient;
        layout_.for_each_layer_reversed(
            tape.batch, tape.time, [&](const auto& layer, const auto& at) {
                const auto views = layout_.frame(layer, tape, at.tape);
                auto gradient = layer.make_state(
                    slice(state_gradient, at.state, layer.state_size(tape.batch)), tape.batch);
                if (layout_.output_dropout().active() && above.data() != nullptr) {
                    const sequence_view<Scalar> masked(work.data(), layer.hidden_size(), tape.batch,
                                                       tape.time);
                    multiply_elements(above.data(), views.factors.data(), masked.data(),
                                      masked.size());
                    above = masked;
                }
                const auto layer_inputs = layout_.inputs_of(at.k, inputs, tape);
                // The gradient from above is read before the one for below is written, so both can
                // be at the start of `work`.
                const sequence_view<Scalar> below =
                    at.k > 0 ? sequence_view<Scalar>(work.data(), layer.input_size(), tape.batch,
                                                     tape.time)
                             : input_gradient;
                layer.backward(slice(parameters, at.parameters), layer_inputs, views.cells, above,
                               slice(gradients, at.parameters), below, gradient);
                above = below;
            });
    }

    /// Visits the settings for saving and loading; see io/archive.hpp.
    template <class Archive>
    void exchange(Archive& archive) {
        layout_.exchange(archive);
    }

  private:
    layout_type layout_;
};

/// Stack of LSTM layers with standard precision: `lstm_stack<float>{{8, 64, 32}}`, or
/// `lstm_stack<float, 8, 64, 32>` with compile-time sizes.
template <class Scalar, int... Sizes>
using lstm_stack = basic_lstm_stack<Scalar, standard_precision, Sizes...>;

} // namespace tocsin
