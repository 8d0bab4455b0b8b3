/// @file activation_errors.hpp
/// @brief Worst errors of an activation over many arguments, relative to the exact value.
#pragma once

#include "tocsin/math/elementwise.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <vector>

/// A type that gives the exact value to many more digits.
template <class Scalar>
using wide = std::conditional_t<std::is_same_v<Scalar, float>, double, long double>;

struct exact_sigmoid {
    template <class Wide>
    Wide operator()(Wide x) const {
        return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
    }
};
struct exact_tanh {
    template <class Wide>
    Wide operator()(Wide x) const {
        return std::tanh(x);
    }
};

/// Worst errors over a set of arguments.
struct activation_errors {
    double ulp = 0;              ///< where the exact result is a normal number
    double ulp_from_quarter = 0; ///< where the exact result is at least 1/4
    double absolute = 0;         ///< everywhere, in epsilons
    double tiny = 0;             ///< where the exact result is not normal, in smallest normals
    double lowest = 1;           ///< smallest result
    double highest = -1;         ///< largest result
    std::int64_t nan = 0;        ///< results that are NaN

    /// @param result   of the activation
    /// @param expected exact value, not NaN
    template <class Scalar>
    void add(Scalar result, wide<Scalar> expected) {
        using limits = std::numeric_limits<Scalar>;
        if (std::isnan(result)) {
            ++nan;
            return;
        }
        lowest = std::min(lowest, static_cast<double>(result));
        highest = std::max(highest, static_cast<double>(result));
        const wide<Scalar> error = std::abs(static_cast<wide<Scalar>>(result) - expected);
        absolute = std::max(absolute, static_cast<double>(error / limits::epsilon()));
        if (std::abs(expected) < limits::min()) {
            tiny = std::max(tiny, static_cast<double>(error / limits::min()));
            return;
        }
        int exponent = 0;
        std::frexp(expected, &exponent);
        const auto in_ulp = static_cast<double>(std::ldexp(error, limits::digits - exponent));
        ulp = std::max(ulp, in_ulp);
        if (std::abs(expected) >= wide<Scalar>(0.25)) {
            ulp_from_quarter = std::max(ulp_from_quarter, in_ulp);
        }
    }
};

/// The errors over given arguments, none of them NaN.
template <int Width, class Scalar, class Activation, class Exact>
activation_errors measure_errors(const Activation& activation, const Exact& exact,
                                 const std::vector<Scalar>& arguments) {
    auto values = arguments;
    tocsin::activate<Width>(activation, values.data(), static_cast<tocsin::index_t>(values.size()));
    activation_errors worst;
    for (std::size_t k = 0; k < values.size(); ++k) {
        worst.add(values[k], exact(static_cast<wide<Scalar>>(arguments[k])));
    }
    return worst;
}

/// Whether long tests were requested.
inline bool long_tests() {
    return std::getenv("TOCSIN_LONG_TESTS") != nullptr;
}

/// The errors of one activation on single scalars and on the widest registers.
struct errors_on_both_paths {
    activation_errors scalar;
    activation_errors native;
    std::int64_t nan_lost = 0; ///< NaN arguments whose result is a number, on either path
};

/// The errors over all 2^32 floats if long_tests(), else over every 16381st.
template <class Activation, class Exact>
errors_on_both_paths measure_all_floats(const Activation& activation, const Exact& exact) {
    constexpr std::uint64_t end = std::uint64_t{1} << 32;
    const std::uint64_t stride = long_tests() ? 1 : 16381;
    constexpr std::size_t block = 4096;
    std::vector<float> arguments;
    arguments.reserve(block);
    errors_on_both_paths worst;
    for (std::uint64_t bits = 0; bits < end;) {
        arguments.clear();
        for (; bits < end && arguments.size() < block; bits += stride) {
            arguments.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
        }
        std::vector<float> scalar = arguments;
        std::vector<float> native = arguments;
        const auto count = static_cast<tocsin::index_t>(arguments.size());
        tocsin::activate<1>(activation, scalar.data(), count);
        tocsin::activate<tocsin::widest_register>(activation, native.data(), count);
        for (std::size_t k = 0; k < arguments.size(); ++k) {
            if (std::isnan(arguments[k])) {
                worst.nan_lost += std::isnan(scalar[k]) ? 0 : 1;
                worst.nan_lost += std::isnan(native[k]) ? 0 : 1;
                continue;
            }
            const double expected = exact(static_cast<double>(arguments[k]));
            worst.scalar.add(scalar[k], expected);
            worst.native.add(native[k], expected);
        }
    }
    return worst;
}
