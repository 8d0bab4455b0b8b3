/// @file lstm.hpp
/// @brief An LSTM layer: cell, sequence, backpropagation through time.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/initialisers.hpp"
#include "tocsin/layers/layer_archive.hpp"
#include "tocsin/layers/lstm_state.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/layers/precision.hpp"
#include "tocsin/layers/streaming_weights.hpp"
#include "tocsin/math/lstm_batch_kernel.hpp"
#include "tocsin/math/lstm_gradient_kernel.hpp"
#include "tocsin/math/lstm_packing.hpp"
#include "tocsin/math/packed_product.hpp"

#include <algorithm>
#include <span>
#include <type_traits>

namespace tocsin {

/// One LSTM layer without peepholes (equations in math/lstm_cell.hpp).
///
/// Parameters are one column-major matrix `[4H x (I + H + 1)]`, columns `[W | U | b]`, rows in the order
/// of `lstm_gate`: z = W x + U h + b. pack() and prepare() copy them into the order of the kernels.
/// @tparam Inputs,Hidden compile-time sizes, or `dynamic` for sizes given to the constructor
/// @tparam Precision     see layers/precision.hpp
template <class Scalar, int Inputs = dynamic, int Hidden = dynamic,
          class Precision = standard_precision>
class lstm {
    static constexpr bool has_bfloat16 = Precision::streaming_weights == weight_format::bfloat16;
    static_assert(!has_bfloat16 || std::is_same_v<Scalar, float>,
                  "lstm: bfloat16 weights are for float");
    using streaming = detail::streaming_weights<Scalar, Precision>;

  public:
    using scalar_type = Scalar;
    using arithmetic = typename Precision::arithmetic; ///< how activations are computed
    static constexpr const char* kind = "lstm";
    static constexpr int version = 1;
    /// Hidden and cell state of a batch.
    using state = lstm_state<Scalar, Hidden>;

    /// What the forward pass leaves for the backward pass; views into `tape_size()` scalars.
    struct tape_type {
        sequence_view<Scalar, Hidden> hiddens; ///< h of time + 1 steps; step 0 is the initial state
        sequence_view<Scalar, Hidden> cells;   ///< c of time + 1 steps; step 0 is the initial state
        packed_gate_columns<Scalar> gates;     ///< i, f, g, o of every step; then dL/dz
        Scalar* weights;                       ///< packed for the forward pass
        Scalar* gradient;                      ///< dL/dweights in the same order
        Scalar* to_hidden;                     ///< packed for dL/dh
        Scalar* to_input;                      ///< packed for dL/dx

        /// Sequences side by side.
        int batch() const noexcept { return hiddens.batch(); }
        /// Time steps.
        int time() const noexcept { return hiddens.time() - 1; }
    };

    constexpr lstm() noexcept = default;
    /// A layer of these sizes; check() judges them.
    constexpr lstm(int inputs, int hidden) noexcept : inputs_{inputs}, hidden_{hidden} {}

    constexpr int input_size() const noexcept { return inputs_.value(); }
    constexpr int hidden_size() const noexcept { return hidden_.value(); }
    constexpr int output_size() const noexcept { return hidden_.value(); }
    constexpr index_t parameter_count() const noexcept {
        return index_t{4} * hidden_size() * (index_t{input_size()} + hidden_size() + 1);
    }
    /// Names a size that is not positive, or sizes beyond what can be addressed.
    status check() const noexcept {
        if (input_size() < 1 || hidden_size() < 1) {
            return status::error(error_code::invalid_argument, "lstm: input size ", input_size(),
                                 " and hidden size ", hidden_size(), " must both be at least 1");
        }
        return detail::check_weights(kind, *this);
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
        const index_t rows = index_t{4} * hidden_size();
        for (int gate = 0; gate < lstm_gate::count; ++gate) {
            const auto gate_rows = [&](index_t first_column, index_t columns) {
                return matrix_view<Scalar>(parameters.data() + first_column * rows, rows, columns)
                    .middleRows(index_t{gate} * hidden_size(), hidden_size());
            };
            auto input_rows = gate_rows(0, input_size());
            initialiser.input_weights(input_rows, hidden_size(), random);
            auto recurrent_rows = gate_rows(input_size(), hidden_size());
            initialiser.recurrent_weights(recurrent_rows, hidden_size(), random);
            gate_rows(index_t{input_size()} + hidden_size(), 1)
                .setConstant(gate == lstm_gate::forget
                                 ? static_cast<Scalar>(initialiser.forget_gate_bias)
                                 : Scalar(0));
        }
    }

