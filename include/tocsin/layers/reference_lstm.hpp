/// @file reference_lstm.hpp
/// @brief The LSTM layer written like its equations, on Eigen: the reference for tests of lstm.hpp.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/initialisers.hpp"
#include "tocsin/layers/lstm_state.hpp"
#include "tocsin/math/lstm_kernels.hpp"
#include "tocsin/math/products.hpp"

#include <span>

namespace tocsin {

/// An LSTM layer with matrix products and one loop over units, with exact activations; parameters
/// as in lstm.hpp. Slower, but short enough to compare with the equations.
/// @tparam Inputs,Hidden compile-time sizes, or `dynamic` for sizes given to the constructor
template <class Scalar, int Inputs = dynamic, int Hidden = dynamic>
class reference_lstm {
    static constexpr int gate_rows = extent_product(lstm_gate::count, Hidden);

  public:
    using scalar_type = Scalar;
    using state = lstm_state<Scalar, Hidden>;

    /// What the forward pass leaves for the backward pass; views into `tape_size()` scalars.
    struct tape_type {
        sequence_view<Scalar, gate_rows> gates; ///< i, f, g, o of every step; then dL/dz
        sequence_view<Scalar, Hidden> hiddens; ///< h of time + 1 steps; step 0 is the initial state
        sequence_view<Scalar, Hidden> cells;   ///< c of time + 1 steps; step 0 is the initial state
    };

    constexpr reference_lstm() noexcept = default;
    constexpr reference_lstm(int inputs, int hidden) noexcept : inputs_{inputs}, hidden_{hidden} {}

    constexpr int input_size() const noexcept { return inputs_.value(); }
    constexpr int hidden_size() const noexcept { return hidden_.value(); }
    constexpr int output_size() const noexcept { return hidden_.value(); }
    constexpr index_t parameter_count() const noexcept {
        return index_t{4} * hidden_size() * (index_t{input_size()} + hidden_size() + 1);
    }
    /// Names the first size that is not positive.
    status check() const noexcept {
        if (input_size() < 1 || hidden_size() < 1) {
            return status::error(error_code::invalid_argument, "reference_lstm: input size ",
                                 input_size(), " and hidden size ", hidden_size(),
                                 " must both be at least 1");
        }
        return {};
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("weights", index_t{0}, index_t{4} * hidden_size(),
              index_t{input_size()} + hidden_size() + 1);
    }

    /// Draws all parameters; `Initialiser` is a policy such as `glorot_orthogonal`. May allocate.
    template <class Initialiser = glorot_orthogonal>
    void initialise(std::span<Scalar> parameters, random_generator& random,
                    const Initialiser& initialiser = {}) const {
        const weights<Scalar> view = view_of(parameters);
        auto input = view.input;
        auto recurrent = view.recurrent;
        auto bias = view.bias;
        for (int gate = 0; gate < lstm_gate::count; ++gate) {
            auto input_rows = input.middleRows(gate * hidden_size(), hidden_size());
            initialiser.input_weights(input_rows, hidden_size(), random);
            auto recurrent_rows = recurrent.middleRows(gate * hidden_size(), hidden_size());
            initialiser.recurrent_weights(recurrent_rows, hidden_size(), random);
        }
        bias.setZero();
        bias.segment(lstm_gate::forget * hidden_size(), hidden_size())
            .setConstant(static_cast<Scalar>(initialiser.forget_gate_bias));
    }

    // ---- one step, state kept by the caller -------------------------------------------------

