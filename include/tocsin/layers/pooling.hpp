/// @file pooling.hpp
/// @brief Layers that make one step of a sequence: pooling over time, and the last outputs.
#pragma once

#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Mean over time of each feature of each batch item.
struct average_over_time {
    static constexpr const char* name = "global_average_pooling";
    template <class Scalar>
    void forward(sequence_view<const Scalar> inputs, sequence_view<Scalar> output) const noexcept {
        auto mean = output.step(0);
        mean.setZero();
        for (int t = 0; t < inputs.time(); ++t) {
            mean += inputs.step(t);
        }
        mean *= Scalar(1) / static_cast<Scalar>(inputs.time());
    }
    template <class Scalar>
    void backward(sequence_view<const Scalar> inputs, sequence_view<const Scalar> /*output*/,
                  sequence_view<const Scalar> slope,
                  sequence_view<Scalar> input_slope) const noexcept {
        const auto share = Scalar(1) / static_cast<Scalar>(inputs.time());
        for (int t = 0; t < inputs.time(); ++t) {
            input_slope.step(t) = slope.step(0) * share;
        }
    }
};

/// Largest value over time of each feature of each batch item; NaN when one is. The slope goes to
/// the first step that has it, as in PyTorch.
struct maximum_over_time {
    static constexpr const char* name = "global_max_pooling";
    template <class Scalar>
    void forward(sequence_view<const Scalar> inputs, sequence_view<Scalar> output) const noexcept {
        Scalar* const largest = output.data();
        std::copy_n(inputs.data(), inputs.step_size(), largest);
        for (int t = 1; t < inputs.time(); ++t) {
            const Scalar* const values = inputs.step(t).data();
            for (index_t k = 0; k < inputs.step_size(); ++k) {
                largest[k] =
                    values[k] > largest[k] || std::isnan(values[k]) ? values[k] : largest[k];
            }
        }
    }
    template <class Scalar>
    void backward(sequence_view<const Scalar> inputs, sequence_view<const Scalar> output,
                  sequence_view<const Scalar> slope,
                  sequence_view<Scalar> input_slope) const noexcept {
        std::fill_n(input_slope.data(), input_slope.size(), Scalar(0));
        for (index_t k = 0; k < inputs.step_size(); ++k) {
            for (index_t at = k; at < inputs.size(); at += inputs.step_size()) {
                if (!(inputs.data()[at] < output.data()[k])) {
                    input_slope.data()[at] = slope.data()[k];
                    break;
                }
            }
        }
    }
};

/// The last step: the output of an LSTM after the whole sequence.
struct last_step {
    static constexpr const char* name = "last_step";
    template <class Scalar>
    void forward(sequence_view<const Scalar> inputs, sequence_view<Scalar> output) const noexcept {
        output.step(0) = inputs.step(inputs.time() - 1);
    }
    template <class Scalar>
    void backward(sequence_view<const Scalar> inputs, sequence_view<const Scalar> /*output*/,
                  sequence_view<const Scalar> slope,
                  sequence_view<Scalar> input_slope) const noexcept {
        std::fill_n(input_slope.data(), input_slope.size(), Scalar(0));
        input_slope.step(inputs.time() - 1) = slope.step(0);
    }
};

/// The final outputs of both halves of a bidirectional LSTM: the first half of the features at the last
/// step, the second at step 0, where the backward direction ends. The number of features is even.
struct last_step_of_both_directions {
    static constexpr const char* name = "last_step_of_both_directions";
    static constexpr int parts = 2; ///< of equal size
    template <class Scalar>
    void forward(sequence_view<const Scalar> inputs, sequence_view<Scalar> output) const noexcept {
        const index_t half = inputs.features() / 2;
        output.step(0).topRows(half) = inputs.step(inputs.time() - 1).topRows(half);
        output.step(0).bottomRows(half) = inputs.step(0).bottomRows(half);
    }
    template <class Scalar>
    void backward(sequence_view<const Scalar> inputs, sequence_view<const Scalar> /*output*/,
                  sequence_view<const Scalar> slope,
                  sequence_view<Scalar> input_slope) const noexcept {
        const index_t half = inputs.features() / 2;
        std::fill_n(input_slope.data(), input_slope.size(), Scalar(0));
        input_slope.step(inputs.time() - 1).topRows(half) = slope.step(0).topRows(half);
        input_slope.step(0).bottomRows(half) = slope.step(0).bottomRows(half);
    }
};

/// A layer without parameters that makes `[size x batch]` of `[size x (batch * time)]`.
/// @tparam Rule `average_over_time`, `maximum_over_time`, `last_step` or
///              `last_step_of_both_directions`
template <class Scalar, class Rule>
class pooling {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = Rule::name;
    static constexpr int version = 1;
    using tape_type = sequence_view<Scalar>;

    constexpr pooling() noexcept = default;
    /// @param size values of a time step
    constexpr explicit pooling(int size) noexcept : size_{size} {}

    constexpr int input_size() const noexcept { return size_; }
    constexpr int output_size() const noexcept { return size_; }
    /// Time steps of the output.
    static constexpr int output_time(int time) noexcept { return time < 1 ? 0 : 1; }
    static constexpr index_t parameter_count() noexcept { return 0; }
    /// Names a size that is not positive, or that the rule cannot divide.
    status check() const noexcept {
        if (size_ < 1) {
            return status::error(error_code::invalid_argument, Rule::name, ": size ", size_,
                                 " must be at least 1");
        }
        if constexpr (requires { Rule::parts; }) {
            if (size_ % Rule::parts != 0) {
                return status::error(error_code::invalid_argument, Rule::name, ": size ", size_,
                                     " must be a multiple of ", Rule::parts);
            }
        }
        return {};
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& /*visit*/) const noexcept {}
    void initialise(std::span<Scalar> /*parameters*/, random_generator& /*random*/) const noexcept {
    }

    constexpr index_t tape_size(int batch, int /*time*/) const noexcept {
        return index_t{size_} * batch;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int /*time*/) const noexcept {
        return {area.data(), size_, batch, 1};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept { return tape; }
    void forward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        Rule{}.template forward<Scalar>(inputs, tape);
    }
    static constexpr index_t backward_work_size(int /*batch*/, int /*time*/) noexcept { return 0; }
    void backward(std::span<const Scalar> /*parameters*/, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> /*gradients*/, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        if (input_gradient.data() != nullptr) {
            Rule{}.template backward<Scalar>(inputs, tape, output_gradient, input_gradient);
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("size", size_, 1, maximum_layer_size);
        detail::keep_if(archive, check());
    }

  private:
    int size_ = 0;
};

/// The mean over time.
template <class Scalar>
using global_average_pooling = pooling<Scalar, average_over_time>;
/// The maximum over time.
template <class Scalar>
using global_max_pooling = pooling<Scalar, maximum_over_time>;

} // namespace tocsin