    // ---- inference: one step, state kept by the caller --------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept { return streaming::size(layout()); }
    /// Packs parameters for step(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        check_count(parameters);
        streaming::pack(layout(), parameters.data(), packed.data());
    }

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
        return index_t{hidden_size()} * batch;
    }
    /// Advances the state by one time step. Never allocates.
    /// @param packed weights from pack()
    /// @param input  `[inputs x batch]`, contiguous
    /// @param work   `step_work_size(batch)` scalars
    /// @param order  same result; alternating it is faster for layers beyond the first-level cache
    template <class Input>
    void step(packed_weights<Scalar> packed, const Input& input, state& current,
              std::span<Scalar> work, block_order order = block_order::ascending) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(packed.values.size()) >= packed_size(),
                      "lstm: too few packed weights");
        const int batch = static_cast<int>(input.cols());
        TOCSIN_ASSERT(static_cast<index_t>(work.size()) >= step_work_size(batch),
                      "lstm: too small a work area");
        Scalar* const hidden = current.hidden.data();
        Scalar* const cell = current.cell.data();
        if (batch == 1) {
            step_column(packed.values.data(), input.data(), hidden, cell, work.data(), order);
            return;
        }
        std::copy_n(hidden, current.hidden.size(), work.data());
        with_lanes<Scalar>(hidden_size(), [&]<class Lanes>() {
            lstm_batch_kernel<Lanes, arithmetic>(
                layout(), packed.values.data(),
                {batch, input.data(), work.data(), cell, hidden, cell}, {}, 0);
        });
    }
    /// The same for a batch of one, `[inputs]` and `[hidden]`.
    TOCSIN_ALWAYS_INLINE void step_column(const Scalar* packed, const Scalar* input, Scalar* hidden,
                                          Scalar* cell, Scalar* work,
                                          block_order order) const noexcept {
        streaming::step(layout(), packed, input, hidden, cell, work, order);
    }

    // ---- training: whole sequences with a tape ----------------------------------------------

    /// 6 scalars per unit for each time step and batch item, with hidden sizes rounded up to whole
    /// vector registers, plus four copies of the weights.
    constexpr index_t tape_size(int batch, int time) const noexcept {
        const index_t columns = index_t{batch} * time;
        return packed_gate_columns<Scalar>::size(layout(), columns) + 2 * layout().size() +
               slope_product(layout(), hidden_size()).size() +
               slope_product(layout(), input_size()).size() +
               2 * whole_lines<Scalar>(index_t{hidden_size()} * batch * (time + 1));
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const index_t columns = index_t{batch} * time;
        const index_t states = whole_lines<Scalar>(index_t{hidden_size()} * batch * (time + 1));
        tape_type tape;
        tape.gates = {rest.take(packed_gate_columns<Scalar>::size(layout(), columns)).data(),
                      columns};
        tape.weights = rest.take(layout().size()).data();
        tape.gradient = rest.take(layout().size()).data();
        tape.to_hidden = rest.take(slope_product(layout(), hidden_size()).size()).data();
        tape.to_input = rest.take(slope_product(layout(), input_size()).size()).data();
        tape.hiddens = {rest.take(states).data(), hidden_size(), batch, time + 1};
        tape.cells = {rest.take(states).data(), hidden_size(), batch, time + 1};
        return tape;
    }
    /// Zero initial states. For other initial states, write them into step 0 of the tape instead.
    void reset(const tape_type& tape) const noexcept {
        tape.hiddens.step(0).setZero();
        tape.cells.step(0).setZero();
    }
    /// h of all steps, `[hidden x (batch * time)]`.
    sequence_view<Scalar, Hidden> outputs(const tape_type& tape) const noexcept {
        return tape.hiddens.steps(1, tape.time());
    }

    /// Packs the parameters into the tape; call it before the first forward_step().
    void prepare(std::span<const Scalar> parameters, const tape_type& tape) const noexcept {
        check_count(parameters);
        pack_lstm(layout(), parameters.data(), tape.weights);
        pack_slope_product(layout(), hidden_size(), input_size(), parameters.data(),
                           tape.to_hidden);
        pack_slope_product(layout(), input_size(), 0, parameters.data(), tape.to_input);
        std::fill_n(tape.gradient, layout().size(), Scalar(0));
    }
    /// One step of a sequence, after prepare(), for inputs that become known step by step (a
    /// decoder that reads its own predictions).
    /// @param input `[inputs x batch]`, contiguous
    template <class Input>
    void forward_step(const Input& input, const tape_type& tape, int t) const noexcept {
        with_lanes<Scalar>(hidden_size(), [&]<class Lanes>() {
            lstm_batch_kernel<Lanes, arithmetic>(
                layout(), tape.weights,
                {tape.batch(), input.data(), tape.hiddens.step(t).data(), tape.cells.step(t).data(),
                 tape.hiddens.step(t + 1).data(), tape.cells.step(t + 1).data()},
                tape.gates, index_t{t} * tape.batch());
        });
    }
    /// Whole sequence, with prepare().
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                 const tape_type& tape) const noexcept {
        prepare(parameters, tape);
        for (int t = 0; t < inputs.time(); ++t) {
            forward_step(inputs.step(t), tape, t);
        }
    }

    /// Chain rule through step `t`; call it for every step, starting with the last.
    /// @param inputs   of the whole sequence, as they were in the forward pass
    /// @param gradient in: dL/dh and dL/dc of step t's new state, complete; out: of its old state
    void backward_step(sequence_view<const Scalar, Inputs> inputs, const tape_type& tape, int t,
                       state& gradient) const noexcept {
        const int batch = tape.batch();
        const index_t column = index_t{t} * batch;
        with_lanes<Scalar>(hidden_size(), [&]<class Lanes>() {
            lstm_slopes_kernel<Lanes, arithmetic>(
                layout(), batch, tape.gates, column, tape.cells.step(t).data(),
                tape.cells.step(t + 1).data(), gradient.hidden.data(), gradient.cell.data());
            packed_product<Lanes>(slope_product(layout(), hidden_size()), tape.to_hidden,
                                  slopes(tape, t), batch, nullptr, gradient.hidden.data());
            // With few columns, most of the time goes into reading and writing the gradient, so
            // small batches wait until several steps have accumulated.
            const int group = std::max(1, 32 / std::max(1, batch));
            if (t % group == 0) {
                const index_t columns = index_t{std::min(group, tape.time() - t)} * batch;
                lstm_weight_gradient_kernel<Lanes>(layout(), tape.gates, column, columns,
                                                   inputs.step(t).data(),
                                                   tape.hiddens.step(t).data(), tape.gradient);
            }
        });
    }
    /// dL/dx of step `t`, `[inputs x batch]`, after backward_step(t).
    template <class Gradient>
    void input_gradient_step(const tape_type& tape, int t,
                             Gradient&& input_gradient) const noexcept {
        take_to_inputs(tape, t, 1, input_gradient.data());
    }
    /// Adds dL/dW, dL/dU, dL/db of all steps, after backward_step(0).
    void accumulate_gradients(const tape_type& tape, std::span<Scalar> gradients) const noexcept {
        check_count(gradients);
        add_unpacked_lstm(layout(), tape.gradient, gradients.data());
    }

    /// Scratch scalars of the short form of backward().
    constexpr index_t backward_work_size(int batch, int /*time*/) const noexcept {
        return state_size(batch);
    }

    /// Backpropagation through time over the whole sequence. Adds to `gradients`, consumes the
    /// tape. The parameters are not read: prepare() has copied them.
    /// @param output_gradient dL/dh of every step, `[hidden x (batch * time)]`; empty means zero
    /// @param gradients       dL/dparameters, added to
    /// @param input_gradient  dL/dx of every step, overwritten; empty if not wanted
    /// @param final_state     in: dL/dh and dL/dc of the final state beyond `output_gradient`;
    ///                        out: of the initial state
    void backward(std::span<const Scalar> /*parameters*/,
                  sequence_view<const Scalar, Inputs> inputs, const tape_type& tape,
                  sequence_view<const Scalar, Hidden> output_gradient, std::span<Scalar> gradients,
                  sequence_view<Scalar, Inputs> input_gradient, state& final_state) const noexcept {
        for (int t = inputs.time() - 1; t >= 0; --t) {
            if (output_gradient.data() != nullptr) {
                final_state.hidden += output_gradient.step(t);
            }
            backward_step(inputs, tape, t, final_state);
        }
        accumulate_gradients(tape, gradients);
        // Only after the last step, so that both gradients may share memory.
        if (input_gradient.data() != nullptr) {
            take_to_inputs(tape, 0, input_gradient.time(), input_gradient.data());
        }
    }
    /// The same with a zero gradient of the final state.
    /// @param work `backward_work_size(batch, time)` scalars; out: the initial state's dL/dh, dL/dc
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                  const tape_type& tape, sequence_view<const Scalar, Hidden> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Inputs> input_gradient,
                  std::span<Scalar> work) const noexcept {
        state gradient = make_state(work, inputs.batch());
        gradient.hidden.setZero();
        gradient.cell.setZero();
        backward(parameters, inputs, tape, output_gradient, gradients, input_gradient, gradient);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::expect_policy<typename Precision::arithmetic>(archive, "arithmetic");
        detail::exchange_size(archive, "inputs", inputs_);
        detail::exchange_size(archive, "hidden", hidden_);
    }

  private:
    constexpr lstm_layout layout() const noexcept {
        return layout_of<Scalar>(input_size(), hidden_size());
    }
    template <class Element>
    void check_count([[maybe_unused]] std::span<Element> parameters) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(parameters.size()) >= parameter_count(),
                      "lstm: too few parameters");
    }
    /// dL/dx of `count` steps.
    void take_to_inputs(const tape_type& tape, int first, int count,
                        Scalar* input_gradient) const noexcept {
        with_lanes<Scalar>(hidden_size(), [&]<class Lanes>() {
            packed_product<Lanes>(slope_product(layout(), input_size()), tape.to_input,
                                  slopes(tape, first), count * tape.batch(), nullptr,
                                  input_gradient);
        });
    }
    /// dL/dz of step `t` as the operand of a product.
    segmented_columns<Scalar> slopes(const tape_type& tape, int t) const noexcept {
        const index_t column_size = layout().column_size();
        return {tape.gates.at(layout(), 0, index_t{t} * tape.batch()), layout().blocks(),
                static_cast<int>(column_size), tape.gates.columns * column_size, column_size};
    }

    [[no_unique_address]] extent<Inputs> inputs_;
    [[no_unique_address]] extent<Hidden> hidden_;
};

} // namespace tocsin
