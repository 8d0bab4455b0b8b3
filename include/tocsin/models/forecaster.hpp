/// @file forecaster.hpp
/// @brief Stacked LSTM that forecasts the next samples of a stream.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/model_parts.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace tocsin {

/// Reads samples one by one and, after each, forecasts the first `targets` features of the next
/// `look_ahead` samples (Malhotra et al. 2015; Singh 2017; Hundman et al. 2018). Further features
/// are inputs only: commands, the time of day.
///
/// An LSTM stack carries the past in its state; a dense head maps its output to a forecast
/// `[targets * look_ahead]`, the next sample first. The cost of a forecast does not depend on the
/// length of the past. Training cuts the past off at the start of a window, which begins either
/// from zero (loss_and_gradient) or from the state that the previous window left (the overload with
/// a state).
///
/// Parameters: stack, head.
/// @tparam Targets number of features to forecast, or `dynamic`. With static sizes of stack and head
///                 too, a detector and its streams need no heap.
template <class Scalar, class Stack = lstm_stack<Scalar>, class Head = dense_head<Scalar>,
          int Targets = dynamic>
class forecaster {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "forecaster";
    static constexpr bool has_independent_windows = true;
    static constexpr int version = 1;

    /// A model without targets, unless all sizes are known at compile time.
    constexpr forecaster() noexcept = default;
    /// @param targets number of features to forecast, the first ones
    /// @param warm_up steps after a zero state, during which it settles; their forecasts do not
    ///                count in training
    constexpr forecaster(Stack stack, Head head, int targets, int warm_up = 0) noexcept
        : stack_{stack}, head_{head}, targets_{targets}, warm_up_{warm_up} {}

    /// The usual shape: LSTM layers of these sizes, a linear head. Construction allocates.
    static forecaster with_layers(int features, int targets, std::initializer_list<int> hidden,
                                  int look_ahead = 1, double dropout_rate = 0, int warm_up = 0)
        requires(!Stack::sizes_type::is_static)
    {
        std::vector<int> sizes{features};
        sizes.insert(sizes.end(), hidden);
        const int outputs = targets * look_ahead;
        return {Stack{typename Stack::sizes_type(sizes), dropout_rate},
                Head{{sizes.back(), outputs}}, targets, warm_up};
    }

    constexpr const Stack& stack() const noexcept { return stack_; }
    constexpr const Head& head() const noexcept { return head_; }
    /// Features of a sample.
    constexpr int features() const noexcept { return stack_.input_size(); }
    /// Features that are forecast, the first ones of a sample.
    constexpr int targets() const noexcept { return targets_.value(); }
    /// Number of future samples in a forecast.
    constexpr int look_ahead() const noexcept {
        return targets() > 0 ? head_.output_size() / targets() : 0;
    }
    /// Steps of each window that do not count in training.
    constexpr int warm_up() const noexcept { return warm_up_; }
    /// Length of the shortest window with a forecast to learn from.
    constexpr int shortest_window() const noexcept { return warm_up_ + look_ahead() + 1; }
    constexpr index_t parameter_count() const noexcept { return parts().parameter_count(); }

    /// Checks each part, then that the parts fit together; names the sizes that do not.
    status check() const noexcept {
        const status parts = detail::first_failure(
            {stack_.check(), head_.check(),
             detail::require_equal(kind, "outputs of the LSTM and inputs of the head",
                                   stack_.output_size(), head_.input_size())});
        if (!parts.ok()) {
            return parts;
        }
        if (targets() < 1 || targets() > features() || warm_up_ < 0 ||
            warm_up_ > maximum_layer_size) {
            return status::error(error_code::invalid_argument, kind, ": ", targets(),
                                 " targets must be from 1 to the ", features(),
                                 " features, warm-up ", warm_up_, " from 0 to ",
                                 maximum_layer_size);
        }
        if (head_.output_size() % targets() != 0) {
            return status::error(error_code::invalid_argument, kind, ": ", head_.output_size(),
                                 " outputs of the head are no multiple of ", targets(), " targets");
        }
        return {};
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        parts().for_each_parameter_block(visit);
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        parts().initialise(parameters, random);
    }

