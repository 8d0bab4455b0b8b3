/// @file simd.hpp
/// @brief Loops over packs of scalars: xsimd batches where the target has them, else single
/// scalars.
///
/// A loop body is written once, as a function of a pack position with `load` and `store`. The last,
/// partly filled pack uses the same vector functions as the full ones, so a value never depends on
/// its position in an array.
#pragma once

#include "tocsin/core/extents.hpp"

#include <algorithm>
#include <cmath>

// TOCSIN_NO_XSIMD turns xsimd off. xsimd does not build on bare-metal Arm, so it is excluded there
// automatically.
#if !defined(TOCSIN_NO_XSIMD) && __has_include(<xsimd/xsimd.hpp>) && \
    !(defined(__arm__) && !defined(__linux__))
#include <xsimd/xsimd.hpp>
#if !defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
#define TOCSIN_HAS_XSIMD 1
#endif
#endif
#ifndef TOCSIN_HAS_XSIMD
#define TOCSIN_HAS_XSIMD 0
#endif

namespace tocsin {

/// Computes one scalar at a time with the functions of the standard library. Works on every target;
/// tests use it as the reference of the vector path.
struct scalar_path {
    template <class Scalar>
    struct pack {
        static constexpr index_t width = 1;
        index_t first;
        Scalar load(const Scalar* values) const noexcept { return values[first]; }
        void store(Scalar* values, Scalar pack_value) const noexcept { values[first] = pack_value; }
    };

    /// Calls `body(pack)` for the positions [0, count).
    template <class Scalar, class Body>
    static void for_each_pack(index_t count, Body&& body) noexcept {
        for (index_t first = 0; first < count; ++first) {
            body(pack<Scalar>{first});
        }
    }
};

#if TOCSIN_HAS_XSIMD

/// Computes a full vector register at a time; scalar types without registers on this target use the
/// scalar path.
struct simd_path {
    template <class Scalar>
    struct full_pack {
        using batch = xsimd::batch<Scalar>;
        static constexpr index_t width = static_cast<index_t>(batch::size);
        index_t first;
        batch load(const Scalar* values) const noexcept {
            return batch::load_unaligned(values + first);
        }
        void store(Scalar* values, batch pack_value) const noexcept {
            pack_value.store_unaligned(values + first);
        }
    };

    template <class Scalar>
    struct partial_pack {
        using batch = xsimd::batch<Scalar>;
        index_t first;
        index_t count;
        batch load(const Scalar* values) const noexcept {
            Scalar padded[batch::size] = {};
            std::copy_n(values + first, count, padded);
            return batch::load_unaligned(padded);
        }
        void store(Scalar* values, batch pack_value) const noexcept {
            Scalar padded[batch::size];
            pack_value.store_unaligned(padded);
            std::copy_n(padded, count, values + first);
        }
    };

    template <class Scalar, class Body>
    static void for_each_pack(index_t count, Body&& body) noexcept {
        if constexpr (xsimd::types::has_simd_register<Scalar, xsimd::default_arch>::value) {
            constexpr index_t width = full_pack<Scalar>::width;
            index_t first = 0;
            for (; first + width <= count; first += width) {
                body(full_pack<Scalar>{first});
            }
            if (first < count) {
                body(partial_pack<Scalar>{first, count - first});
            }
        } else {
            scalar_path::for_each_pack<Scalar>(count, body);
        }
    }
};

/// The fastest path of this target.
using native_path = simd_path;

#else

using native_path = scalar_path;

#endif

} // namespace tocsin
