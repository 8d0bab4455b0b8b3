/// @file network_layer.hpp
/// @brief What a layer may have beyond differentiable_layer when it is part of a network.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/concepts.hpp"

#include <span>

namespace tocsin {

/// A layer that keeps statistics of its inputs, such as batch_norm: numbers that training moves,
/// but not by a gradient. One that cannot learn from a single column says so by `least_columns()`.
///
/// `measure(tape, measured)` adds the statistics of the batch that forward() saw last to
/// `statistics_count()` scalars; `update_statistics(statistics, measured)` moves the kept ones
/// towards them, after the optimiser's step.
template <class Layer>
concept layer_with_statistics =
    differentiable_layer<Layer> &&
    requires(const Layer shape, std::span<typename Layer::scalar_type> area,
             std::span<const typename Layer::scalar_type> measured) {
        { shape.statistics_count() } -> std::convertible_to<index_t>;
        shape.initialise_statistics(area);
        shape.for_each_statistics_block([](const char*, index_t, index_t, index_t) {});
        shape.measure(shape.make_tape(area, 1, 1), area);
        shape.update_statistics(area, measured);
    };

/// A layer that does something else in inference than in training (batch_norm, dropout_layer):
/// `infer(parameters, statistics, inputs, tape)` fills the outputs of the tape.
template <class Layer>
concept layer_with_inference =
    differentiable_layer<Layer> &&
    requires(const Layer shape, std::span<const typename Layer::scalar_type> parameters,
             std::span<typename Layer::scalar_type> area,
             sequence_view<const typename Layer::scalar_type> inputs) {
        shape.infer(parameters, parameters, inputs, shape.make_tape(area, 1, 1));
    };

namespace detail {

/// Steps of a layer's output: as many as of its input, unless it says otherwise.
template <class Layer>
constexpr int output_time_of(const Layer& layer, int time) noexcept {
    if constexpr (requires { layer.output_time(time); }) {
        return layer.output_time(time);
    } else {
        return time;
    }
}
template <class Layer>
constexpr index_t statistics_of(const Layer& layer) noexcept {
    if constexpr (layer_with_statistics<Layer>) {
        return layer.statistics_count();
    } else {
        return 0;
    }
}
/// Columns (sequences times steps) that a layer needs in a training pass: 1, unless it says
/// otherwise, as a normalisation does.
template <class Layer>
constexpr int least_columns_of(const Layer& layer) noexcept {
    if constexpr (requires { layer.least_columns(); }) {
        return layer.least_columns();
    } else {
        return 1;
    }
}
/// Draws what is random in a training pass, after reset().
template <class Layer, class Tape>
void draw_for(const Layer& layer, const Tape& tape, random_generator& random) noexcept {
    if constexpr (requires { layer.draw(tape, random); }) {
        layer.draw(tape, random);
    } else if constexpr (requires { layer.reset(tape, random); }) {
        layer.reset(tape, random); // the dropout of a stack
    }
}
/// The penalty on a layer's parameters, whose gradient is added to `gradients`.
template <class Layer, class Scalar>
double penalty_of(const Layer& layer, std::span<const Scalar> parameters,
                  std::span<Scalar> gradients) noexcept {
    if constexpr (requires { layer.penalty(parameters, gradients); }) {
        return layer.penalty(parameters, gradients);
    } else {
        return 0;
    }
}

} // namespace detail

} // namespace tocsin
