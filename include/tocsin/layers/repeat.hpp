/// @file repeat.hpp
/// @brief A layer that repeats each step of a sequence, as between an encoder and its decoder.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// Each time step `times` times, one after the other: `[size x (batch * time)]` gives
/// `[size x (batch * time * times)]`. After a layer that gives one step, it is the `RepeatVector` of
/// Keras, whose copies a decoder reads; after others, it is `UpSampling1D`, and PyTorch's
/// `nn.Upsample` with the nearest value. Without parameters. Never allocates.
template <class Scalar>
class repeat {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "repeat";
    static constexpr int version = 1;
    /// The outputs.
    using tape_type = sequence_view<Scalar>;
    /// Most repetitions of a step.
    static constexpr int maximum_times = 65536;

    constexpr repeat() noexcept = default;
    /// @param size  values of a time step
    /// @param times 1 to maximum_times; check() judges both
    constexpr repeat(int size, int times) noexcept : size_{size}, times_{times} {}

    constexpr int input_size() const noexcept { return size_; }
    constexpr int output_size() const noexcept { return size_; }
    /// How often each step is repeated.
    constexpr int times() const noexcept { return times_; }
    /// Time steps of the output; 0 where an `int` cannot count them.
    constexpr int output_time(int time) const noexcept {
        const auto steps = basic_checked_size<int>{time} * times_;
        return steps.valid() ? steps.value() : 0;
    }
    static constexpr index_t parameter_count() noexcept { return 0; }
    /// Names the number that is out of range.
    status check() const noexcept {
        if (size_ < 1) {
            return status::error(error_code::invalid_argument, "repeat: size ", size_,
                                 " must be at least 1");
        }
        if (times_ < 1 || times_ > maximum_times) {
            return status::error(error_code::invalid_argument, "repeat: ", times_,
                                 " times, expected 1 to ", maximum_times);
        }
        return {};
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& /*visit*/) const noexcept {}
    void initialise(std::span<Scalar> /*parameters*/, random_generator& /*random*/) const noexcept {
    }

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{size_} * batch * output_time(time);
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area.data(), size_, batch, output_time(time)};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept { return tape; }
    void forward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        for (int t = 0; t < tape.time(); ++t) {
            tape.step(t) = inputs.step(t / times_);
        }
    }
    static constexpr index_t backward_work_size(int /*batch*/, int /*time*/) noexcept { return 0; }
    /// The slope of a step is the sum of the slopes of its copies.
    void backward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> /*inputs*/,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> /*gradients*/, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        if (input_gradient.data() == nullptr) {
            return;
        }
        std::fill_n(input_gradient.data(), input_gradient.size(), Scalar(0));
        for (int t = 0; t < tape.time(); ++t) {
            input_gradient.step(t / times_) += output_gradient.step(t);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("size", size_, 1, maximum_layer_size);
        archive.integer("times", times_, 1, maximum_times);
    }

  private:
    int size_ = 0;
    int times_ = 1;
};

} // namespace tocsin
