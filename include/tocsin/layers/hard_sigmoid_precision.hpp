/// @file hard_sigmoid_precision.hpp
/// @brief LSTM layers whose gates are hard sigmoids.
#pragma once

#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"
#include "tocsin/math/piecewise_activations.hpp"

namespace tocsin {

/// The cell of lstm_cell.hpp with hard sigmoids as gates; tanh is exact.
/// @tparam Divisor see hard_sigmoid_activation
template <int Divisor>
struct hard_sigmoid_arithmetic {
    static constexpr const char* name = "hard_sigmoid";
    static constexpr int divisor = Divisor; ///< of the slope 1 / divisor
    /// The activation of gates.
    using gate_activation = hard_sigmoid_activation<Divisor>;

    /// The gates from their sums z.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_gates<Pack> gates(const lstm_gates<Pack>& z) noexcept {
        constexpr gate_activation gate;
        return {gate(z.input), gate(z.forget), squash(z.candidate), gate(z.output)};
    }
    /// The next state from gates and the last cell state.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_cell_state<Pack> state(const lstm_gates<Pack>& z,
                                                            const Pack& cell) noexcept {
        return lstm_next_state<hard_sigmoid_arithmetic>(gates(z), cell);
    }
    /// tanh of the cell state.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static Pack squash(const Pack& cell) noexcept {
        return exact_arithmetic::squash(cell);
    }
};

/// Precision of an `lstm` (layers/precision.hpp) as Keras before version 2.3 computed it, whose
/// `recurrent_activation` was the hard sigmoid with slope 0.2; `hard_sigmoid_precision<6>` for
/// slope 1/6.
template <int Divisor = 5>
struct hard_sigmoid_precision {
    using arithmetic = hard_sigmoid_arithmetic<Divisor>;
    static constexpr weight_format streaming_weights = weight_format::full;
};

} // namespace tocsin
