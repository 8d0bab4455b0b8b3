/// @file activation_layer.hpp
/// @brief Activations as layers of their own: any elementwise one, and softmax.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/sizes.hpp"
#include "tocsin/math/elementwise.hpp"
#include "tocsin/math/piecewise_activations.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// y = activation(x) for each value: `relu_activation`, `leaky_relu_activation`,
/// `sigmoid_activation`, `tanh_activation`, `hard_sigmoid_activation<>` or your own. The tape holds
/// the outputs `[size x (batch * time)]`. Never allocates.
template <class Scalar, class Activation>
class activation_layer {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = Activation::name;
    static constexpr int version = 1;
    using tape_type = sequence_view<Scalar>;

    constexpr activation_layer() noexcept = default;
    /// @param size values of a time step
    constexpr explicit activation_layer(int size, Activation activation = {}) noexcept
        : size_{size}, activation_{activation} {}

    constexpr int input_size() const noexcept { return size_; }
    constexpr int output_size() const noexcept { return size_; }
    /// What is applied, with its numbers.
    constexpr const Activation& activation() const noexcept { return activation_; }
    static constexpr index_t parameter_count() noexcept { return 0; }
    /// Names a size that is not positive.
    status check() const noexcept {
        if (size_ < 1) {
            return status::error(error_code::invalid_argument, Activation::name, ": size ", size_,
                                 " must be at least 1");
        }
        if constexpr (requires { activation_.below; }) {
            if (!(activation_.below > 0 && activation_.below < 1)) {
                return status::error(error_code::invalid_argument, Activation::name, ": slope ",
                                     activation_.below, " must lie in (0, 1)");
            }
        }
        return {};
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& /*visit*/) const noexcept {}
    void initialise(std::span<Scalar> /*parameters*/, random_generator& /*random*/) const noexcept {
    }

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{size_} * batch * time;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area.data(), size_, batch, time};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept { return tape; }
    void forward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        std::copy_n(inputs.data(), inputs.size(), tape.data());
        activate(activation_, tape.data(), tape.size());
    }
    static constexpr index_t backward_work_size(int /*batch*/, int /*time*/) noexcept { return 0; }
    void backward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> /*inputs*/,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> /*gradients*/, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        if (input_gradient.data() != nullptr) {
            activate_backward(activation_, tape.data(), output_gradient.data(), tape.size());
            std::copy_n(tape.data(), tape.size(), input_gradient.data());
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("size", size_, 1, maximum_layer_size);
        if constexpr (requires { Activation::divisor; }) {
            archive.expect("divisor", Activation::divisor);
        }
        if constexpr (requires { activation_.below; }) {
            archive.number("below", activation_.below);
            if constexpr (Archive::loading) {
                archive.fail(check());
            }
        }
    }

  private:
    int size_ = 0;
    [[no_unique_address]] Activation activation_{};
};

/// y_j = exp(x_j) / sum of exp(x_k) over each column, shifted by the largest x so that no exponential
/// overflows. A NaN makes its whole column NaN. For training, leave it out and use
/// categorical_cross_entropy, which takes the x (logits). Never allocates.
template <class Scalar>
class softmax_layer {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "softmax";
    static constexpr int version = 1;
    using tape_type = sequence_view<Scalar>;

    constexpr softmax_layer() noexcept = default;
    /// @param size values of a time step
    constexpr explicit softmax_layer(int size) noexcept : size_{size} {}

    constexpr int input_size() const noexcept { return size_; }
    constexpr int output_size() const noexcept { return size_; }
    static constexpr index_t parameter_count() noexcept { return 0; }
    /// Names a size that is not positive.
    status check() const noexcept {
        if (size_ < 1) {
            return status::error(error_code::invalid_argument, "softmax: size ", size_,
                                 " must be at least 1");
        }
        return {};
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& /*visit*/) const noexcept {}
    void initialise(std::span<Scalar> /*parameters*/, random_generator& /*random*/) const noexcept {
    }

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{size_} * batch * time;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area.data(), size_, batch, time};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept { return tape; }
    void forward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        for (index_t col = 0; col < inputs.flat().cols(); ++col) {
            const auto x = inputs.flat().col(col);
            auto y = tape.flat().col(col);
            const Scalar largest = x.maxCoeff();
            Scalar sum = 0;
            for (index_t row = 0; row < size_; ++row) {
                y(row) = std::exp(x(row) - largest);
                sum += y(row);
            }
            for (index_t row = 0; row < size_; ++row) { // on 32-bit Arm, Eigen's is an estimate
                y(row) /= sum;
            }
        }
    }
    static constexpr index_t backward_work_size(int /*batch*/, int /*time*/) noexcept { return 0; }
    void backward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> /*inputs*/,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> /*gradients*/, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        if (input_gradient.data() == nullptr) {
            return;
        }
        for (index_t col = 0; col < tape.flat().cols(); ++col) {
            const auto y = tape.flat().col(col);
            const auto slope = output_gradient.flat().col(col);
            const Scalar along = y.dot(slope);
            input_gradient.flat().col(col).array() = y.array() * (slope.array() - along);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("size", size_, 1, maximum_layer_size);
    }

  private:
    int size_ = 0;
};

} // namespace tocsin
