/// @file layer_chain.hpp
/// @brief What a chain of layers computes, be they known at compile time or at run time.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/network_layer.hpp"
#include "tocsin/models/chain_checks.hpp"
#include "tocsin/models/model_parts.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <span>
#include <utility>

namespace tocsin {

/// What `sequential` and `dynamic_sequential` have in common: each layer reads the outputs of the one
/// before.
/// @tparam List the layers: `each(visit)` calls `visit(layer)` in their order, `each_reversed(visit)`
///              calls `visit(layer, position)` from the last one on, `size()` is their number,
///              `array_of<T>()` makes a value for each of them
template <class List>
class layer_chain {
  public:
    using scalar_type = typename List::scalar_type;

    constexpr layer_chain() noexcept = default;
    /// Layers in order; check() judges them.
    constexpr explicit layer_chain(List layers) noexcept : layers_{std::move(layers)} {}

    /// Values of a step of the input; 0 without layers.
    constexpr int input_size() const noexcept {
        int first = 0;
        layers_.each_reversed([&](const auto& each, std::size_t) { first = each.input_size(); });
        return first;
    }
    /// Values of a step of the output; 0 without layers.
    constexpr int output_size() const noexcept {
        int last = 0;
        each_layer([&](const auto& each) { last = each.output_size(); });
        return last;
    }
    /// The same as input_size(), under the name that trainers use.
    constexpr int features() const noexcept { return input_size(); }
    /// Steps of the output for `time` steps of input; less than 1 when the input is too short.
    constexpr int output_time(int time) const noexcept {
        each_layer(
            [&](const auto& each) { time = time < 1 ? time : detail::output_time_of(each, time); });
        return time;
    }
    /// Sequences of `time` steps that a training pass must have: more than 1 where a layer needs more
    /// columns than one sequence still has there, such as a normalisation behind the last step.
    constexpr int least_batch(int time) const noexcept {
        int least = 1;
        each_layer([&](const auto& each) {
            const int steps = std::max(time, 1);
            least = std::max(least, (detail::least_columns_of(each) + steps - 1) / steps);
            time = detail::output_time_of(each, time);
        });
        return least;
    }
    /// Parameters that an optimiser trains.
    constexpr index_t trained_count() const noexcept {
        index_t count = 0;
        each_layer([&](const auto& each) { count += each.parameter_count(); });
        return count;
    }
    constexpr index_t statistics_count() const noexcept {
        index_t count = 0;
        each_layer([&](const auto& each) { count += detail::statistics_of(each); });
        return count;
    }
    /// Both together: the length of the flat buffer.
    constexpr index_t parameter_count() const noexcept {
        return trained_count() + statistics_count();
    }
    /// Checks each layer, then that each fits the one before, and that all weights can be addressed;
    /// names the layer that does not.
    status check() const noexcept { return detail::check_chain(layers_); }
    /// Blocks are named `0.weights`, `1.scale` and so on, by the position of their layer.
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        index_t first = 0;
        int position = 0;
        each_layer([&](const auto& each) {
            char name[16];
            std::snprintf(name, sizeof name, "%d", position++);
            detail::visit_part(visit, name, first, each);
            first += each.parameter_count();
        });
        position = 0;
        each_layer([&]<class Layer>(const Layer& each) {
            if constexpr (layer_with_statistics<Layer>) {
                each.for_each_statistics_block(
                    [&](const char* block, index_t offset, index_t rows, index_t cols) {
                        char name[48];
                        std::snprintf(name, sizeof name, "%d.%.30s", position, block);
                        visit(static_cast<const char*>(name), first + offset, rows, cols);
                    });
            }
            first += detail::statistics_of(each);
            ++position;
        });
    }
    void initialise(std::span<scalar_type> parameters, random_generator& random) const {
        index_t first = 0;
        index_t kept = trained_count();
        each_layer([&]<class Layer>(const Layer& each) {
            each.initialise(slice(parameters, first, each.parameter_count()), random);
            if constexpr (layer_with_statistics<Layer>) {
                each.initialise_statistics(slice(parameters, kept, each.statistics_count()));
            }
            first += each.parameter_count();
            kept += detail::statistics_of(each);
        });
    }
    /// Moves the kept statistics towards those that the last loss_and_gradient() left in
    /// `gradients`. Never allocates.
    void update_statistics(std::span<scalar_type> parameters,
                           std::span<const scalar_type> gradients) const noexcept {
        index_t kept = trained_count();
        each_layer([&]<class Layer>(const Layer& each) {
            if constexpr (layer_with_statistics<Layer>) {
                each.update_statistics(slice(parameters, kept, each.statistics_count()),
                                       slice(gradients, kept, each.statistics_count()));
            }
            kept += detail::statistics_of(each);
        });
    }