    // ---- inference: one sample, state kept by the caller ------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept { return parts().packed_size(); }
    /// Packs parameters for step() and predict(). Never allocates.
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        parts().pack(parameters, packed);
    }
    /// Scalars of the state of a batch of streams; all zero before the first sample.
    constexpr index_t state_size(int batch) const noexcept { return stack_.state_size(batch); }
    /// Calls `visit(size)` for each part of a state: h and c of each layer.
    template <class Visit>
    constexpr void for_each_state_block(Visit&& visit) const noexcept {
        for (int k = 0; k < stack_.layers(); ++k) {
            visit(index_t{stack_.hidden_size(k)});
            visit(index_t{stack_.hidden_size(k)});
        }
    }
    /// Scalars of the forecasts of a batch.
    constexpr index_t forecast_size(int batch) const noexcept {
        return index_t{head_.output_size()} * batch;
    }
    constexpr index_t step_work_size(int batch) const noexcept {
        return std::max(stack_.step_work_size(batch), head_.apply_work_size(batch));
    }
    /// Reads a sample of each stream and forecasts the next ones. Never allocates.
    /// @param packed    weights from pack()
    /// @param samples   `[features x batch]`
    /// @param state     `state_size(batch)` scalars, in: before these samples; out: after them
    /// @param forecasts `[targets * look_ahead x batch]`, overwritten
    /// @param work      `step_work_size(batch)` scalars
    void step(packed_weights<Scalar> packed, const matrix_view<const Scalar>& samples,
              std::span<Scalar> state, matrix_view<Scalar> forecasts, std::span<Scalar> work,
              block_order order = block_order::ascending) const noexcept {
        const int batch = static_cast<int>(samples.cols());
        stack_.step(packed, samples, state, work, order);
        head_.apply(packed.from(parts().template packed_of<head_part>()),
                    stack_.top_hidden(state, batch), forecasts,
                    work); // which the stack no longer needs
    }
    /// The same for one stream. @param sample `[features]` @param forecast `[targets * look_ahead]`
    TOCSIN_ALWAYS_INLINE void step_column(packed_weights<Scalar> packed, const Scalar* sample,
                                          Scalar* state, Scalar* forecast, Scalar* work,
                                          block_order order) const noexcept {
        const Scalar* const hidden =
            stack_.step_column(packed.values.data(), sample, state, work, order);
        head_.apply_column(packed.from(parts().template packed_of<head_part>()).values.data(),
                           hidden, forecast, work);
    }

    // ---- inference: windows, for training and window detectors ------------------------------

    constexpr index_t predict_work_size(int batch, int /*time*/) const noexcept {
        return state_size(batch) + forecast_size(batch) + step_work_size(batch);
    }
    /// One-step forecasts of windows, each from a zero state. The first sample and the features
    /// beyond the targets are not forecast but copied. Never allocates.
    /// @param predictions `[features x (batch * time)]`, overwritten
    void predict(packed_weights<Scalar> packed, sequence_view<const Scalar> windows,
                 sequence_view<Scalar> predictions, std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        work_area<Scalar> rest{work};
        const auto state = zero(rest.take(state_size(batch)));
        matrix_view<Scalar> forecasts(rest.take(forecast_size(batch)).data(), head_.output_size(),
                                      batch);
        for (int t = 0; t < windows.time(); ++t) {
            predictions.step(t) = windows.step(t);
            if (t > 0) {
                predictions.step(t).topRows(targets()) = forecasts.topRows(targets());
            }
            step(packed, windows.step(t), state, forecasts, rest.rest(), order_of_step(t));
        }
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        const int steps = std::max(time - look_ahead(), 0);
        const index_t forecasts = forecast_size(batch) * steps;
        return stack_.tape_size(batch, steps) + head_.tape_size(batch, steps) + 2 * forecasts +
               index_t{stack_.output_size()} * batch * steps + state_size(batch) +
               std::max(stack_.state_backward_work_size(batch, steps),
                        head_.backward_work_size(batch, steps));
    }
    /// Loss of all forecasts that lie within the windows; adds its gradient to `gradients`. See
    /// concept sequence_model. Windows shorter than `shortest_window()` have no forecasts.
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, random_generator& random,
                             std::span<Scalar> work) const noexcept {
        return loss_and_gradient(parameters, windows, loss, gradients, random, work, {}, 0);
    }
    /// The same for windows that continue where others ended: truncated backpropagation through
    /// time.
    /// @param state `state_size(batch)` scalars, in: at the start of the windows; out: after
    ///              `time - look_ahead` steps, where the next windows begin. Empty: start from
    ///              zero.
    /// @param steps_before steps since the state was zero, which count as warm-up
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, random_generator& random,
                             std::span<Scalar> work, std::span<Scalar> state,
                             int steps_before) const noexcept {
        const int batch = windows.batch();
        const int steps = windows.time() - look_ahead();
        const int first = std::max(0, warm_up_ - steps_before);
        const int counted = steps - first;
        if (counted < 1) {
            return 0;
        }
        const auto inputs = windows.steps(0, steps);
        const auto head_parameters = slice(parameters, parts().template parameters_of<head_part>());
        const auto head_gradients = slice(gradients, parts().template parameters_of<head_part>());
        work_area<Scalar> rest{work};
        const auto stack_tape =
            stack_.make_tape(rest.take(stack_.tape_size(batch, steps)), batch, steps);
        const auto head_tape =
            head_.make_tape(rest.take(head_.tape_size(batch, counted)), batch, counted);
        const auto targets = detail::take_sequence(rest, head_.output_size(), batch, counted);
        const auto output_gradient =
            detail::take_sequence(rest, head_.output_size(), batch, counted);
        const auto hidden_gradient =
            detail::take_sequence(rest, stack_.output_size(), batch, steps);
        const auto state_gradient = zero(rest.take(state_size(batch)));

        stack_.reset(stack_tape, random);
        for_each_layer_state(stack_tape, state, 0, [](auto on_tape, auto kept) {
            on_tape.hidden = kept.hidden;
            on_tape.cell = kept.cell;
        });
        stack_.forward(parameters, inputs, stack_tape);
        for_each_layer_state(stack_tape, state, steps, [](auto on_tape, auto kept) {
            kept.hidden = on_tape.hidden;
            kept.cell = on_tape.cell;
        });
        const sequence_view<Scalar> hidden = stack_.outputs(stack_tape).steps(first, counted);
        head_.forward(head_parameters, hidden, head_tape);
        copy_targets(windows.steps(first, windows.time() - first), targets);
        const double value = loss(std::span<const Scalar>(head_.outputs(head_tape).span()),
                                  std::span<const Scalar>(targets.span()), output_gradient.span());

        hidden_gradient.steps(0, first).flat().setZero();
        head_.backward(head_parameters, hidden, head_tape, output_gradient, head_gradients,
                       hidden_gradient.steps(first, counted), rest.rest());
        stack_.backward(parameters, inputs, stack_tape, hidden_gradient, gradients, {},
                        state_gradient, rest.rest());
        return value;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "stack", stack_);
        detail::exchange_part(archive, "head", head_);
        if constexpr (Targets == dynamic) {
            int count = targets();
            archive.integer("targets", count, 1, maximum_layer_size);
            targets_ = extent<Targets>(count);
        } else {
            archive.expect("targets", Targets);
        }
        archive.integer("warm_up", warm_up_, 0, maximum_layer_size);
    }

  private:
    enum part : std::size_t { stack_part, head_part };
    constexpr auto parts() const noexcept {
        return detail::list_parts({"stack", "head"}, stack_, head_);
    }

    /// Calls `visit(state on the tape at a step, state of the caller)` for each layer; for none
    /// when the caller keeps no state.
    template <class Visit>
    void for_each_layer_state(const typename Stack::tape_type& tape, std::span<Scalar> state,
                              int step, Visit&& visit) const noexcept {
        for (int k = 0; k < stack_.layers() && !state.empty(); ++k) {
            visit(stack_.tape_state(tape, k, step), stack_.layer_state(state, k, tape.batch));
        }
    }
    /// The true values for the forecasts of each step.
    void copy_targets(sequence_view<const Scalar> windows,
                      const sequence_view<Scalar>& targets) const noexcept {
        for (int t = 0; t < targets.time(); ++t) {
            auto forecast = targets.step(t);
            for (int ahead = 0; ahead < look_ahead(); ++ahead) {
                forecast.middleRows(index_t{ahead} * targets_.value(), targets_.value()) =
                    windows.step(t + 1 + ahead).topRows(targets_.value());
            }
        }
    }

    [[no_unique_address]] Stack stack_;
    [[no_unique_address]] Head head_;
    [[no_unique_address]] extent<Targets> targets_;
    int warm_up_ = 0;
};

} // namespace tocsin
