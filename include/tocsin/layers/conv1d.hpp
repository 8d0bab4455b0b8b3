/// @file conv1d.hpp
/// @brief Convolution over time.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/initialisers.hpp"
#include "tocsin/layers/layer_archive.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/math/outer_product.hpp"
#include "tocsin/math/packed_product.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace tocsin {

/// Zeros around a sequence before a convolution, for a reach of (kernel - 1) * dilation steps.
enum class padding {
    valid, ///< none: the output is shorter by the reach
    same,  ///< reach / 2 before, the rest after (3 and 4 for a kernel of 8), as PyTorch and Keras
    causal ///< all before: an output depends on no later input
};

/// y(t) = b + sum over taps k of W_k x(t + k * dilation), a cross-correlation as in PyTorch.
///
/// Parameters are one column-major matrix `[outputs x (kernel * inputs + 1)]` with the columns
/// `[W_0 | W_1 | ... | b]`. The products run on the kernels of math/packed_product.hpp, which read
/// the taps of a column where they lie, so nothing is copied but the padding.
template <class Scalar, int Inputs = dynamic, int Outputs = dynamic>
class conv1d {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "conv1d";
    static constexpr int version = 1;

    /// Shape of the convolution over time.
    struct shape {
        int kernel = 1;                          ///< taps, at least 1
        tocsin::padding padding = padding::same; ///< what stands in for samples beyond the ends
        int dilation = 1;                        ///< steps from one tap to the next, at least 1
    };

    /// Views into `tape_size()` scalars.
    struct tape_type {
        sequence_view<Scalar> padded;           ///< the inputs with zeros around them
        sequence_view<Scalar, Outputs> outputs; ///< what forward() computed
        Scalar* weights;                        ///< packed for the forward pass
        Scalar* to_input;                       ///< packed for dL/dx
        int time;                               ///< steps of the inputs
    };

    constexpr conv1d() noexcept = default;
    /// A layer of these sizes; check() judges them.
    constexpr conv1d(int inputs, int outputs, shape form) noexcept
        : inputs_{inputs}, outputs_{outputs}, shape_{form} {}

    constexpr int input_size() const noexcept { return inputs_.value(); }
    constexpr int output_size() const noexcept { return outputs_.value(); }
    /// Length, stride, dilation and padding.
    constexpr const shape& form() const noexcept { return shape_; }
    constexpr index_t parameter_count() const noexcept {
        return index_t{output_size()} * (index_t{terms()} + 1);
    }
    /// Steps beyond the first that an output reads.
    constexpr int reach() const noexcept { return (shape_.kernel - 1) * shape_.dilation; }
    /// Time steps that are added before the first.
    constexpr int steps_before() const noexcept {
        return shape_.padding == padding::valid  ? 0
               : shape_.padding == padding::same ? reach() / 2
                                                 : reach();
    }
    /// Time steps that are added after the last.
    constexpr int steps_after() const noexcept {
        return shape_.padding == padding::same ? reach() - steps_before() : 0;
    }
    /// Steps of the output; less than 1 when `valid` leaves nothing.
    constexpr int output_time(int time) const noexcept {
        return shape_.padding == padding::valid ? time - reach() : time;
    }

    /// Names a size that is not positive, or sizes beyond what can be addressed.
    status check() const noexcept {
        if (input_size() < 1 || output_size() < 1) {
            return status::error(error_code::invalid_argument, "conv1d: input size ", input_size(),
                                 " and output size ", output_size(), " must both be at least 1");
        }
        if (shape_.kernel < 1 || shape_.dilation < 1) {
            return status::error(error_code::invalid_argument, "conv1d: kernel ", shape_.kernel,
                                 " and dilation ", shape_.dilation, " must both be at least 1");
        }
        // So that no number of taps, values or steps overflows an int.
        constexpr int most = 1 << 30;
        const auto reads = basic_checked_size<int>{shape_.kernel} *
                           std::max({input_size(), output_size(), shape_.dilation});
        if (!reads.is_at_most(most)) {
            return status::error(error_code::invalid_argument, "conv1d: kernel ", shape_.kernel,
                                 " with dilation ", shape_.dilation, ", ", input_size(),
                                 " inputs and ", output_size(), " outputs is larger than ", most);
        }
        return detail::check_weights(kind, *this);
    }

