/// @file dense_head.hpp
/// @brief Stacked dense layers: ReLU hidden layers, then a linear output.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <cstdio>
#include <span>

namespace tocsin {

/// Maps each column (a batch item at one time step) to the outputs; `dense_head<float, 64, 8>` is a
/// single linear layer, `dense_head<float, 64, 32, 8>` has one hidden layer of 32.
/// @tparam Sizes input size, then one output size per layer; none for run-time sizes
template <class Scalar, int... Sizes>
class dense_head {
  public:
    using scalar_type = Scalar;
    using sizes_type = chain_sizes<Sizes...>;

    /// Outputs of every layer for all steps, in `tape_size()` scalars.
    struct tape_type {
        std::span<Scalar> area; ///< the tapes of all layers, one after the other
        int batch = 0;          ///< sequences side by side
        int time = 0;           ///< time steps
    };

    constexpr dense_head() noexcept = default;
    /// Layers of these sizes, input first; check() judges them.
    constexpr explicit dense_head(sizes_type sizes) noexcept : sizes_{sizes} {}

    constexpr int layers() const noexcept { return sizes_.layers(); }
    constexpr int input_size() const noexcept { return sizes_.size(0); }
    constexpr int output_size() const noexcept { return sizes_.size(layers()); }
    constexpr index_t parameter_count() const noexcept {
        index_t count = 0;
        for (int k = 0; k < layers(); ++k) {
            count += index_t{sizes_.size(k + 1)} * (index_t{sizes_.size(k)} + 1);
        }
        return count;
    }
    status check() const noexcept { return sizes_.check("dense_head"); }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        index_t offset = 0;
        for (int k = 0; k < layers(); ++k) {
            char name[24];
            std::snprintf(name, sizeof name, "dense.%d", k);
            visit(name, offset, index_t{sizes_.size(k + 1)}, index_t{sizes_.size(k)} + 1);
            offset += index_t{sizes_.size(k + 1)} * (index_t{sizes_.size(k)} + 1);
        }
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const noexcept {
        for_each_layer(0, [&](const auto& layer, const position& at) {
            layer.initialise(slice(parameters, at.parameters), random);
        });
    }