    /// Scalars of the states h and c of a batch.
    constexpr index_t state_size(int batch) const noexcept {
        return index_t{2} * hidden_size() * batch;
    }
    /// Gives shape to `state_size(batch)` scalars.
    state make_state(std::span<Scalar> area, int batch) const noexcept {
        work_area<Scalar> rest{area};
        const index_t size = index_t{hidden_size()} * batch;
        Scalar* const hidden = rest.take(size).data();
        return {matrix_view<Scalar, Hidden>(hidden, hidden_size(), batch),
                matrix_view<Scalar, Hidden>(rest.take(size).data(), hidden_size(), batch)};
    }
    /// Scratch scalars of step().
    constexpr index_t step_work_size(int batch) const noexcept {
        return index_t{4} * hidden_size() * batch;
    }
    /// Advances the state by one time step. Never allocates for a batch of one.
    /// @param input `[inputs x batch]`
    /// @param work  `step_work_size(batch)` scalars
    template <class Input>
    void step(std::span<const Scalar> parameters, const Input& input, state& current,
              std::span<Scalar> work) const noexcept {
        matrix_view<Scalar, gate_rows> gates(work.data(), 4 * hidden_size(), input.cols());
        pre_activations(view_of(parameters), input, current.hidden, gates);
        for (index_t b = 0; b < input.cols(); ++b) {
            Scalar* const cell = current.cell.col(b).data();
            lstm_cell_forward(hidden_size(), gates.col(b).data(), cell, cell,
                              current.hidden.col(b).data());
        }
    }

    // ---- whole sequences with a tape -------------------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{hidden_size()} * batch * (index_t{4} * time + index_t{2} * (time + 1));
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const index_t step = index_t{hidden_size()} * batch;
        Scalar* const gates = rest.take(4 * step * time).data();
        Scalar* const hiddens = rest.take(step * (time + 1)).data();
        Scalar* const cells = rest.take(step * (time + 1)).data();
        return {{gates, 4 * hidden_size(), batch, time},
                {hiddens, hidden_size(), batch, time + 1},
                {cells, hidden_size(), batch, time + 1}};
    }
    /// Zero initial states. For other initial states, write them into step 0 of the tape instead.
    void reset(const tape_type& tape) const noexcept {
        tape.hiddens.step(0).setZero();
        tape.cells.step(0).setZero();
    }
    /// h of all steps, `[hidden x (batch * time)]`.
    sequence_view<Scalar, Hidden> outputs(const tape_type& tape) const noexcept {
        return tape.hiddens.steps(1, tape.gates.time());
    }

