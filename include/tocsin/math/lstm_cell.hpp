/// @file lstm_cell.hpp
/// @brief The arithmetic of one LSTM cell on packs of units, exact or rational.
///
/// Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), no peepholes:
///
///     i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
///     c' = f * c + i * g
///     h' = o * tanh(c')
///
/// An arithmetic policy has `gates(z)`, `state(z, c)` and `squash(c)` for every pack type, and
/// `gate_activation` where that is not the sigmoid. Both policies return NaN where an argument is NaN.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/math/activations.hpp"
#include "tocsin/math/pack_functions.hpp"
#include "tocsin/math/rational_activations.hpp"

#include <type_traits>

namespace tocsin {

/// The four gates of some units: pre-activations z, or their activations.
template <class Pack>
struct lstm_gates {
    Pack input;     ///< gate i
    Pack forget;    ///< gate f
    Pack candidate; ///< gate g
    Pack output;    ///< gate o
};

/// c' and h' of some units.
template <class Pack>
struct lstm_cell_state {
    Pack cell;   ///< state c
    Pack hidden; ///< state h
};

/// c' and h' from the activations of the gates and c.
template <class Arithmetic, class Pack>
TOCSIN_ALWAYS_INLINE inline lstm_cell_state<Pack> lstm_next_state(const lstm_gates<Pack>& gate,
                                                                  const Pack& cell) noexcept {
    const Pack next = gate.forget * cell + gate.input * gate.candidate;
    return {next, gate.output * Arithmetic::squash(next)};
}

namespace detail {
/// What the gates are activated by, whose slope backpropagation takes.
template <class Arithmetic>
struct gate_activation {
    using type = sigmoid_activation;
};
template <class Arithmetic>
    requires requires { typename Arithmetic::gate_activation; }
struct gate_activation<Arithmetic> {
    using type = typename Arithmetic::gate_activation;
};
template <class Arithmetic>
using gate_activation_of = typename gate_activation<Arithmetic>::type;
} // namespace detail

/// Sigmoid and tanh with the accuracy stated in activations.hpp.
struct exact_arithmetic {
    static constexpr const char* name = "exact";

    /// Activations i, f, g, o.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_gates<Pack> gates(const lstm_gates<Pack>& z) noexcept {
        constexpr sigmoid_activation sigmoid;
        return {sigmoid(z.input), sigmoid(z.forget), squash(z.candidate), sigmoid(z.output)};
    }
    /// c' and h' from pre-activations and c.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_cell_state<Pack> state(const lstm_gates<Pack>& z,
                                                            const Pack& cell) noexcept {
        return lstm_next_state<exact_arithmetic>(gates(z), cell);
    }
    /// tanh(c).
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static Pack squash(const Pack& cell) noexcept {
        return tanh_activation{}(cell);
    }
};

/// For float, the quotients of rational_activations.hpp, with the divisions of a cell combined: two
/// instead of five for inference. Other scalars are exact.
///
/// Each denominator lies within the bounds stated there, so a product of four is a normal number.
/// Combining adds a few roundings to the error of the activations: for |c| <= 4 the largest error
/// of i, f, g, o, c' and h' is below 4 epsilon (tests/math/lstm_cell_test.cpp).
struct rational_arithmetic {
    static constexpr const char* name = "rational";

    /// The gates from their sums z.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_gates<Pack> gates(const lstm_gates<Pack>& z) noexcept {
        if constexpr (!is_rational<Pack>) {
            return exact_arithmetic::gates(z);
        } else {
            const auto i = rational_sigmoid::parts(z.input);
            const auto f = rational_sigmoid::parts(z.forget);
            const auto g = rational_tanh::parts(z.candidate);
            const auto o = rational_sigmoid::parts(z.output);
            // One division for two gates; one for all four would cost two more roundings.
            const Pack first = detail::divide(Pack(1), i.denominator * f.denominator);
            const Pack second = detail::divide(Pack(1), g.denominator * o.denominator);
            return {i.numerator * f.denominator * first, f.numerator * i.denominator * first,
                    g.numerator * o.denominator * second, o.numerator * g.denominator * second};
        }
    }
    /// The next state from gates and the last cell state.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static lstm_cell_state<Pack> state(const lstm_gates<Pack>& z,
                                                            const Pack& cell) noexcept {
        if constexpr (!is_rational<Pack>) {
            return exact_arithmetic::state(z, cell);
        } else {
            const auto i = rational_sigmoid::parts(z.input);
            const auto f = rational_sigmoid::parts(z.forget);
            const auto g = rational_tanh::parts(z.candidate);
            const auto o = rational_sigmoid::parts(z.output);
            const Pack added = i.denominator * g.denominator;
            const Pack next = detail::divide(f.numerator * cell * added +
                                                 i.numerator * g.numerator * f.denominator,
                                             f.denominator * added);
            const auto squashed = rational_tanh::parts(next);
            return {next, detail::divide(o.numerator * squashed.numerator,
                                         o.denominator * squashed.denominator)};
        }
    }
    /// tanh of the cell state.
    template <class Pack>
    TOCSIN_ALWAYS_INLINE static Pack squash(const Pack& cell) noexcept {
        if constexpr (!is_rational<Pack>) {
            return exact_arithmetic::squash(cell);
        } else {
            return rational_tanh{}(cell);
        }
    }

  private:
    template <class Pack>
    static constexpr bool of_floats() noexcept {
        if constexpr (std::is_arithmetic_v<Pack>) {
            return std::is_same_v<Pack, float>;
        } else {
            return std::is_same_v<typename Pack::value_type, float>;
        }
    }
    template <class Pack>
    static constexpr bool is_rational = of_floats<Pack>();
};

} // namespace tocsin
