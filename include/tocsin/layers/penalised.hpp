/// @file penalised.hpp
/// @brief A layer whose input weights are penalised.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/concepts.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/network_layer.hpp"

#include <cmath>
#include <span>

namespace tocsin {

/// Adds l1 * sum |w| + l2 * sum w^2 to the loss, as a `kernel_regularizer` of Keras does. Both
/// factors are finite and not negative; 0 turns one off.
struct weight_penalty {
    double l1 = 0; ///< factor of the sum of absolute values
    double l2 = 0; ///< factor of the sum of squares

    /// Names a factor that is negative or not finite.
    status check() const noexcept {
        if (!(l1 >= 0 && l2 >= 0 && std::isfinite(l1) && std::isfinite(l2))) {
            return status::error(error_code::invalid_argument, "weight_penalty: l1 ", l1,
                                 " and l2 ", l2, " must be finite and not negative");
        }
        return {};
    }
    /// The penalty; adds its gradient. The slope of |w| at 0 is 0. Never allocates.
    template <class Scalar>
    double operator()(std::span<const Scalar> weights, std::span<Scalar> gradients) const noexcept {
        double magnitudes = 0;
        double squares = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            const auto weight = static_cast<double>(weights[k]);
            magnitudes += std::abs(weight);
            squares += weight * weight;
            const double sign = weight > 0 ? 1 : weight < 0 ? -1 : 0;
            gradients[k] += static_cast<Scalar>(l1 * sign + 2 * l2 * weight);
        }
        return l1 * magnitudes + l2 * squares;
    }
};

/// A layer with a single block of parameters, whose first columns are the weights of its inputs (dense,
/// lstm, conv1d), with a penalty on these; biases and recurrent weights are free. A model adds
/// `penalty()` to its loss. In a stack or a bidirectional layer there are several such blocks: check()
/// refuses them.
template <differentiable_layer Layer>
class penalised {
    static_assert(!layer_with_statistics<Layer> && !layer_with_inference<Layer>,
                  "penalised: this layer has no weights of inputs");

  public:
    using scalar_type = typename Layer::scalar_type;
    static constexpr const char* kind = "penalised";
    static constexpr int version = 1;

    /// A layer whose weights are penalised.
    constexpr penalised() noexcept = default;
    /// A layer whose weights are penalised.
    constexpr penalised(Layer layer, weight_penalty penalty) noexcept
        : layer_{layer}, penalty_{penalty} {}

    /// The layer itself.
    constexpr const Layer& layer() const noexcept { return layer_; }
    constexpr int input_size() const noexcept { return layer_.input_size(); }
    constexpr int output_size() const noexcept { return layer_.output_size(); }
    constexpr index_t parameter_count() const noexcept { return layer_.parameter_count(); }
    /// Names what is wrong with the layer or the penalty, and a layer without exactly one block of
    /// parameters.
    status check() const noexcept {
        int blocks = 0;
        layer_.for_each_parameter_block([&](const char*, index_t, index_t, index_t) { ++blocks; });
        if (blocks != 1) {
            return status::error(error_code::invalid_argument, "penalised: a layer with ", blocks,
                                 " blocks of parameters; it must be one that has a single block "
                                 "(dense, lstm, conv1d)");
        }
        const status part = layer_.check();
        return part.ok() ? penalty_.check() : part;
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        layer_.for_each_parameter_block(visit);
    }
    void initialise(std::span<scalar_type> parameters, random_generator& random) const {
        layer_.initialise(parameters, random);
    }

    /// The penalty; adds its gradient to `gradients`. Never allocates.
    double penalty(std::span<const scalar_type> parameters,
                   std::span<scalar_type> gradients) const noexcept {
        index_t rows = 0;
        layer_.for_each_parameter_block([&](const char* /*name*/, index_t /*offset*/,
                                            index_t height, index_t /*cols*/) { rows = height; });
        const auto count = static_cast<std::size_t>(rows * input_columns());
        return penalty_(parameters.first(count), gradients.first(count));
    }

    /// Steps of the output.
    constexpr int output_time(int time) const noexcept {
        return detail::output_time_of(layer_, time);
    }
    /// See detail::reach_of().
    constexpr int reach() const noexcept { return detail::reach_of(layer_); }
    constexpr index_t tape_size(int batch, int time) const noexcept {
        return layer_.tape_size(batch, time);
    }
    auto make_tape(std::span<scalar_type> area, int batch, int time) const noexcept {
        return layer_.make_tape(area, batch, time);
    }
    template <class Tape>
    void reset(const Tape& tape) const noexcept {
        layer_.reset(tape);
    }
    /// The outputs that forward() left in the tape.
    template <class Tape>
    auto outputs(const Tape& tape) const noexcept {
        return layer_.outputs(tape);
    }
    template <class Tape>
    void forward(std::span<const scalar_type> parameters, sequence_view<const scalar_type> inputs,
                 const Tape& tape) const noexcept {
        layer_.forward(parameters, inputs, tape);
    }
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return layer_.backward_work_size(batch, time);
    }
    template <class Tape>
    void backward(std::span<const scalar_type> parameters, sequence_view<const scalar_type> inputs,
                  const Tape& tape, sequence_view<const scalar_type> output_gradient,
                  std::span<scalar_type> gradients, sequence_view<scalar_type> input_gradient,
                  std::span<scalar_type> work) const noexcept {
        layer_.backward(parameters, inputs, tape, output_gradient, gradients, input_gradient, work);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.object("layer", layer_);
        archive.number("l1", penalty_.l1);
        archive.number("l2", penalty_.l2);
    }

  private:
    /// Columns of the weights that multiply inputs: one for each, at each tap of a convolution.
    constexpr index_t input_columns() const noexcept {
        if constexpr (requires { layer_.terms(); }) {
            return layer_.terms();
        } else {
            return layer_.input_size();
        }
    }

    [[no_unique_address]] Layer layer_;
    weight_penalty penalty_;
};

} // namespace tocsin
