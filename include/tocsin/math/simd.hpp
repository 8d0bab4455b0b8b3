/// @file simd.hpp
/// @brief Whether there is xsimd. Kernels use it through lanes.hpp and pack_functions.hpp.
#pragma once

// TOCSIN_NO_XSIMD turns xsimd off. Targets without an operating system and RISC-V are excluded by
// themselves: xsimd does not build on the former and has no registers for the latter.
#if !defined(TOCSIN_NO_XSIMD) && __has_include(<xsimd/xsimd.hpp>) && \
    !(defined(__arm__) && !defined(__linux__)) && !defined(__riscv)
#include <xsimd/xsimd.hpp>
#if !defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
#define TOCSIN_HAS_XSIMD 1
#endif
#endif
#ifndef TOCSIN_HAS_XSIMD
/// Whether xsimd is used; otherwise kernels work on single values.
#define TOCSIN_HAS_XSIMD 0
#endif
