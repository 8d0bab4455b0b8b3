/// @file dropout_layer.hpp
/// @brief Dropout as a layer: one mask for each value of a batch.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/dropout.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// Multiplies each value by a mask in training (layers/dropout.hpp); changes nothing in inference.
/// Order of calls in training: draw(tape, random), forward(), backward().
template <class Scalar>
class dropout_layer {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "dropout";
    static constexpr int version = 1;

    /// Views into `tape_size()` scalars.
    struct tape_type {
        sequence_view<Scalar> outputs; ///< what forward() computed
        std::span<Scalar> mask;        ///< what each value was multiplied by
    };

    constexpr dropout_layer() noexcept = default;
    /// @param rate share of the values that become 0, in [0, 1)
    constexpr dropout_layer(int size, double rate) noexcept : size_{size}, dropout_{rate} {}

    constexpr int input_size() const noexcept { return size_; }
    constexpr int output_size() const noexcept { return size_; }
    static constexpr index_t parameter_count() noexcept { return 0; }
    /// Names a size that is not positive, or a rate outside [0, 1).
    status check() const noexcept {
        if (size_ < 1) {
            return status::error(error_code::invalid_argument, "dropout: size ", size_,
                                 " must be at least 1");
        }
        return dropout_.check();
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& /*visit*/) const noexcept {}
    void initialise(std::span<Scalar> /*parameters*/, random_generator& /*random*/) const noexcept {
    }

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{2} * size_ * batch * time;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        const index_t size = index_t{size_} * batch * time;
        return {{area.data(), size_, batch, time}, slice(area, size, size)};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept { return tape.outputs; }
    /// Draws the mask of the next forward() and backward().
    void draw(const tape_type& tape, random_generator& random) const noexcept {
        dropout_.draw(tape.mask, random);
    }
    void forward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        multiply_by_mask(inputs, tape.mask, tape.outputs);
    }
    /// Inference: a copy.
    void infer(std::span<const Scalar> /*parameters*/, std::span<const Scalar> /*statistics*/,
               sequence_view<const Scalar> inputs, const tape_type& tape) const noexcept {
        std::copy_n(inputs.data(), inputs.size(), tape.outputs.data());
    }
    static constexpr index_t backward_work_size(int /*batch*/, int /*time*/) noexcept { return 0; }
    void backward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> /*inputs*/,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> /*gradients*/, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        if (input_gradient.data() != nullptr) {
            multiply_by_mask(output_gradient, tape.mask, input_gradient);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("size", size_, 1, maximum_layer_size);
        archive.number("rate", dropout_.rate);
    }

  private:
    static void multiply_by_mask(sequence_view<const Scalar> values, std::span<const Scalar> mask,
                                 sequence_view<Scalar> products) noexcept {
        for (index_t k = 0; k < values.size(); ++k) {
            products.data()[k] = values.data()[k] * mask[static_cast<std::size_t>(k)];
        }
    }

    int size_ = 0;
    dropout dropout_{};
};

} // namespace tocsin
