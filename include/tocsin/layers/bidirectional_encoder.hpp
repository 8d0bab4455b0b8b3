/// @file bidirectional_encoder.hpp
/// @brief A bidirectional LSTM of which only the final states count, as the encoder of a model.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// Two LSTM layers that read the same window, one from its start and one from its end. The state is
/// (h, c), each `[2 hidden x batch]`: the forward layer's above the backward one's. For
/// encoder_decoder, in place of a lstm_stack; for outputs at every step, see bidirectional_lstm.
///
/// Parameters: the forward `lstm`'s, then the backward one's.
template <class Scalar, class Precision = standard_precision>
class bidirectional_encoder {
  public:
    using scalar_type = Scalar;
    /// The layer of one direction.
    using direction_type = lstm<Scalar, dynamic, dynamic, Precision>;
    /// The model that it makes of an encoder_decoder, as files store it.
    static constexpr const char* model_kind = "sequence_to_sequence";

    /// Views into `tape_size()` scalars.
    struct tape_type {
        typename direction_type::tape_type forward;  ///< of the layer that reads forwards
        typename direction_type::tape_type backward; ///< in reversed time
        sequence_view<Scalar> reversed;              ///< the inputs in reversed time
        std::span<Scalar> final;                     ///< the final state of both
    };

    constexpr bidirectional_encoder() noexcept = default;
    /// @param hidden units of each direction
    constexpr bidirectional_encoder(int inputs, int hidden) noexcept
        : inputs_{inputs}, hidden_{hidden} {}

