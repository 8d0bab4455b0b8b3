/// @file dense.hpp
/// @brief A fully connected layer with an activation.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/initialisers.hpp"
#include "tocsin/layers/layer_archive.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/math/dot_products.hpp"
#include "tocsin/math/elementwise.hpp"
#include "tocsin/math/outer_product.hpp"
#include "tocsin/math/packed_product.hpp"
#include "tocsin/math/products.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace tocsin {

/// y = activation(W x + b), column by column, for any number of columns (batch, or batch and time).
/// Parameters are one column-major matrix `[outputs x (inputs + 1)]` with columns `[W | b]`.
template <class Scalar, class Activation = identity_activation, int Inputs = dynamic,
          int Outputs = dynamic>
class dense {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "dense";
    static constexpr int version = 1;
    /// What is applied to the sums.
    using activation_type = Activation;
    using tape_type = sequence_view<Scalar, Outputs>; ///< backward only needs the outputs

    constexpr dense() noexcept = default;
    /// A layer of these sizes; check() judges them.
    constexpr dense(int inputs, int outputs) noexcept : inputs_{inputs}, outputs_{outputs} {}

    constexpr int input_size() const noexcept { return inputs_.value(); }
    constexpr int output_size() const noexcept { return outputs_.value(); }
    constexpr index_t parameter_count() const noexcept {
        return index_t{output_size()} * (index_t{input_size()} + 1);
    }
    /// Names a size that is not positive, or sizes beyond what can be addressed.
    status check() const noexcept {
        if (input_size() < 1 || output_size() < 1) {
            return status::error(error_code::invalid_argument, "dense: input size ", input_size(),
                                 " and output size ", output_size(), " must both be at least 1");
        }
        return detail::check_weights(kind, *this);
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("weights", index_t{0}, index_t{output_size()}, index_t{input_size()} + 1);
    }

    /// Glorot weights, zero biases.
    void initialise(std::span<Scalar> parameters, random_generator& random) const noexcept {
        const weights<Scalar> view = view_of(parameters);
        auto matrix = view.matrix;
        auto bias = view.bias;
        initialise_glorot(matrix, random);
        bias.setZero();
    }

