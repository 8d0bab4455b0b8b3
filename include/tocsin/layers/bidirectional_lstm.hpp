/// @file bidirectional_lstm.hpp
/// @brief Two LSTM layers over the same sequence, one from its start and one from its end.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/memory_bounds.hpp"

#include <span>

namespace tocsin {

/// A bidirectional LSTM (Schuster and Paliwal, IEEE Transactions on Signal Processing 45, 1997):
/// rows `[0, hidden)` of the output at t have read steps 0 to t, rows `[hidden, 2 hidden)` have
/// read the last step down to t. So the backward half has read everything at t = 0; see
/// last_step_of_both_directions in layers/pooling.hpp.
///
/// Parameters: the forward `lstm`'s, then the backward one's.
template <class Scalar, int Inputs = dynamic, int Hidden = dynamic,
          class Precision = standard_precision>
class bidirectional_lstm {
    static constexpr int both_hidden = extent_product(2, Hidden);

  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "bidirectional_lstm";
    static constexpr int version = 1;
    /// The layer of one direction.
    using direction_type = lstm<Scalar, Inputs, Hidden, Precision>;

    /// Views into `tape_size()` scalars.
    struct tape_type {
        typename direction_type::tape_type forward;  ///< of the layer that reads forwards
        typename direction_type::tape_type backward; ///< in reversed time
        sequence_view<Scalar, Inputs> reversed;      ///< the inputs in reversed time
        sequence_view<Scalar, both_hidden> outputs;  ///< both hidden states, one below the other
    };

    constexpr bidirectional_lstm() noexcept = default;
    /// @param hidden units of each direction
    constexpr bidirectional_lstm(int inputs, int hidden) noexcept : direction_{inputs, hidden} {}

    constexpr int input_size() const noexcept { return direction_.input_size(); }
    constexpr int hidden_size() const noexcept { return direction_.hidden_size(); }
    constexpr int output_size() const noexcept { return 2 * hidden_size(); }
    constexpr index_t parameter_count() const noexcept { return 2 * direction_.parameter_count(); }
    /// Names a size that is not positive, or sizes beyond what can be addressed.
    status check() const noexcept {
        const status one = direction_.check();
        return one.ok() ? detail::check_weights(kind, *this) : one;
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        const index_t rows = index_t{4} * hidden_size();
        const index_t columns = index_t{input_size()} + hidden_size() + 1;
        visit("forward.weights", index_t{0}, rows, columns);
        visit("backward.weights", direction_.parameter_count(), rows, columns);
    }
    /// Draws the parameters of both directions; see lstm::initialise. May allocate.
    template <class Initialiser = glorot_orthogonal>
    void initialise(std::span<Scalar> parameters, random_generator& random,
                    const Initialiser& initialiser = {}) const {
        direction_.initialise(part(parameters, 0), random, initialiser);
        direction_.initialise(part(parameters, 1), random, initialiser);
    }

    // ---- whole sequences with a tape (concept differentiable_layer) -------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return 2 * whole_lines<Scalar>(direction_.tape_size(batch, time)) +
               whole_lines<Scalar>(index_t{input_size()} * batch * time) +
               index_t{output_size()} * batch * time;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const index_t size = whole_lines<Scalar>(direction_.tape_size(batch, time));
        tape_type tape;
        tape.forward = direction_.make_tape(rest.take(size), batch, time);
        tape.backward = direction_.make_tape(rest.take(size), batch, time);
        tape.reversed = {
            rest.take(whole_lines<Scalar>(index_t{input_size()} * batch * time)).data(),
            input_size(), batch, time};
        tape.outputs = {rest.take(index_t{output_size()} * batch * time).data(), output_size(),
                        batch, time};
        return tape;
    }
    /// Zero initial states of both directions.
    void reset(const tape_type& tape) const noexcept {
        direction_.reset(tape.forward);
        direction_.reset(tape.backward);
    }
    /// `[2 hidden x (batch * time)]`.
    sequence_view<Scalar, both_hidden> outputs(const tape_type& tape) const noexcept {
        return tape.outputs;
    }
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                 const tape_type& tape) const noexcept {
        const int last = inputs.time() - 1;
        for (int t = 0; t <= last; ++t) {
            tape.reversed.step(t) = inputs.step(last - t);
        }
        direction_.forward(part(parameters, 0), inputs, tape.forward);
        direction_.forward(part(parameters, 1), tape.reversed, tape.backward);
        const auto ahead = direction_.outputs(tape.forward);
        const auto behind = direction_.outputs(tape.backward);
        for (int t = 0; t <= last; ++t) {
            tape.outputs.step(t).topRows(hidden_size()) = ahead.step(t);
            tape.outputs.step(t).bottomRows(hidden_size()) = behind.step(last - t);
        }
    }
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return index_t{hidden_size()} * batch * time + index_t{input_size()} * batch * time +
               direction_.backward_work_size(batch, time);
    }
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                  const tape_type& tape, sequence_view<const Scalar, both_hidden> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Inputs> input_gradient,
                  std::span<Scalar> work) const noexcept {
        const int batch = inputs.batch();
        const int last = inputs.time() - 1;
        work_area<Scalar> rest{work};
        const sequence_view<Scalar, Hidden> slopes(
            rest.take(index_t{hidden_size()} * batch * (last + 1)).data(), hidden_size(), batch,
            last + 1);
        const bool wanted = input_gradient.data() != nullptr;
        const std::span<Scalar> area = rest.take(index_t{input_size()} * batch * (last + 1));
        sequence_view<Scalar, Inputs> reversed_gradient;
        if (wanted) {
            reversed_gradient = {area.data(), input_size(), batch, last + 1};
        }
        for (int t = 0; t <= last; ++t) {
            slopes.step(t) = output_gradient.step(last - t).bottomRows(hidden_size());
        }
        direction_.backward(part(parameters, 1), sequence_view<const Scalar, Inputs>(tape.reversed),
                            tape.backward, sequence_view<const Scalar, Hidden>(slopes),
                            part(gradients, 1), reversed_gradient, rest.rest());
        for (int t = 0; t <= last; ++t) {
            slopes.step(t) = output_gradient.step(t).topRows(hidden_size());
        }
        direction_.backward(part(parameters, 0), inputs, tape.forward,
                            sequence_view<const Scalar, Hidden>(slopes), part(gradients, 0),
                            input_gradient, rest.rest());
        for (int t = 0; t <= last && wanted; ++t) {
            input_gradient.step(t) += reversed_gradient.step(last - t);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        direction_.exchange(archive);
    }

  private:
    /// The scalars of one direction.
    template <class Element>
    std::span<Element> part(std::span<Element> both, index_t which) const noexcept {
        const index_t count = direction_.parameter_count();
        return slice(both, which * count, count);
    }

    [[no_unique_address]] direction_type direction_;
};

} // namespace tocsin
