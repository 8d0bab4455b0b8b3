/// @file elementwise.hpp
/// @brief Elementwise loops over arrays: activations forward, activations backward.
#pragma once

#include "tocsin/math/activations.hpp"
#include "tocsin/math/lanes.hpp"

#include <type_traits>

namespace tocsin {

/// Applies an activation in place, `values[k] = activation(values[k])`. Never allocates.
template <int Width = widest_register, class Activation, class Scalar>
void activate(const Activation& activation, Scalar* values, index_t count) noexcept {
    if constexpr (std::is_same_v<Activation, identity_activation>) {
        return;
    }
    for_each_pack<lanes_of<Scalar, Width>>(
        count, [&](auto pack) { pack.store(values, activation(pack.load(values))); });
}

/// Chain rule through an activation, `outputs[k] = gradients[k] * slope(outputs[k])`: the slope
/// takes the place of the output that it was computed from. Never allocates.
template <int Width = widest_register, class Activation, class Scalar>
void activate_backward(const Activation& activation, Scalar* outputs, const Scalar* gradients,
                       index_t count) noexcept {
    for_each_pack<lanes_of<Scalar, Width>>(count, [&](auto pack) {
        pack.store(outputs, pack.load(gradients) * activation.slope(pack.load(outputs)));
    });
}

/// The product of two arrays, element by element, `product[k] = a[k] * b[k]`. Never allocates.
/// @param product may be one of the two
template <int Width = widest_register, class Scalar>
void multiply_elements(const Scalar* a, const Scalar* b, Scalar* product, index_t count) noexcept {
    for_each_pack<lanes_of<Scalar, Width>>(
        count, [&](auto pack) { pack.store(product, pack.load(a) * pack.load(b)); });
}

} // namespace tocsin