    /// Scalars of the packed weights: the bias, filled up with zeros, then the matrix.
    constexpr index_t packed_size() const noexcept {
        return bias_size() + whole_lines<Scalar>(matrix_size());
    }
    /// Packs parameters for apply(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        const weights<const Scalar> view = view_of(parameters);
        const auto weight = [&](int input, int output) { return view.matrix(output, input); };
        std::fill_n(packed.data(), bias_size(), Scalar(0));
        std::copy_n(view.bias.data(), output_size(), packed.data());
        Scalar* const matrix = packed.data() + bias_size();
        if (has_few_outputs()) {
            pack_rows(rows(), weight, matrix);
        } else {
            pack_product(product(), weight, matrix);
        }
    }
    /// Applies the layer with its own kernels, for inference. Never allocates.
    /// @param packed weights from pack()
    /// @param input  `[inputs x n]`, contiguous
    /// @param output `[outputs x n]`, contiguous, overwritten; must not overlap `input`
    template <class Input, class Output>
    void apply(packed_weights<Scalar> packed, const Input& input, Output&& output) const noexcept {
        const auto columns = static_cast<int>(input.cols());
        const Scalar* const bias = packed.values.data();
        if (columns == 1) {
            apply_column(bias, input.data(), output.data());
            return;
        }
        if (has_few_outputs()) {
            with_lanes<Scalar>(input_size(), [&]<class Lanes>() {
                dot_products_of_columns<Lanes>(rows(), bias + bias_size(), input.data(), columns,
                                               bias, output.data());
            });
            activate(Activation{}, output.data(), output.size());
            return;
        }
        with_lanes<Scalar>(output_size(), [&]<class Lanes>() {
            packed_product<Lanes>(product(), bias + bias_size(),
                                  {input.data(), 1, input_size(), 0, input_size()}, columns, bias,
                                  output.data());
        });
        activate(Activation{}, output.data(), output.size());
    }
    /// The same for a single column, the sample of a stream.
    /// @param packed weights by pack()
    /// @param input  `[inputs]`
    /// @param output `[outputs]`, overwritten; must not overlap `input`
    void apply_column(const Scalar* packed, const Scalar* input, Scalar* output) const noexcept {
        const Scalar* const matrix = packed + bias_size();
        if (has_few_outputs()) {
            with_lanes<Scalar>(input_size(), [&]<class Lanes>() {
                dot_products<Lanes>(rows(), matrix, input, packed, output);
            });
        } else {
            with_lanes<Scalar>(output_size(), [&]<class Lanes>() {
                packed_column_product<Lanes>(product(), matrix, input, packed, output);
            });
        }
        activate(Activation{}, output, output_size());
    }

    /// Applies the layer with weights that are not packed, for training. Never allocates.
    /// @param input  `[inputs x n]`, contiguous
    /// @param output `[outputs x n]`, contiguous, overwritten; must not overlap `input`
    template <class Input, class Output>
    void apply(std::span<const Scalar> parameters, const Input& input,
               Output&& output) const noexcept {
        if (packed_size() <= packed_at_once) {
            alignas(64) std::array<Scalar, std::size_t{packed_at_once}>
                packed; // NOLINT: overwritten
            pack(parameters, packed);
            apply(packed_weights<Scalar>{packed}, input, output);
            return;
        }
        const weights<const Scalar> view = view_of(parameters);
        multiply(view.matrix.data(), output_size(), input_size(), input.data(),
                 static_cast<int>(input.cols()), view.bias.data(), output.data());
        activate(Activation{}, output.data(), output.size());
    }

    /// Chain rule through apply(). Adds to `gradients`.
    /// @param output          `[outputs x n]`, in: y of apply(); out: dL/dz, before the activation
    /// @param output_gradient `[outputs x n]` dL/dy
    /// @param input_gradient  `[inputs x n]` dL/dx, overwritten; data() is null when not wanted
    template <class Input, class Output, class OutputGradient, class InputGradient>
    void apply_backward(std::span<const Scalar> parameters, const Input& input, Output&& output,
                        const OutputGradient& output_gradient, std::span<Scalar> gradients,
                        InputGradient&& input_gradient) const noexcept {
        activate_backward(Activation{}, output.data(), output_gradient.data(), output.size());
        weights<Scalar> gradient = view_of(gradients);
        const index_t columns = output.cols();
        add_outer_products<Scalar>(output.data(), output_size(), input.data(), input_size(),
                                   columns, gradient.matrix.data());
        add_columns<Scalar>(output.data(), output_size(), columns, gradient.bias.data());
        if (input_gradient.data() != nullptr) {
            multiply_transposed<Scalar>(view_of(parameters).matrix.data(), output_size(),
                                        input_size(), output.data(), static_cast<int>(columns),
                                        input_gradient.data());
        }
    }

    // ---- whole sequences with a tape (concept differentiable_layer) -------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return index_t{output_size()} * batch * time;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area.data(), output_size(), batch, time};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar, Outputs> outputs(const tape_type& tape) const noexcept { return tape; }
    /// Computes all time steps into the tape. See concept differentiable_layer.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                 const tape_type& tape) const noexcept {
        apply(parameters, inputs.flat(), tape.flat());
    }
    constexpr index_t backward_work_size(int /*batch*/, int /*time*/) const noexcept { return 0; }
    /// Adds to the gradients of the parameters, overwrites the gradients of the inputs. See concept
    /// differentiable_layer.
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Inputs> inputs,
                  const tape_type& tape, sequence_view<const Scalar, Outputs> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Inputs> input_gradient,
                  std::span<Scalar> /*work*/) const noexcept {
        apply_backward(parameters, inputs.flat(), tape.flat(), output_gradient.flat(), gradients,
                       input_gradient.flat());
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::expect_policy<Activation>(archive, "activation");
        detail::exchange_size(archive, "inputs", inputs_);
        detail::exchange_size(archive, "outputs", outputs_);
    }

  private:
    /// Whether a column takes fewer instructions by dot products: one for each register of a row,
    /// seven for its sum. A product reads the value and multiplies each block of outputs with it.
    constexpr bool has_few_outputs() const noexcept {
        return index_t{output_size()} *
                   (registers_for(input_size(), widest_lanes<Scalar>) + index_t{7}) <
               index_t{input_size()} * (product().blocks() + index_t{1});
    }
    constexpr row_layout rows() const noexcept {
        return {output_size(), input_size(), lanes_for<Scalar>(input_size())};
    }
    constexpr product_layout product() const noexcept {
        return {output_size(), input_size(), lanes_for<Scalar>(output_size())};
    }
    constexpr index_t bias_size() const noexcept { return whole_lines<Scalar>(output_size()); }
    constexpr index_t matrix_size() const noexcept {
        return has_few_outputs() ? rows().size() : product().size();
    }

    template <class Element>
    struct weights {
        matrix_view<Element, Outputs, Inputs> matrix; // W [O x I]
        vector_view<Element, Outputs> bias;           // b [O]
    };

    template <class Element>
    weights<Element> view_of(std::span<Element> parameters) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(parameters.size()) >= parameter_count(),
                      "dense: too few parameters");
        Element* const matrix = parameters.data();
        Element* const bias = matrix + index_t{output_size()} * input_size();
        return {matrix_view<Element, Outputs, Inputs>(matrix, output_size(), input_size()),
                vector_view<Element, Outputs>(bias, output_size())};
    }

    [[no_unique_address]] extent<Inputs> inputs_;
    [[no_unique_address]] extent<Outputs> outputs_;
};

} // namespace tocsin
