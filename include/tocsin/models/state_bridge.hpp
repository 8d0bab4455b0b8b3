/// @file state_bridge.hpp
/// @brief Turns the final state of an encoder into the initial state of a decoder.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/model_parts.hpp"

#include <span>

namespace tocsin::detail {

/// Two dense layers, for h and for c, where the sizes of the states differ; a copy where they are
/// equal. Their parameters follow each other, and so do their packed weights. Never allocates.
template <class Scalar>
class state_bridge {
  public:
    constexpr state_bridge(int from, int to) noexcept : layer_{from, to}, needed_{from != to} {}

    /// Whether there are layers.
    constexpr bool needed() const noexcept { return needed_; }
    constexpr index_t parameter_count() const noexcept {
        return needed_ ? 2 * layer_.parameter_count() : 0;
    }
    constexpr index_t packed_size() const noexcept {
        return needed_ ? 2 * layer_.packed_size() : 0;
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        if (needed_) {
            const index_t rows = layer_.output_size();
            const index_t cols = index_t{layer_.input_size()} + 1;
            visit("hidden.weights", index_t{0}, rows, cols);
            visit("cell.weights", layer_.parameter_count(), rows, cols);
        }
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        if (needed_) {
            layer_.initialise(slice(parameters, 0), random);
            layer_.initialise(slice(parameters, layer_.parameter_count()), random);
        }
    }
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        if (needed_) {
            layer_.pack(slice(parameters, 0), packed);
            layer_.pack(slice(parameters, layer_.parameter_count()),
                        slice(packed, layer_.packed_size()));
        }
    }

    /// The decoder's initial (h, c) from the encoder's final one, with packed weights or
    /// parameters.
    template <class From, class To>
    void cross(packed_weights<Scalar> packed, const From& encoded, To start) const noexcept {
        if (needed_) {
            layer_.apply(packed, encoded.hidden, start.hidden);
            layer_.apply(packed.from(layer_.packed_size()), encoded.cell, start.cell);
        } else {
            copy(encoded, start);
        }
    }
    template <class From, class To>
    void cross(std::span<const Scalar> parameters, const From& encoded, To start) const noexcept {
        if (needed_) {
            layer_.apply(parameters, encoded.hidden, start.hidden);
            layer_.apply(slice(parameters, layer_.parameter_count()), encoded.cell, start.cell);
        } else {
            copy(encoded, start);
        }
    }
    /// Chain rule: adds to the gradients of the bridge's parameters.
    /// @param encoded_gradient overwritten
    template <class State>
    void cross_backward(std::span<const Scalar> parameters, const State& encoded,
                        const State& start_gradient, std::span<Scalar> gradients,
                        State encoded_gradient) const noexcept {
        if (!needed_) {
            copy(start_gradient, encoded_gradient);
            return;
        }
        // The bridge is linear, so dL/dy may stand for both y and dL/dy in apply_backward.
        const index_t of_cell = layer_.parameter_count();
        auto hidden = start_gradient.hidden;
        auto cell = start_gradient.cell;
        layer_.apply_backward(parameters, encoded.hidden, hidden, hidden, gradients,
                              encoded_gradient.hidden);
        layer_.apply_backward(slice(parameters, of_cell), encoded.cell, cell, cell,
                              slice(gradients, of_cell), encoded_gradient.cell);
    }

  private:
    template <class From, class To>
    static void copy(const From& from, To& to) noexcept {
        to.hidden = from.hidden;
        to.cell = from.cell;
    }

    dense<Scalar> layer_;
    bool needed_;
};

} // namespace tocsin::detail
