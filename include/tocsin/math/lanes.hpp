/// @file lanes.hpp
/// @brief One vector register of scalars: loads, stores, loops. The vocabulary of all kernels.
///
/// `lanes<Scalar, Count>` names two types for the same register. Arithmetic is written on its
/// `pack_type`, with operators and pack_functions.hpp. The kernels that keep many sums at once name the
/// `register_type` itself, because compilers keep arrays of it in registers where they would spill
/// arrays of a class. A single scalar is both: the path of targets without vectors, and what tests
/// compare the others with.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/math/pack_functions.hpp"
#include "tocsin/math/partial_registers.hpp"
#include "tocsin/math/simd.hpp"

#include <bit>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tocsin {

/// Calls `body(std::integral_constant<int, k>)` for k in [0, Count), unrolled at compile time.
template <int Count, class Body>
TOCSIN_ALWAYS_INLINE inline void unroll(Body&& body) noexcept {
    [&]<int... K>(std::integer_sequence<int, K...>) TOCSIN_ALWAYS_INLINE {
        (body(std::integral_constant<int, K>{}), ...);
    }(std::make_integer_sequence<int, Count>{});
}

/// `Count` scalars side by side; this one is a single scalar.
template <class Scalar, int Count>
struct lanes {
    static_assert(Count == 1, "no vector register of this target holds that many scalars");
    using scalar_type = Scalar;
    using pack_type = Scalar;       ///< argument type of activations
    using register_type = Scalar;   ///< type of the kernels' sums
    static constexpr int count = 1; ///< values in a register
    /// Sums that a kernel may keep in registers at once.
    static constexpr int sums = 8;

    /// A register from memory, aligned or not.
    static Scalar load(const Scalar* from) noexcept { return *from; }
    /// A register to memory, aligned or not.
    static void store(Scalar* to, Scalar value) noexcept { *to = value; }
    /// The first values; the others are 0.
    static Scalar load_first(const Scalar* from, int /*valid*/) noexcept { return *from; }
    /// The first values; memory after them is not touched.
    static void store_first(Scalar* to, Scalar value, int /*valid*/) noexcept { *to = value; }
    /// Floats as values of this type.
    static Scalar load_floats(const float* from) noexcept { return static_cast<Scalar>(*from); }
    /// One value in all places.
    static Scalar broadcast(const Scalar* from) noexcept { return *from; }
    /// `a * b + c`, rounded once where the processor can.
    static Scalar multiply_add(Scalar a, Scalar b, Scalar c) noexcept {
        return detail::multiply_add(a, b, c);
    }
    /// The sum.
    static Scalar add(Scalar a, Scalar b) noexcept { return a + b; }
    /// Asks for memory that will be read soon.
    template <int Registers>
    static void prefetch(const Scalar* /*from*/) noexcept {}
    /// The sum of the values in a register.
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
        return valid == Count ? load(from)
                              : register_type(detail::load_part<pack_type>(from, valid));
    }
    /// Writes only the first `valid` scalars.
    TOCSIN_ALWAYS_INLINE static void store_first(Scalar* to, register_type value,
                                                 int valid) noexcept {
        if (valid == Count) {
            store(to, value);
        } else {
            detail::store_part(to, pack_type(value), valid);
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
    /// For doubles: from as many floats.
    TOCSIN_ALWAYS_INLINE static register_type load_floats(const float* from) noexcept {
        return detail::load_converted<pack_type>(from);
    }
    TOCSIN_ALWAYS_INLINE static register_type broadcast(const Scalar* from) noexcept {
        return pack_type(*from);
    }
    TOCSIN_ALWAYS_INLINE static register_type multiply_add(register_type a, register_type b,
                                                           register_type c) noexcept {
        return detail::multiply_add(pack_type(a), pack_type(b), pack_type(c));
    }
    TOCSIN_ALWAYS_INLINE static register_type add(register_type a, register_type b) noexcept {
        return pack_type(a) + pack_type(b);
    }
    TOCSIN_ALWAYS_INLINE static Scalar sum(register_type value) noexcept {
        return detail::sum_of_register(pack_type(value));
    }
    TOCSIN_ALWAYS_INLINE static register_type lower_half(register_type words) noexcept {
        using word = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
        const auto bits = xsimd::bitwise_cast<xsimd::batch<word, typename pack_type::arch_type>>(
            pack_type(words));
        return xsimd::bitwise_cast<pack_type>(bits << static_cast<int>(4 * sizeof(Scalar)));
    }
};

/// Scalars in the widest vector register of this target; 1 if it has none for this type.
template <class Scalar>
inline constexpr int widest_lanes = [] {
    if constexpr (xsimd::types::has_simd_register<Scalar, xsimd::default_arch>::value) {
        // 32-bit NEON has registers "of doubles", of size 0.
        constexpr auto size = static_cast<int>(xsimd::batch<Scalar>::size);
        return size > 0 ? size : 1;
    } else {
        return 1;
    }
}();

#else

/// Values in the widest register for a type; 1 without xsimd.
template <class Scalar>
inline constexpr int widest_lanes = 1;

#endif

/// Means `widest_lanes<Scalar>` where a function takes a number of lanes next to its arguments.
inline constexpr int widest_register = 0;

/// Lanes by their number, which may be `widest_register`.
template <class Scalar, int Count = widest_register>
using lanes_of = lanes<Scalar, Count == widest_register ? widest_lanes<Scalar> : Count>;

namespace detail {

/// Where a loop over arrays is: at a full register.
template <class Lanes>
struct full_position {
    using scalar = typename Lanes::scalar_type;
    using pack = typename Lanes::pack_type;
    index_t first;
    pack load(const scalar* values) const noexcept { return pack(Lanes::load(values + first)); }
    void store(scalar* values, const pack& value) const noexcept {
        Lanes::store(values + first, typename Lanes::register_type(value));
    }
};
/// At the last one, of which `valid` scalars exist.
template <class Lanes>
struct partial_position {
    using scalar = typename Lanes::scalar_type;
    using pack = typename Lanes::pack_type;
    index_t first;
    int valid;
    pack load(const scalar* values) const noexcept {
        return pack(Lanes::load_first(values + first, valid));
    }
    void store(scalar* values, const pack& value) const noexcept {
        Lanes::store_first(values + first, typename Lanes::register_type(value), valid);
    }
};

} // namespace detail

/// Calls `body(position)` for arrays of `count` scalars, a register at a time. A body has `load` and
/// `store` of the position alone. The last, partly filled register is computed with the same functions
/// as the full ones, so that a value never depends on where in an array it stands.
template <class Lanes, class Body>
void for_each_pack(index_t count, Body&& body) noexcept {
    index_t first = 0;
    for (; first + Lanes::count <= count; first += Lanes::count) {
        body(detail::full_position<Lanes>{first});
    }
    if constexpr (Lanes::count > 1) {
        if (first < count) {
            body(detail::partial_position<Lanes>{first, static_cast<int>(count - first)});
        }
    }
}

/// Registers that `count` scalars fill, the last one perhaps in part. Without a division: streams
/// ask at each step.
/// @param lanes of a register, a power of two
constexpr int registers_for(int count, int lanes) noexcept {
    return (count + lanes - 1) >> std::countr_zero(static_cast<unsigned>(lanes));
}

/// Lanes for `outputs` sums side by side: a register of half the width where the widest would be
/// half empty.
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
