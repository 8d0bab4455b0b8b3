/// @file arithmetic.hpp
/// @brief Float arithmetic that gives the same bits on every target and with every compiler.
///
/// IEEE 754 fixes the result of + - * / to the last bit; what differs between builds is which
/// operations a compiler makes of an expression. It may fuse a product and a sum into one operation
/// (`-ffp-contract=fast` is g++'s default where the processor can), reorder sums under
/// `-ffast-math`, or compute in more digits (x87). The first is prevented here, the others are
/// refused; where clang does not announce that it reorders, it is told not to, to the end of the
/// file that is compiled.
#pragma once

#include <stdint.h> // the C headers: some toolchains for firmware have no C++ library

#if (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(__FAST_MATH__) ||           \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "tocsin: scores would differ from the host's: compile without -ffast-math and its parts"
#endif
#if defined(__clang__)
#pragma clang fp reassociate(off)
#if __clang_major__ >= 18
#pragma clang fp reciprocal(off)
#endif
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "tocsin: float expressions are computed in more digits: on x86 compile with -mfpmath=sse"
#endif

#if defined(__GNUC__)
#define TOCSIN_FIRMWARE_INLINE inline __attribute__((always_inline))
#else
#error "tocsin: the firmware headers need g++ or clang"
#endif

#if !defined(TOCSIN_FIRMWARE_VECTORS)
#if defined(__SSE2__) || (defined(__aarch64__) && defined(__ARM_NEON))
#define TOCSIN_FIRMWARE_VECTORS 1
#else
/// Whether this processor, of a host, computes four floats at once, each as by itself. The same bits
/// either way; may be defined as 0 before.
#define TOCSIN_FIRMWARE_VECTORS 0
#endif
#endif

namespace tocsin::firmware {
#if TOCSIN_FIRMWARE_VECTORS
namespace detail {
/// Four floats in a register; an operator computes each as by itself, so the same bits.
using four_floats = float __attribute__((vector_size(16)));
} // namespace detail
#endif

/// Product and sum each rounded: the default, the same bits on every target.
struct separate_arithmetic {
    static constexpr const char* name = "separate";
    /// Whether four_floats may take the place of floats.
    static constexpr bool takes_vectors = TOCSIN_FIRMWARE_VECTORS != 0;

    /// a * b, which the compiler cannot fuse with a following sum: it does not know the value that
    /// leaves an empty assembler statement. That statement takes no instruction.
    static TOCSIN_FIRMWARE_INLINE float multiply(float a, float b) noexcept {
        float product = a * b;
#if defined(__x86_64__) || defined(__i386__)
        asm("" : "+x"(product));
#elif defined(__aarch64__)
        asm("" : "+w"(product));
#elif defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4)
        asm("" : "+t"(product));
#elif defined(__arm__)
        // No floating-point unit: a call each.
#elif defined(__riscv_flen)
        asm("" : "+f"(product));
#elif defined(__riscv)
        // The same.
#else
        asm("" : "+m"(product)); // right wherever it is, at the cost of a store and a load
#endif
        return product;
    }
    /// a * b + c.
    static TOCSIN_FIRMWARE_INLINE float multiply_add(float a, float b, float c) noexcept {
        return multiply(a, b) + c;
    }
#if TOCSIN_FIRMWARE_VECTORS
    /// The same of four floats; a float among the arguments counts for all of them.
    template <class A, class B>
        requires(__is_same(A, detail::four_floats) || __is_same(B, detail::four_floats))
    static TOCSIN_FIRMWARE_INLINE detail::four_floats multiply(A a, B b) noexcept {
        detail::four_floats product = a * b;
#if defined(__aarch64__)
        asm("" : "+w"(product));
#else
        asm("" : "+x"(product));
#endif
        return product;
    }
    template <class A, class B, class C>
        requires(__is_same(A, detail::four_floats) || __is_same(B, detail::four_floats))
    static TOCSIN_FIRMWARE_INLINE detail::four_floats multiply_add(A a, B b, C c) noexcept {
        return multiply(a, b) + c;
    }
#endif
};

/// Product and sum rounded once, by the processor's fused multiply-add: with other bits than
/// separate_arithmetic, but the same on all targets that have the instruction. Others call fmaf().
struct fused_arithmetic {
    static constexpr const char* name = "fused";
    /// Whether four_floats may take the place of floats.
    static constexpr bool takes_vectors = false;

    /// The product.
    static TOCSIN_FIRMWARE_INLINE float multiply(float a, float b) noexcept {
        return separate_arithmetic::multiply(a, b);
    }
    /// `a * b + c`.
    static TOCSIN_FIRMWARE_INLINE float multiply_add(float a, float b, float c) noexcept {
        return __builtin_fmaf(a, b, c);
    }
};

namespace detail {

/// The bits of a float.
constexpr TOCSIN_FIRMWARE_INLINE uint32_t bits_of(float value) noexcept {
    static_assert(sizeof(float) == 4, "tocsin: float must be IEEE 754 single precision");
    return __builtin_bit_cast(uint32_t, value);
}
/// Whether a value is neither NaN nor infinite.
constexpr TOCSIN_FIRMWARE_INLINE bool is_finite(float value) noexcept {
    return (bits_of(value) & 0x7F800000U) != 0x7F800000U;
}
/// Whether a value is NaN.
constexpr TOCSIN_FIRMWARE_INLINE bool is_nan(float value) noexcept {
    return value != value;
}
/// A value moved into [-bound, bound]; NaN stays NaN.
constexpr TOCSIN_FIRMWARE_INLINE float within(float bound, float value) noexcept {
    if (__builtin_expect(static_cast<long>(__builtin_fabsf(value) > bound), 0L) != 0) {
        return value < 0 ? -bound : bound;
    }
    return value;
}
/// |value|.
constexpr TOCSIN_FIRMWARE_INLINE float magnitude(float value) noexcept {
    return __builtin_fabsf(value);
}
#if TOCSIN_FIRMWARE_VECTORS
TOCSIN_FIRMWARE_INLINE four_floats within(float bound, four_floats value) noexcept {
    const four_floats least = value < -bound ? four_floats{} - bound : value;
    return least > bound ? four_floats{} + bound : least;
}
TOCSIN_FIRMWARE_INLINE four_floats magnitude(four_floats value) noexcept {
    return value < 0 ? -value : value;
}
#endif

/// CRC-32 of IEEE 802.3 over 32-bit words, the lowest byte first, continued from `crc`.
constexpr uint32_t add_to_crc(uint32_t crc, uint32_t word) noexcept {
    crc = ~crc ^ word;
    for (int bit = 0; bit < 32; ++bit) {
        crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    }
    return ~crc;
}

} // namespace detail
} // namespace tocsin::firmware
