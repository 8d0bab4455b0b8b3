/// @file pack_functions.hpp
/// @brief Arithmetic that kernels write once for a pack of scalars, or for a single one.
///
/// A pack is what lanes.hpp loads and stores: `lanes<Scalar, Count>::pack_type`.
/// Each says what it does with NaN, because the instructions of targets differ there.
#pragma once

#include "tocsin/math/simd.hpp"

#include <cmath>
#include <type_traits>

namespace tocsin::detail {

/// a b + c, rounded once where the target has an instruction for it. Scalars do not use std::fma,
/// which is slow without one. The name keeps the compiler from choosing which of two products to
/// fuse, differently for full and partly filled packs.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar multiply_add(Scalar a, Scalar b, Scalar c) noexcept {
    return a * b + c;
}
/// c - a b, in the same way.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar subtract_product(Scalar c, Scalar a, Scalar b) noexcept {
    return c - a * b;
}
/// a / b, correctly rounded.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar divide(Scalar a, Scalar b) noexcept {
    return a / b;
}
/// The smaller of the two; NaN when x is.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar at_most(Scalar bound, Scalar x) noexcept {
    return bound < x ? bound : x;
}
/// The larger of the two; NaN when x is.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar at_least(Scalar bound, Scalar x) noexcept {
    return bound > x ? bound : x;
}
/// |x|; NaN stays NaN.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar magnitude(Scalar x) noexcept {
    return std::fabs(x);
}
/// A non-negative value with the sign of x.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar with_sign_of(Scalar x, Scalar positive) noexcept {
    return std::copysign(positive, x);
}
/// `value` where x > 0 or is NaN, else 0: written as "0 where x <= 0", which NaN is not.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar zero_unless_positive(Scalar x, Scalar value) noexcept {
    return x <= Scalar(0) ? Scalar(0) : value;
}
/// Square root, correctly rounded; NaN stays NaN.
template <class Scalar>
    requires std::is_floating_point_v<Scalar>
Scalar square_root(Scalar x) noexcept {
    return std::sqrt(x);
}

#if TOCSIN_HAS_XSIMD

template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> multiply_add(const xsimd::batch<Scalar, Arch>& a,
                                        const xsimd::batch<Scalar, Arch>& b,
                                        const xsimd::batch<Scalar, Arch>& c) noexcept {
#if defined(__AVX512F__) // for which xsimd 8.1 has none
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch> && std::is_same_v<Scalar, float>) {
        return _mm512_fmadd_ps(a, b, c);
    } else if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
        return _mm512_fmadd_pd(a, b, c);
    } else
#endif
    {
        return xsimd::fma(a, b, c);
    }
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> subtract_product(const xsimd::batch<Scalar, Arch>& c,
                                            const xsimd::batch<Scalar, Arch>& a,
                                            const xsimd::batch<Scalar, Arch>& b) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch> && std::is_same_v<Scalar, float>) {
        return _mm512_fnmadd_ps(a, b, c);
    } else if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
        return _mm512_fnmadd_pd(a, b, c);
    } else
#endif
    {
        return xsimd::fnma(a, b, c);
    }
}
// For floats on Arm, xsimd 8.1 uses Newton steps from an estimate: a quotient of neighbours may exceed
// 1, and the root of infinity is NaN. 32-bit NEON has no exact instruction, so there the compiler
// makes four scalar ones of each.
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> divide(const xsimd::batch<Scalar, Arch>& a,
                                  const xsimd::batch<Scalar, Arch>& b) noexcept {
#if defined(__aarch64__)
    if constexpr (std::is_base_of_v<xsimd::neon, Arch> && std::is_same_v<Scalar, float>) {
        return vdivq_f32(a, b);
    } else
#elif defined(__arm__)
    if constexpr (std::is_base_of_v<xsimd::neon, Arch> && std::is_same_v<Scalar, float>) {
        const float32x4_t dividend = a;
        const float32x4_t divisor = b;
        return dividend / divisor;
    } else
#endif
    {
        return a / b;
    }
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> square_root(const xsimd::batch<Scalar, Arch>& x) noexcept {
#if defined(__aarch64__)
    if constexpr (std::is_base_of_v<xsimd::neon, Arch> && std::is_same_v<Scalar, float>) {
        return vsqrtq_f32(x);
    } else
#elif defined(__arm__)
    if constexpr (std::is_base_of_v<xsimd::neon, Arch> && std::is_same_v<Scalar, float>) {
        float32x4_t root = x;
        for (int lane = 0; lane < 4; ++lane) {
            root[lane] = std::sqrt(root[lane]);
        }
        return root;
    } else
#endif
    {
        return xsimd::sqrt(x);
    }
}
// On x86, minimum and maximum return the second operand when either is NaN; on Arm they return NaN.
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> at_most(const xsimd::batch<Scalar, Arch>& bound,
                                   const xsimd::batch<Scalar, Arch>& x) noexcept {
    return xsimd::min(bound, x);
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> at_least(const xsimd::batch<Scalar, Arch>& bound,
                                    const xsimd::batch<Scalar, Arch>& x) noexcept {
    return xsimd::max(bound, x);
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> magnitude(const xsimd::batch<Scalar, Arch>& x) noexcept {
    return xsimd::abs(x);
}
template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> with_sign_of(const xsimd::batch<Scalar, Arch>& x,
                                        const xsimd::batch<Scalar, Arch>& positive) noexcept {
    return positive | xsimd::bitofsign(x);
}

template <class Scalar, class Arch>
xsimd::batch<Scalar, Arch> zero_unless_positive(const xsimd::batch<Scalar, Arch>& x,
                                                const xsimd::batch<Scalar, Arch>& value) noexcept {
    const xsimd::batch<Scalar, Arch> zero(Scalar(0));
    return xsimd::select(x <= zero, zero, value);
}

#endif

} // namespace tocsin::detail
