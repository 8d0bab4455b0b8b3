/// @file lanes.hpp
/// @brief One vector register of scalars, for kernels that keep their sums in registers.
///
/// Loops over whole arrays only need simd.hpp. The register-blocked kernels hold many sums at once.
/// They use the register type itself, because compilers keep arrays of it in registers but would
/// spill arrays of a class.
#pragma once

#include "tocsin/math/simd.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

/// For lambdas and functions of a kernel that must be inlined into one function, so that its sums
/// stay in registers.
#if defined(__GNUC__)
#define TOCSIN_ALWAYS_INLINE __attribute__((always_inline))
#else
#define TOCSIN_ALWAYS_INLINE
#endif

namespace tocsin {

/// Calls `body(std::integral_constant<int, k>)` for k in [0, Count), unrolled at compile time.
template <int Count, class Body>
TOCSIN_ALWAYS_INLINE inline void unroll(Body&& body) noexcept {
    [&]<int... K>(std::integer_sequence<int, K...>) TOCSIN_ALWAYS_INLINE {
        (body(std::integral_constant<int, K>{}), ...);
    }(std::make_integer_sequence<int, Count>{});
}

/// `Count` scalars in a register. This one is a single scalar, for targets without vectors.
template <class Scalar, int Count>
struct lanes {
    static_assert(Count == 1, "no vector register of this target holds that many scalars");
    using scalar_type = Scalar;
    using pack_type = Scalar;     ///< argument type of activations
    using register_type = Scalar; ///< type of the kernels' sums
    static constexpr int count = 1;
    /// Sums that a kernel may keep in registers at once.
    static constexpr int sums = 8;

    static Scalar load(const Scalar* from) noexcept { return *from; }
    static void store(Scalar* to, Scalar value) noexcept { *to = value; }
    static Scalar load_first(const Scalar* from, int /*valid*/) noexcept { return *from; }
    static void store_first(Scalar* to, Scalar value, int /*valid*/) noexcept { *to = value; }
    static Scalar broadcast(const Scalar* from) noexcept { return *from; }
    static Scalar multiply_add(Scalar a, Scalar b, Scalar c) noexcept { return a * b + c; }
    static Scalar add(Scalar a, Scalar b) noexcept { return a + b; }
    template <int Registers>
    static void prefetch(const Scalar* /*from*/) noexcept {}
    static Scalar sum(Scalar value) noexcept { return value; }
    /// Moves the lower half of the bits into the upper half; the lower half becomes 0.
    static Scalar lower_half(Scalar words) noexcept {
        using word = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
        return std::bit_cast<Scalar>(
            static_cast<word>(std::bit_cast<word>(words) << (4 * sizeof(Scalar))));
    }
};

#if TOCSIN_HAS_XSIMD

template <class Scalar, int Count>
    requires(Count > 1)
struct lanes<Scalar, Count> {
    using scalar_type = Scalar;
    using pack_type = xsimd::make_sized_batch_t<Scalar, static_cast<std::size_t>(Count)>;
    using register_type = typename pack_type::register_type;
    static constexpr int count = Count;
#if defined(__AVX512F__) || defined(__aarch64__)
    static constexpr int sums = 24; // of 32 registers
#else
    static constexpr int sums = 12; // of 16 registers
#endif

