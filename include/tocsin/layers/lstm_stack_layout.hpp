/// @file lstm_stack_layout.hpp
/// @brief Layout of an LSTM stack's layers in its parameters, packed weights, tape and state.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dropout.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/sizes.hpp"

#include <algorithm>
#include <span>

namespace tocsin::detail {

/// Sizes and dropout of a basic_lstm_stack, and the layout that follows from them: the data of each
/// layer comes after the state of the layer below.
template <class Scalar, class Precision, int... Sizes>
class lstm_stack_layout {
  public:
    template <int Inputs = dynamic, int Hidden = dynamic>
    using layer_type = lstm<Scalar, Inputs, Hidden, Precision>;
    using sizes_type = chain_sizes<Sizes...>;

    /// What the forward pass leaves for the backward pass, in `tape_size()` scalars.
    struct tape_type {
        std::span<Scalar> area;
        int batch = 0;
        int time = 0;
    };

    /// Offsets of a layer in the stack's parameters, tape and state.
    struct position {
        int k = 0;
        index_t parameters = 0;
        index_t packed = 0;
        index_t tape = 0;
        index_t state = 0;
    };
    /// A layer's part of the tape.
    template <class Layer>
    struct layer_frame {
        typename Layer::tape_type cells;
        std::span<Scalar> mask;        // dropout factors, empty without dropout
        sequence_view<Scalar> factors; // the mask as a sequence
        sequence_view<Scalar> dropped; // outputs times mask
    };

    constexpr lstm_stack_layout() noexcept = default;
    constexpr lstm_stack_layout(sizes_type sizes, double dropout_rate) noexcept
        : sizes_{sizes}, dropout_{dropout_rate} {}

    constexpr int layers() const noexcept { return sizes_.layers(); }
    constexpr int input_size() const noexcept { return sizes_.size(0); }
    constexpr int hidden_size(int layer) const noexcept { return sizes_.size(layer + 1); }
    constexpr int output_size() const noexcept { return sizes_.size(layers()); }
    constexpr const dropout& output_dropout() const noexcept { return dropout_; }
    constexpr int largest_hidden_size() const noexcept {
        int largest = 0;
        for (int k = 0; k < layers(); ++k) {
            largest = std::max(largest, hidden_size(k));
        }
        return largest;
    }
    /// Layer `k` with run-time sizes.
    constexpr layer_type<> layer(int k) const noexcept { return {sizes_.size(k), hidden_size(k)}; }
    status check() const noexcept {
        const status sizes = sizes_.check("lstm_stack");
        return sizes.ok() ? dropout_.check() : sizes;
    }

    constexpr index_t parameter_count() const noexcept {
        index_t count = 0;
        for (int k = 0; k < layers(); ++k) {
            count += layer(k).parameter_count();
        }
        return count;
    }
    constexpr index_t packed_size() const noexcept {
        index_t size = 0;
        for (int k = 0; k < layers(); ++k) {
            size += layer(k).packed_size();
        }
        return size;
    }
    constexpr index_t state_size(int batch) const noexcept { return state_offset(layers(), batch); }
    /// Offset of the state of layer `k`.
    constexpr index_t state_offset(int k, int batch) const noexcept {
        index_t offset = 0;
        for (int below = 0; below < k; ++below) {
            offset += index_t{2} * hidden_size(below) * batch;
        }
        return offset;
    }
    constexpr index_t tape_size(int batch, int time) const noexcept {
        return tape_offset(layers(), batch, time);
    }
    /// Offset of the tape of layer `k`.
    constexpr index_t tape_offset(int k, int batch, int time) const noexcept {
        index_t offset = 0;
        for (int below = 0; below < k; ++below) {
            offset += layer_tape_size(below, batch, time);
        }
        return offset;
    }

    /// The parts of a layer's tape, which starts at `offset`.
    template <class Layer>
    layer_frame<Layer> frame(const Layer& layer, const tape_type& tape,
                             index_t offset) const noexcept {
        work_area<Scalar> rest{slice(tape.area, offset)};
        const auto cells = layer.make_tape(rest.take(layer.tape_size(tape.batch, tape.time)),
                                           tape.batch, tape.time);
        if (!dropout_.active()) {
            return {cells, {}, {}, {}};
        }
        const int hidden = layer.hidden_size();
        const index_t outputs = index_t{hidden} * tape.batch * tape.time;
        const auto mask = slice(rest.take(whole_lines<Scalar>(outputs)), 0, outputs);
        const auto dropped = rest.take(whole_lines<Scalar>(outputs));
        return {cells,
                mask,
                {mask.data(), hidden, tape.batch, tape.time},
                {dropped.data(), hidden, tape.batch, tape.time}};
    }
    template <class Layer>
    sequence_view<Scalar> outputs_of(const Layer& layer,
                                     const layer_frame<Layer>& views) const noexcept {
        if (dropout_.active()) {
            return views.dropped;
        }
        return layer.outputs(views.cells);
    }
    /// Outputs of layer `k`, after dropout.
    sequence_view<Scalar> layer_outputs(const tape_type& tape, int k) const noexcept {
        const auto shape = layer(k);
        return outputs_of(shape, frame(shape, tape, tape_offset(k, tape.batch, tape.time)));
    }
    /// The input of layer `k`: the inputs of the stack, or the outputs of the layer below.
    sequence_view<const Scalar> inputs_of(int k, sequence_view<const Scalar> inputs,
                                          const tape_type& tape) const noexcept {
        return k > 0 ? sequence_view<const Scalar>(layer_outputs(tape, k - 1)) : inputs;
    }

    /// Calls `visit(layer, position)`, first layer first, the sizes as template arguments.
    /// @param time steps of the tape; 0 where none is needed
    template <class Visit>
    TOCSIN_ALWAYS_INLINE void for_each_layer(int batch, int time, Visit&& visit) const {
        position at;
        sizes_.for_each_layer([&]<int In, int Out>(int k, int in, int out) TOCSIN_ALWAYS_INLINE {
            at.k = k;
            if (k > 0) { // not behind each layer: the sizes of the last one are not needed
                const layer_type<> below = layer(k - 1);
                at.parameters += below.parameter_count();
                at.packed += below.packed_size();
                at.tape += time > 0 ? layer_tape_size(k - 1, batch, time) : 0;
                at.state += below.state_size(batch);
            }
            visit(layer_type<In, Out>{in, out}, at);
        });
    }
    /// The same from the last layer on.
    template <class Visit>
    void for_each_layer_reversed(int batch, int time, Visit&& visit) const {
        position at{0, parameter_count(), packed_size(), tape_size(batch, time), state_size(batch)};
        sizes_.for_each_layer_reversed([&]<int In, int Out>(int k, int in, int out) {
            const layer_type<In, Out> layer{in, out};
            at.k = k;
            at.parameters -= layer.parameter_count();
            at.packed -= layer.packed_size();
            at.tape -= layer_tape_size(k, batch, time);
            at.state -= layer.state_size(batch);
            visit(layer, at);
        });
    }

    template <class Archive>
    void exchange(Archive& archive) {
        sizes_.exchange(archive);
        archive.number("dropout_rate", dropout_.rate);
    }

  private:
    constexpr index_t layer_tape_size(int k, int batch, int time) const noexcept {
        const index_t outputs = index_t{hidden_size(k)} * batch * time;
        return layer(k).tape_size(batch, time) +
               (dropout_.active() ? 2 * whole_lines<Scalar>(outputs) : 0);
    }
    [[no_unique_address]] sizes_type sizes_;
    dropout dropout_;
};

} // namespace tocsin::detail