    static constexpr int layers() noexcept { return 1; }
    constexpr int input_size() const noexcept { return inputs_; }
    /// Units of each direction.
    constexpr int hidden_size() const noexcept { return hidden_; }
    constexpr int output_size() const noexcept { return 2 * hidden_; }
    constexpr index_t parameter_count() const noexcept { return 2 * direction().parameter_count(); }
    /// Names a size that is not positive, or sizes beyond what can be addressed.
    status check() const noexcept {
        const status one = direction().check();
        return one.ok() ? detail::check_weights("bidirectional_encoder", *this) : one;
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        const index_t rows = index_t{4} * hidden_;
        const index_t columns = index_t{inputs_} + hidden_ + 1;
        visit("forward.weights", index_t{0}, rows, columns);
        visit("backward.weights", direction().parameter_count(), rows, columns);
    }
    /// Draws the parameters of both directions; see lstm::initialise. May allocate.
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        direction().initialise(half(parameters, 0), random);
        direction().initialise(half(parameters, 1), random);
    }

    // ---- inference --------------------------------------------------------------------------

    constexpr index_t packed_size() const noexcept { return 2 * packed_half(); }
    /// Packs parameters for read(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        direction().pack(half(parameters, 0), slice(packed, 0, packed_half()));
        direction().pack(half(parameters, 1), slice(packed, packed_half(), packed_half()));
    }
    /// Scalars of the states h and c of a batch.
    constexpr index_t state_size(int batch) const noexcept {
        return index_t{2} * output_size() * batch;
    }
    /// Gives shape to a state.
    lstm_state<Scalar> layer_state(std::span<Scalar> state, int /*layer*/,
                                   int batch) const noexcept {
        const index_t size = index_t{output_size()} * batch;
        return {matrix_view<Scalar>(slice(state, 0, size).data(), output_size(), batch),
                matrix_view<Scalar>(slice(state, size, size).data(), output_size(), batch)};
    }
    /// Scratch scalars of read().
    constexpr index_t step_work_size(int batch) const noexcept {
        return direction().state_size(batch) + direction().step_work_size(batch);
    }
    /// Reads a window in both directions, from zero states. Never allocates.
    /// @param packed weights from pack()
    /// @param window `[inputs x (batch * time)]`
    /// @param final  `state_size(batch)` scalars, overwritten by the final state
    /// @param work   `step_work_size(batch)` scalars
    void read(packed_weights<Scalar> packed, sequence_view<const Scalar> window,
              std::span<Scalar> final, std::span<Scalar> work) const noexcept {
        const int batch = window.batch();
        work_area<Scalar> rest{work};
        auto current = direction().make_state(rest.take(direction().state_size(batch)), batch);
        const auto to = layer_state(final, 0, batch);
        for (const bool ahead : {true, false}) {
            current.hidden.setZero();
            current.cell.setZero();
            for (int t = 0; t < window.time(); ++t) {
                direction().step(ahead ? packed : packed.from(packed_half()),
                                 window.step(ahead ? t : window.time() - 1 - t), current,
                                 rest.rest());
            }
            rows_of(to, ahead, [&](auto hidden, auto cell) {
                hidden = current.hidden;
                cell = current.cell;
            });
        }
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return 2 * whole_lines<Scalar>(direction().tape_size(batch, time)) +
               whole_lines<Scalar>(index_t{inputs_} * batch * time) +
               whole_lines<Scalar>(state_size(batch));
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const index_t size = whole_lines<Scalar>(direction().tape_size(batch, time));
        tape_type tape;
        tape.forward = direction().make_tape(rest.take(size), batch, time);
        tape.backward = direction().make_tape(rest.take(size), batch, time);
        tape.reversed = {rest.take(whole_lines<Scalar>(index_t{inputs_} * batch * time)).data(),
                         inputs_, batch, time};
        tape.final = slice(rest.take(whole_lines<Scalar>(state_size(batch))), 0, state_size(batch));
        return tape;
    }
    /// Zero initial states; there is no dropout to draw.
    void reset(const tape_type& tape, random_generator& /*random*/) const noexcept {
        direction().reset(tape.forward);
        direction().reset(tape.backward);
    }
    /// Reads whole windows into the tape.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        const int time = inputs.time();
        for (int t = 0; t < time; ++t) {
            tape.reversed.step(t) = inputs.step(time - 1 - t);
        }
        direction().forward(half(parameters, 0), inputs, tape.forward);
        direction().forward(half(parameters, 1), tape.reversed, tape.backward);
        const auto to = layer_state(tape.final, 0, inputs.batch());
        for (const bool ahead : {true, false}) {
            const auto& of = ahead ? tape.forward : tape.backward;
            rows_of(to, ahead, [&](auto hidden, auto cell) {
                hidden = of.hiddens.step(time);
                cell = of.cells.step(time);
            });
        }
    }
    /// The final state, after forward().
    lstm_state<Scalar> tape_state(const tape_type& tape, int layer, int /*step*/) const noexcept {
        return layer_state(tape.final, layer, tape.reversed.batch());
    }
    /// Scratch scalars of backward().
    constexpr index_t state_backward_work_size(int batch, int /*time*/) const noexcept {
        return direction().state_size(batch);
    }
    /// Backpropagation through time in both directions. Adds to `gradients`, consumes the tape.
    /// @param output_gradient must be empty: there are no outputs but the final state
    /// @param input_gradient  must be empty: dL/dx is not computed
    /// @param state_gradient  `state_size(batch)` scalars: dL/dh and dL/dc of the final state
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape,
                  [[maybe_unused]] sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients,
                  [[maybe_unused]] sequence_view<Scalar> input_gradient,
                  std::span<Scalar> state_gradient, std::span<Scalar> work) const noexcept {
        TOCSIN_ASSERT(output_gradient.data() == nullptr && input_gradient.data() == nullptr,
                      "bidirectional_encoder: has no outputs, and no gradient of its inputs");
        const int batch = inputs.batch();
        const auto from = layer_state(state_gradient, 0, batch);
        auto current = direction().make_state(work, batch);
        for (const bool ahead : {true, false}) {
            rows_of(from, ahead, [&](auto hidden, auto cell) {
                current.hidden = hidden;
                current.cell = cell;
            });
            const sequence_view<const Scalar> read = ahead ? inputs : tape.reversed;
            direction().backward(half(parameters, ahead ? 0 : 1), read,
                                 ahead ? tape.forward : tape.backward, {},
                                 half(gradients, ahead ? 0 : 1), {}, current);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("inputs", inputs_, 1, maximum_layer_size);
        archive.integer("hidden", hidden_, 1, maximum_layer_size);
    }

  private:
    constexpr direction_type direction() const noexcept { return {inputs_, hidden_}; }
    constexpr index_t packed_half() const noexcept {
        return whole_lines<Scalar>(direction().packed_size());
    }
    /// The scalars of one direction.
    template <class Element>
    std::span<Element> half(std::span<Element> both, index_t which) const noexcept {
        const index_t count = direction().parameter_count();
        return slice(both, which * count, count);
    }
    /// Visits the rows of one direction in h and in c.
    template <class Visit>
    void rows_of(const lstm_state<Scalar>& both, bool ahead, Visit&& visit) const noexcept {
        const index_t first = ahead ? 0 : hidden_;
        auto hidden = both.hidden;
        auto cell = both.cell;
        visit(hidden.middleRows(first, hidden_), cell.middleRows(first, hidden_));
    }

    int inputs_ = 0;
    int hidden_ = 0;
};

} // namespace tocsin