    /// Bytes that a pass takes at most; see detail::memory_of_pass().
    checked_size memory_of_pass(checked_size steps) const {
        return detail::memory_of_chain(layers_, steps);
    }
    /// Scalars of the tape of all layers.
    constexpr index_t tape_size(int batch, int time) const noexcept {
        index_t size = 0;
        each_layer([&](const auto& each) {
            size += whole_lines<scalar_type>(each.tape_size(batch, time));
            time = detail::output_time_of(each, time);
        });
        return size;
    }
    /// Scalars of infer().
    constexpr index_t infer_work_size(int batch, int time) const noexcept {
        return tape_size(batch, time);
    }
    /// Inference: statistics instead of moments of the batch, no dropout. Never allocates, unless a
    /// layer does (`dense` with more than one column).
    /// @param inputs `[features x (batch * time)]`
    /// @param work   `infer_work_size(batch, time)` scalars
    /// @return outputs in `work`, `[outputs x (batch * output_time(time))]`
    sequence_view<scalar_type> infer(std::span<const scalar_type> parameters,
                                     sequence_view<const scalar_type> inputs,
                                     std::span<scalar_type> work) const noexcept {
        return run(parameters, inputs, work, nullptr);
    }
    /// Training pass; `random` draws the dropout. The tape is for backward().
    sequence_view<scalar_type> forward(std::span<const scalar_type> parameters,
                                       sequence_view<const scalar_type> inputs,
                                       std::span<scalar_type> tape,
                                       random_generator& random) const noexcept {
        return run(parameters, inputs, tape, &random);
    }
    /// Scratch scalars of backward().
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        index_t widest = 0;
        index_t work = 0;
        each_layer([&](const auto& each) {
            widest = std::max(widest, index_t{each.input_size()} * batch * time);
            work = std::max(work, each.backward_work_size(batch, time));
            time = detail::output_time_of(each, time);
        });
        return 2 * whole_lines<scalar_type>(widest) + work;
    }
    /// Chain rule through all layers; adds to `gradients`, also what the layers measured. Consumes
    /// the tape.
    /// @param input_gradient dL/dx, overwritten; empty when not wanted
    void backward(std::span<const scalar_type> parameters, sequence_view<const scalar_type> inputs,
                  std::span<scalar_type> tape, sequence_view<const scalar_type> output_gradient,
                  std::span<scalar_type> gradients, sequence_view<scalar_type> input_gradient,
                  std::span<scalar_type> work) const noexcept {
        const int batch = inputs.batch();
        const auto places = all_places(inputs, tape);
        index_t widest = 0;
        for (const place& at : places) {
            widest = std::max(widest, index_t{at.features} * batch * at.time);
        }
        work_area<scalar_type> rest{work};
        scalar_type* const half[2] = {rest.take(whole_lines<scalar_type>(widest)).data(),
                                      rest.take(whole_lines<scalar_type>(widest)).data()};
        sequence_view<const scalar_type> slopes = output_gradient;
        const auto step_back = [&]<class Layer>(const Layer& each, std::size_t k) {
            const place& at = places[k];
            const auto area = each.make_tape(slice(tape, at.tape, each.tape_size(batch, at.time)),
                                             batch, at.time);
            sequence_view<scalar_type> below = input_gradient;
            if (k > 0) {
                below = {half[k % 2], at.features, batch, at.time};
            }
            if constexpr (layer_with_statistics<Layer>) {
                each.measure(area, slice(gradients, at.statistics, each.statistics_count()));
            }
            each.backward(slice(parameters, at.parameters, each.parameter_count()),
                          {at.inputs, at.features, batch, at.time}, area, slopes,
                          slice(gradients, at.parameters, each.parameter_count()), below,
                          rest.rest());
            slopes = below;
        };
        layers_.each_reversed(step_back);
    }

    /// Scratch scalars of loss_and_gradient().
    constexpr index_t training_work_size(int batch, int time) const noexcept {
        return tape_size(batch, time) +
               whole_lines<scalar_type>(index_t{output_size()} * batch * output_time(time)) +
               backward_work_size(batch, time);
    }
    /// Loss of a batch with the penalties of its layers; adds the gradient, and what the layers
    /// measured, to `gradients`. Never allocates, except in `dense` with more than one column and in
    /// backward() of a dynamic_sequential, a small array.
    /// @param loss `loss(outputs, slopes)` returns the loss of outputs
    ///             `[outputs x (batch * output_time)]` and overwrites their slopes
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> inputs, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work) const noexcept {
        const int batch = inputs.batch();
        work_area<scalar_type> rest{work};
        const auto tape = rest.take(tape_size(batch, inputs.time()));
        const auto outputs = forward(parameters, inputs, tape, random);
        const sequence_view<scalar_type> slopes(
            rest.take(whole_lines<scalar_type>(outputs.size())).data(), output_size(), batch,
            outputs.time());
        double value = loss(sequence_view<const scalar_type>(outputs), slopes);
        backward(parameters, inputs, tape, slopes, gradients, {}, rest.rest());
        index_t first = 0;
        each_layer([&](const auto& each) {
            const index_t size = each.parameter_count();
            value += detail::penalty_of(each, slice(parameters, first, size),
                                        slice(gradients, first, size));
            first += size;
        });
        return value;
    }

  protected:
    /// The layers.
    constexpr const List& list() const noexcept { return layers_; }
    /// The layers, to be loaded.
    constexpr List& list() noexcept { return layers_; }

  private:
    /// Where a layer's scalars begin, and what it reads.
    struct place {
        index_t parameters = 0;
        index_t statistics = 0;
        index_t tape = 0;
        int time = 0;
        int features = 0;
        const scalar_type* inputs = nullptr;
    };

    template <class Visit>
    constexpr void each_layer(Visit&& visit) const {
        layers_.each(visit);
    }

    auto all_places(sequence_view<const scalar_type> inputs,
                    std::span<scalar_type> tape) const noexcept {
        auto places = layers_.template array_of<place>();
        place at{0, trained_count(), 0, inputs.time(), 0, inputs.data()};
        std::size_t k = 0;
        each_layer([&](const auto& each) {
            at.features = each.input_size();
            places[k++] = at;
            const index_t size = each.tape_size(inputs.batch(), at.time);
            at.inputs =
                each.outputs(each.make_tape(slice(tape, at.tape, size), inputs.batch(), at.time))
                    .data();
            at.parameters += each.parameter_count();
            at.statistics += detail::statistics_of(each);
            at.tape += whole_lines<scalar_type>(size);
            at.time = detail::output_time_of(each, at.time);
        });
        return places;
    }

    /// @param random null in inference
    sequence_view<scalar_type> run(std::span<const scalar_type> parameters,
                                   sequence_view<const scalar_type> inputs,
                                   std::span<scalar_type> tape,
                                   random_generator* random) const noexcept {
        TOCSIN_ASSERT(output_time(inputs.time()) >= 1, "sequential: the sequence is too short");
        const int batch = inputs.batch();
        place at{0, trained_count(), 0, 0, 0, nullptr};
        sequence_view<const scalar_type> below = inputs;
        sequence_view<scalar_type> above;
        each_layer([&]<class Layer>(const Layer& each) {
            const index_t size = each.tape_size(batch, below.time());
            const auto area = each.make_tape(slice(tape, at.tape, size), batch, below.time());
            const auto weights = slice(parameters, at.parameters, each.parameter_count());
            const auto statistics = slice(parameters, at.statistics, detail::statistics_of(each));
            bool done = false;
            if constexpr (layer_with_inference<Layer>) {
                if (random == nullptr) {
                    each.infer(weights, statistics, below, area);
                    done = true;
                }
            }
            if (!done) {
                each.reset(area);
                if (random != nullptr) {
                    detail::draw_for(each, area, *random);
                }
                each.forward(weights, below, area);
            }
            above = each.outputs(area);
            below = above;
            at.parameters += each.parameter_count();
            at.statistics += detail::statistics_of(each);
            at.tape += whole_lines<scalar_type>(size);
        });
        return above;
    }

    List layers_;
};

} // namespace tocsin