    /// Whole sequence: one matrix product for the input projections of all steps, then one small
    /// product per step for the recurrence.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                 const tape_type& tape) const noexcept {
        const weights<const Scalar> view = view_of(parameters);
        auto projections = tape.gates.flat();
        multiply(view.input, inputs.flat(), projections);
        projections.colwise() += view.bias;
        for (int t = 0; t < inputs.time(); ++t) {
            multiply_add(view.recurrent, tape.hiddens.step(t), tape.gates.step(t));
            update_state(tape, t);
        }
    }

    /// One step of a sequence whose next input is not known yet (a decoder that reads its own
    /// predictions).
    template <class Input>
    void forward_step(std::span<const Scalar> parameters, const Input& input, const tape_type& tape,
                      int t) const noexcept {
        auto gates = tape.gates.step(t);
        pre_activations(view_of(parameters), input, tape.hiddens.step(t), gates);
        update_state(tape, t);
    }

    /// Chain rule through step `t`; leaves dL/dz of the step in `tape.gates`.
    /// @param gradient in: dL/dh and dL/dc of step t's new state, complete; out: of its old state
    void backward_step(std::span<const Scalar> parameters, const tape_type& tape, int t,
                       state& gradient) const noexcept {
        auto gates = tape.gates.step(t);
        const auto previous_cells = tape.cells.step(t);
        const auto cells = tape.cells.step(t + 1);
        for (index_t b = 0; b < gates.cols(); ++b) {
            lstm_cell_backward(hidden_size(), gates.col(b).data(), previous_cells.col(b).data(),
                               cells.col(b).data(), gradient.hidden.col(b).data(),
                               gradient.cell.col(b).data());
        }
        multiply_transposed(view_of(parameters).recurrent, gates, gradient.hidden);
    }

    /// dL/dx of step `t`, after backward_step(t).
    template <class Gradient>
    void input_gradient_step(std::span<const Scalar> parameters, const tape_type& tape, int t,
                             Gradient&& input_gradient) const noexcept {
        multiply_transposed(view_of(parameters).input, tape.gates.step(t), input_gradient);
    }

    /// Adds dL/dW, dL/dU, dL/db of all steps, after backward_step of all of them: one large matrix
    /// product per block.
    void accumulate_gradients(sequence_view<const Scalar, Inputs> inputs, const tape_type& tape,
                              std::span<Scalar> gradients) const noexcept {
        const weights<Scalar> view = view_of(gradients);
        auto input = view.input;
        auto recurrent = view.recurrent;
        auto bias = view.bias;
        const auto slopes = tape.gates.flat();
        add_outer_product(slopes, inputs.flat(), input);
        add_outer_product(slopes, tape.hiddens.steps(0, tape.gates.time()).flat(), recurrent);
        bias += slopes.rowwise().sum();
    }

    /// Scratch scalars of the short form of backward().
    constexpr index_t backward_work_size(int batch, int /*time*/) const noexcept {
        return state_size(batch);
    }

    /// Backpropagation through time over the whole sequence. Adds to `gradients`, consumes the
    /// tape.
    /// @param output_gradient dL/dh of every step, `[hidden x (batch * time)]`; empty means zero
    /// @param gradients       dL/dparameters, added to
    /// @param input_gradient  dL/dx of every step, overwritten; empty if not wanted
    /// @param final_state     in: dL/dh and dL/dc of the final state beyond `output_gradient`;
    ///                        out: of the initial state
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                  const tape_type& tape, sequence_view<const Scalar, Hidden> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Inputs> input_gradient,
                  state& final_state) const noexcept {
        for (int t = inputs.time() - 1; t >= 0; --t) {
            if (output_gradient.data() != nullptr) {
                final_state.hidden += output_gradient.step(t);
            }
            backward_step(parameters, tape, t, final_state);
        }
        accumulate_gradients(inputs, tape, gradients);
        if (input_gradient.data() != nullptr) {
            multiply_transposed(view_of(parameters).input, tape.gates.flat(),
                                input_gradient.flat());
        }
    }
    /// The same with a zero gradient of the final state.
    /// @param work `backward_work_size(batch, time)` scalars; out: dL/dh and dL/dc of the initial
    ///             state
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                  const tape_type& tape, sequence_view<const Scalar, Hidden> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Inputs> input_gradient,
                  std::span<Scalar> work) const noexcept {
        state gradient = make_state(work, inputs.batch());
        gradient.hidden.setZero();
        gradient.cell.setZero();
        backward(parameters, inputs, tape, output_gradient, gradients, input_gradient, gradient);
    }

  private:
    template <class Element>
    struct weights {
        matrix_view<Element, gate_rows, Inputs> input;     // W [4H x I]
        matrix_view<Element, gate_rows, Hidden> recurrent; // U [4H x H]
        vector_view<Element, gate_rows> bias;              // b [4H]
    };

    template <class Element>
    weights<Element> view_of(std::span<Element> parameters) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(parameters.size()) >= parameter_count(),
                      "reference_lstm: too few parameters");
        const index_t rows = index_t{4} * hidden_size();
        Element* const input = parameters.data();
        Element* const recurrent = input + rows * input_size();
        Element* const bias = recurrent + rows * hidden_size();
        return {matrix_view<Element, gate_rows, Inputs>(input, rows, input_size()),
                matrix_view<Element, gate_rows, Hidden>(recurrent, rows, hidden_size()),
                vector_view<Element, gate_rows>(bias, rows)};
    }

    template <class Input, class Previous, class Gates>
    static void pre_activations(const weights<const Scalar>& view, const Input& input,
                                const Previous& hidden, Gates& gates) noexcept {
        multiply(view.input, input, gates);
        multiply_add(view.recurrent, hidden, gates);
        gates.colwise() += view.bias;
    }

    void update_state(const tape_type& tape, int t) const noexcept {
        auto gates = tape.gates.step(t);
        const auto previous_cells = tape.cells.step(t);
        auto cells = tape.cells.step(t + 1);
        auto hiddens = tape.hiddens.step(t + 1);
        for (index_t b = 0; b < gates.cols(); ++b) {
            lstm_cell_forward(hidden_size(), gates.col(b).data(), previous_cells.col(b).data(),
                              cells.col(b).data(), hiddens.col(b).data());
        }
    }

    [[no_unique_address]] extent<Inputs> inputs_;
    [[no_unique_address]] extent<Hidden> hidden_;
};

} // namespace tocsin