    // ---- inference: columns, no tape --------------------------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept {
        index_t size = 0;
        for (int k = 0; k < layers(); ++k) {
            size += dense<Scalar>{sizes_.size(k), sizes_.size(k + 1)}.packed_size();
        }
        return size;
    }
    /// Packs parameters for apply(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        for_each_layer(0, [&](const auto& layer, const position& at) {
            layer.pack(slice(parameters, at.parameters), slice(packed, at.packed));
        });
    }

    /// Scratch scalars of apply().
    constexpr index_t apply_work_size(int batch) const noexcept {
        return index_t{2} * largest_hidden_size() * batch;
    }
    /// Never allocates.
    /// @param packed weights from pack()
    /// @param input  `[inputs x batch]`
    /// @param output `[outputs x batch]`, contiguous, overwritten
    /// @param work   `apply_work_size(batch)` scalars
    void apply(packed_weights<Scalar> packed, const matrix_view<const Scalar>& input,
               matrix_view<Scalar> output, std::span<Scalar> work) const noexcept {
        if (input.cols() == 1) {
            apply_column(packed.values.data(), input.data(), output.data(), work.data());
            return;
        }
        const index_t half = layers() > 2 ? index_t{largest_hidden_size()} * input.cols() : 0;
        const Scalar* below = input.data();
        for_each_layer(0, [&](const auto& layer, const position& at) {
            // Layers alternate between the halves of `work`; the last one writes the output.
            Scalar* const above =
                at.k + 1 == layers() ? output.data() : work.data() + (at.k % 2) * half;
            layer.apply(packed.from(at.packed),
                        matrix_view<const Scalar>(below, layer.input_size(), input.cols()),
                        matrix_view<Scalar>(above, layer.output_size(), input.cols()));
            below = above;
        });
    }
    /// The same for one column, `[inputs]` and `[outputs]`.
    TOCSIN_ALWAYS_INLINE void apply_column(const Scalar* packed, const Scalar* input,
                                           Scalar* output, Scalar* work) const noexcept {
        const index_t half = layers() > 2 ? index_t{largest_hidden_size()} : 0;
        sizes_.for_each_layer([&]<int In, int Out>(int k, int in, int out) TOCSIN_ALWAYS_INLINE {
            if (k + 1 == layers()) {
                dense<Scalar, identity_activation, In, Out>{in, out}.apply_column(packed, input,
                                                                                  output);
                return;
            }
            const dense<Scalar, relu_activation, In, Out> layer{in, out};
            Scalar* const above = work + (k % 2) * half;
            layer.apply_column(packed, input, above);
            input = above;
            packed += layer.packed_size();
        });
    }

    // ---- whole sequences with a tape --------------------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        index_t size = 0;
        for (int k = 0; k < layers(); ++k) {
            size += index_t{sizes_.size(k + 1)} * batch * time;
        }
        return size;
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area, batch, time};
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// Outputs of the last layer, `[outputs x (batch * time)]`.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept {
        const index_t before =
            tape_size(tape.batch, tape.time) - index_t{output_size()} * tape.batch * tape.time;
        return {tape.area.data() + before, output_size(), tape.batch, tape.time};
    }
    /// Computes all layers over all time steps into the tape. See concept differentiable_layer.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        forward_columns(parameters, inputs.data(), tape, 0, index_t{tape.batch} * tape.time);
    }
    /// One time step: fills step `t` of the tape.
    void forward_step(std::span<const Scalar> parameters, const matrix_view<const Scalar>& input,
                      const tape_type& tape, int t) const noexcept {
        forward_columns(parameters, input.data(), tape, index_t{t} * tape.batch, tape.batch);
    }

    constexpr index_t backward_work_size(int batch, int time) const noexcept {
        return index_t{largest_hidden_size()} * batch * time;
    }
    /// Adds to the gradients of the parameters, overwrites the gradients of the inputs. See concept
    /// differentiable_layer.
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> work) const noexcept {
        backward_columns(parameters, inputs.data(), tape, 0, index_t{tape.batch} * tape.time,
                         output_gradient.data(), gradients, input_gradient.data(), work);
    }
    /// Chain rule through one time step; adds to `gradients`.
    /// @param input           `[inputs x batch]` as given to forward_step
    /// @param output_gradient `[outputs x batch]`
    /// @param input_gradient  `[inputs x batch]`, overwritten
    /// @param work            `backward_work_size(batch, 1)` scalars
    void backward_step(std::span<const Scalar> parameters, const matrix_view<const Scalar>& input,
                       const tape_type& tape, int t,
                       const matrix_view<const Scalar>& output_gradient,
                       std::span<Scalar> gradients, matrix_view<Scalar> input_gradient,
                       std::span<Scalar> work) const noexcept {
        backward_columns(parameters, input.data(), tape, index_t{t} * tape.batch, tape.batch,
                         output_gradient.data(), gradients, input_gradient.data(), work);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        sizes_.exchange(archive);
    }

  private:
    /// Offsets of a layer in the head's parameters and tape.
    struct position {
        int k = 0;
        index_t parameters = 0;
        index_t packed = 0;
        index_t tape = 0;
    };

    constexpr int largest_hidden_size() const noexcept {
        int largest = 0;
        for (int k = 1; k < layers(); ++k) {
            largest = std::max(largest, sizes_.size(k));
        }
        return largest;
    }

    /// Calls `visit(layer, position)`; the tape holds `columns` columns of each layer.
    template <class Visit>
    void for_each_layer(index_t columns, Visit&& visit) const {
        position at;
        sizes_.for_each_layer([&]<int In, int Out>(int k, int in, int out) {
            at.k = k;
            if (k >
                0) { // not behind each layer: most heads have one, whose sizes then cost nothing
                const dense<Scalar> below{sizes_.size(k - 1), in};
                at.parameters += below.parameter_count();
                at.packed += below.packed_size();
                at.tape += in * columns;
            }
            if (k + 1 < layers()) {
                visit(dense<Scalar, relu_activation, In, Out>{in, out}, at);
            } else {
                visit(dense<Scalar, identity_activation, In, Out>{in, out}, at);
            }
        });
    }
    template <class Visit>
    void for_each_layer_reversed(index_t columns, Visit&& visit) const {
        position at{0, parameter_count(), packed_size(), 0};
        for (int k = 0; k < layers(); ++k) {
            at.tape += sizes_.size(k + 1) * columns;
        }
        sizes_.for_each_layer_reversed([&]<int In, int Out>(int k, int in, int out) {
            at.k = k;
            const dense<Scalar> shape{in, out};
            at.parameters -= shape.parameter_count();
            at.packed -= shape.packed_size();
            at.tape -= out * columns;
            if (k + 1 < layers()) {
                visit(dense<Scalar, relu_activation, In, Out>{in, out}, at);
            } else {
                visit(dense<Scalar, identity_activation, In, Out>{in, out}, at);
            }
        });
    }

    // The columns [first, first + count) of the tape; `inputs` points to the first of them.
    void forward_columns(std::span<const Scalar> parameters, const Scalar* inputs,
                         const tape_type& tape, index_t first, index_t count) const noexcept {
        const Scalar* below = inputs;
        for_each_layer(index_t{tape.batch} * tape.time, [&](const auto& layer, const position& at) {
            Scalar* const above = tape.area.data() + at.tape + first * layer.output_size();
            layer.apply(slice(parameters, at.parameters),
                        matrix_view<const Scalar>(below, layer.input_size(), count),
                        matrix_view<Scalar>(above, layer.output_size(), count));
            below = above;
        });
    }
    void backward_columns(std::span<const Scalar> parameters, const Scalar* inputs,
                          const tape_type& tape, index_t first, index_t count,
                          const Scalar* output_gradient, std::span<Scalar> gradients,
                          Scalar* input_gradient, std::span<Scalar> work) const noexcept {
        const index_t columns = index_t{tape.batch} * tape.time;
        const Scalar* above = output_gradient;
        for_each_layer_reversed(columns, [&](const auto& layer, const position& at) {
            const Scalar* const below =
                at.k == 0 ? inputs
                          : tape.area.data() + at.tape - layer.input_size() * (columns - first);
            // A layer reads the gradient from above before it writes the one for below, so both can
            // be at the start of `work`.
            Scalar* const below_gradient = at.k == 0 ? input_gradient : work.data();
            layer.apply_backward(
                slice(parameters, at.parameters),
                matrix_view<const Scalar>(below, layer.input_size(), count),
                matrix_view<Scalar>(tape.area.data() + at.tape + first * layer.output_size(),
                                    layer.output_size(), count),
                matrix_view<const Scalar>(above, layer.output_size(), count),
                slice(gradients, at.parameters),
                matrix_view<Scalar>(below_gradient, layer.input_size(), count));
            above = below_gradient;
        });
    }

    [[no_unique_address]] sizes_type sizes_;
};

} // namespace tocsin