    /// Inputs of each output: the features at each tap.
    constexpr int terms() const noexcept { return shape_.kernel * input_size(); }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("weights", index_t{0}, index_t{output_size()}, index_t{terms()} + 1);
    }

    /// Glorot weights, whose fans count the taps as in Keras, and zero biases.
    void initialise(std::span<Scalar> parameters, random_generator& random) const noexcept {
        matrix_view<Scalar> weights(parameters.data(), output_size(), terms());
        const double fans = static_cast<double>(shape_.kernel) * (input_size() + output_size());
        initialise_uniform(weights, std::sqrt(6.0 / fans), random);
        vector_view<Scalar>(parameters.data() + weights.size(), output_size()).setZero();
    }

    // ---- whole sequences with a tape (concept differentiable_layer) -------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return whole_lines<Scalar>(padded_size(batch, time)) +
               whole_lines<Scalar>(forward_product().size()) +
               whole_lines<Scalar>(backward_product().size()) +
               whole_lines<Scalar>(index_t{output_size()} * batch * output_time(time));
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const auto take = [&](index_t size) { return rest.take(whole_lines<Scalar>(size)).data(); };
        tape_type tape;
        tape.padded = {take(padded_size(batch, time)), input_size(), batch,
                       time + steps_before() + steps_after()};
        tape.weights = take(forward_product().size());
        tape.to_input = take(backward_product().size());
        tape.outputs = {take(index_t{output_size()} * batch * output_time(time)), output_size(),
                        batch, output_time(time)};
        tape.time = time;
        return tape;
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// `[outputs x (batch * output_time(time))]`.
    sequence_view<Scalar, Outputs> outputs(const tape_type& tape) const noexcept {
        return tape.outputs;
    }

    /// Never allocates. An output is computed alike whatever else is in the batch.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                 const tape_type& tape) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(parameters.size()) >= parameter_count(),
                      "conv1d: too few parameters");
        const index_t before = index_t{steps_before()} * inputs.step_size();
        Scalar* const padded = tape.padded.data();
        std::fill_n(padded, before, Scalar(0));
        std::copy_n(inputs.data(), inputs.size(), padded + before);
        std::fill_n(padded + before + inputs.size(), index_t{steps_after()} * inputs.step_size(),
                    Scalar(0));
        const Scalar* const weights = parameters.data();
        const int rows = output_size();
        pack_product(
            forward_product(), [&](int r, int j) { return weights[index_t{r} * rows + j]; },
            tape.weights);
        with_lanes<Scalar>(rows, [&]<class Lanes>() {
            packed_product<Lanes>(forward_product(), tape.weights,
                                  taps(padded, input_size(), tape.padded.batch()),
                                  tape.outputs.batch() * tape.outputs.time(),
                                  weights + index_t{terms()} * rows, tape.outputs.data());
        });
    }

    /// The slopes of the outputs with zeros around them.
    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return index_t{output_size()} * batch * (output_time(time) + 2 * reach());
    }
    void backward(std::span<const Scalar> parameters,
                  sequence_view<const Scalar, Inputs> /*inputs*/, const tape_type& tape,
                  sequence_view<const Scalar, Outputs> output_gradient, std::span<Scalar> gradients,
                  sequence_view<Scalar, Inputs> input_gradient,
                  std::span<Scalar> work) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(work.size()) >=
                          backward_work_size(tape.padded.batch(), tape.time),
                      "conv1d: too small a work area");
        const int rows = output_size();
        const int batch = tape.padded.batch();
        const index_t columns = index_t{batch} * tape.outputs.time();
        for (int k = 0; k < shape_.kernel; ++k) {
            add_outer_products<Scalar>(output_gradient.data(), rows,
                                       tape.padded.data() + k * tap_stride(input_size(), batch),
                                       input_size(), columns,
                                       gradients.data() + index_t{k} * input_size() * rows);
        }
        add_columns<Scalar>(output_gradient.data(), rows, columns,
                            gradients.data() + index_t{terms()} * rows);
        if (input_gradient.data() == nullptr) {
            return;
        }
        // dL/dx(t) = sum over k of W_k^T dL/dy(t - k * dilation): a convolution with the taps in
        // reverse order.
        const Scalar* const weights = parameters.data();
        const int last = shape_.kernel - 1;
        const auto reversed = [&](int r, int i) {
            const int k = last - r / rows;
            return weights[(index_t{k} * input_size() + i) * rows + r % rows];
        };
        pack_product(backward_product(), reversed, tape.to_input);
        const index_t around = index_t{reach()} * rows * batch;
        Scalar* const padded = work.data();
        std::fill_n(padded, around, Scalar(0));
        std::copy_n(output_gradient.data(), output_gradient.size(), padded + around);
        std::fill_n(padded + around + output_gradient.size(), around, Scalar(0));
        with_lanes<Scalar>(input_size(), [&]<class Lanes>() {
            packed_product<Lanes>(
                backward_product(), tape.to_input,
                taps(padded + index_t{steps_before()} * rows * batch, rows, batch),
                batch * tape.time, nullptr, input_gradient.data());
        });
    }

    template <class Archive>
    void exchange(Archive& archive) {
        constexpr int longest = 1 << 15; // so that no reach overflows
        detail::exchange_size(archive, "inputs", inputs_);
        detail::exchange_size(archive, "outputs", outputs_);
        archive.integer("kernel", shape_.kernel, 1, longest);
        archive.integer("padding", shape_.padding, padding::valid, padding::causal);
        archive.integer("dilation", shape_.dilation, 1, longest);
    }

  private:
    constexpr index_t padded_size(int batch, int time) const noexcept {
        return index_t{input_size()} * batch * (time + steps_before() + steps_after());
    }
    constexpr product_layout forward_product() const noexcept {
        return {output_size(), terms(), lanes_for<Scalar>(output_size())};
    }
    constexpr product_layout backward_product() const noexcept {
        return {input_size(), shape_.kernel * output_size(), lanes_for<Scalar>(input_size())};
    }
    constexpr index_t tap_stride(int features, int batch) const noexcept {
        return index_t{shape_.dilation} * features * batch;
    }
    /// The values that the taps read for each column, as the operand of a product.
    segmented_columns<Scalar> taps(const Scalar* data, int features, int batch) const noexcept {
        return {data, shape_.kernel, features, tap_stride(features, batch), features};
    }

    [[no_unique_address]] extent<Inputs> inputs_;
    [[no_unique_address]] extent<Outputs> outputs_;
    shape shape_;
};

} // namespace tocsin
