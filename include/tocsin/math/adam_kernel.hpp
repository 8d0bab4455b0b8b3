/// @file adam_kernel.hpp
/// @brief The arithmetic of one Adam step over arrays, in one pass.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <type_traits>

namespace tocsin {

/// The factors of one Adam step, the same for all parameters.
template <class Scalar>
struct adam_factors {
    Scalar keep1;           ///< beta1
    Scalar take1;           ///< 1 - beta1
    Scalar keep2;           ///< beta2
    Scalar take2;           ///< 1 - beta2
    Scalar decay;           ///< 1 - rate * weight_decay
    Scalar step_size;       ///< rate / (1 - beta1^step)
    Scalar root_correction; ///< 1 / sqrt(1 - beta2^step)
    Scalar epsilon;         ///< positive
};

/// Updates parameters and moments by one step of adam (see there for the equations). The arrays may
/// be unaligned and must not overlap. Never allocates.
/// @param first   `[count]` m
/// @param second  `[count]` v
/// @param largest `[count]` largest v so far (AMSGrad), or null for none
template <int Width = widest_register, class Scalar>
void adam_update(const adam_factors<Scalar>& factors, index_t count, Scalar* parameters,
                 const Scalar* gradients, Scalar* first, Scalar* second, Scalar* largest) noexcept {
    const auto update = [&](auto pack, auto amsgrad) {
        const auto g = pack.load(gradients);
        using value = std::remove_const_t<decltype(g)>;
        const value m =
            detail::multiply_add(value(factors.keep1), pack.load(first), value(factors.take1) * g);
        const value v = detail::multiply_add(value(factors.keep2), pack.load(second),
                                             value(factors.take2) * g * g);
        pack.store(first, m);
        pack.store(second, v);
        value spread = v;
        if constexpr (amsgrad) {
            // `largest` may ignore a NaN in v; the parameter becomes NaN through m.
            spread = detail::at_least(v, pack.load(largest));
            pack.store(largest, spread);
        }
        const value divisor = detail::multiply_add(
            detail::square_root(spread), value(factors.root_correction), value(factors.epsilon));
        pack.store(parameters,
                   detail::multiply_add(value(factors.decay), pack.load(parameters),
                                        -detail::divide(value(factors.step_size) * m, divisor)));
    };
    if (largest != nullptr) {
        for_each_pack<lanes_of<Scalar, Width>>(count,
                                               [&](auto pack) { update(pack, std::true_type{}); });
    } else {
        for_each_pack<lanes_of<Scalar, Width>>(count,
                                               [&](auto pack) { update(pack, std::false_type{}); });
    }
}

} // namespace tocsin