    TOCSIN_ALWAYS_INLINE static register_type load(const Scalar* from) noexcept {
        return pack_type::load_unaligned(from);
    }
    TOCSIN_ALWAYS_INLINE static void store(Scalar* to, register_type value) noexcept {
        pack_type(value).store_unaligned(to);
    }
    /// The first `valid` scalars, then zeros. Reads only those.
    TOCSIN_ALWAYS_INLINE static register_type load_first(const Scalar* from, int valid) noexcept {
        return valid == Count ? load(from) : load_part(from, valid);
    }
    /// Writes only the first `valid` scalars.
    TOCSIN_ALWAYS_INLINE static void store_first(Scalar* to, register_type value,
                                                 int valid) noexcept {
        if (valid == Count) {
            store(to, value);
        } else {
            store_part(to, value, valid);
        }
    }
    /// Prefetches `Registers` registers of memory.
    template <int Registers>
    TOCSIN_ALWAYS_INLINE static void prefetch([[maybe_unused]] const Scalar* from) noexcept {
#if defined(__GNUC__)
        constexpr int line = 64 / static_cast<int>(sizeof(Scalar));
        for (int k = 0; k < Registers * Count; k += line) {
            __builtin_prefetch(from + k);
        }
#endif
    }
    TOCSIN_ALWAYS_INLINE static register_type broadcast(const Scalar* from) noexcept {
        return pack_type(*from);
    }
    TOCSIN_ALWAYS_INLINE static register_type multiply_add(register_type a, register_type b,
                                                           register_type c) noexcept {
#if defined(__GNUC__)
        return a * b + c; // one instruction where the target has it; xsimd's takes two on AVX-512
#else
        return xsimd::fma(pack_type(a), pack_type(b), pack_type(c));
#endif
    }
    TOCSIN_ALWAYS_INLINE static register_type add(register_type a, register_type b) noexcept {
        return pack_type(a) + pack_type(b);
    }
    TOCSIN_ALWAYS_INLINE static Scalar sum(register_type value) noexcept {
        if constexpr (requires(pack_type x) { reduce_add(x); }) {
            return reduce_add(pack_type(value));
        } else {
            return hadd(pack_type(value)); // its name in xsimd 8
        }
    }
    TOCSIN_ALWAYS_INLINE static register_type lower_half(register_type words) noexcept {
        using word = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
        const auto bits = xsimd::bitwise_cast<xsimd::batch<word, typename pack_type::arch_type>>(
            pack_type(words));
        return xsimd::bitwise_cast<pack_type>(bits << static_cast<int>(4 * sizeof(Scalar)));
    }

  private:
    static register_type load_part(const Scalar* from, int valid) noexcept {
        alignas(64) Scalar padded[Count] = {};
        std::memcpy(padded, from, static_cast<std::size_t>(valid) * sizeof(Scalar));
        return load(padded);
    }
    static void store_part(Scalar* to, register_type value, int valid) noexcept {
        alignas(64) Scalar padded[Count];
        store(padded, value);
        std::memcpy(to, padded, static_cast<std::size_t>(valid) * sizeof(Scalar));
    }
};

/// Scalars in the widest vector register of this target; 1 if it has none for this type.
template <class Scalar>
inline constexpr int widest_lanes = [] {
    if constexpr (xsimd::types::has_simd_register<Scalar, xsimd::default_arch>::value) {
        return static_cast<int>(xsimd::batch<Scalar>::size);
    } else {
        return 1;
    }
}();

#else

template <class Scalar>
inline constexpr int widest_lanes = 1;

#endif

/// Lanes for `outputs` adjacent sums: half the register width where the widest would be half empty.
template <class Scalar>
constexpr int lanes_for([[maybe_unused]] int outputs) noexcept {
    constexpr int widest = widest_lanes<Scalar>;
    return widest * sizeof(Scalar) == 64 && outputs <= widest / 2 ? widest / 2 : widest;
}

/// Calls `visit.template operator()<Lanes>()` with those lanes.
template <class Scalar, class Visit>
TOCSIN_ALWAYS_INLINE inline void with_lanes([[maybe_unused]] int outputs, Visit&& visit) noexcept {
    constexpr int widest = widest_lanes<Scalar>;
    if constexpr (widest * sizeof(Scalar) == 64) {
        if (lanes_for<Scalar>(outputs) < widest) {
            visit.template operator()<lanes<Scalar, widest / 2>>();
            return;
        }
    }
    visit.template operator()<lanes<Scalar, widest>>();
}

} // namespace tocsin
