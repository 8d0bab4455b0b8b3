/// @file simd.hpp
/// @brief Whether there is xsimd. Kernels use it through lanes.hpp and pack_functions.hpp.
#pragma once

// TOCSIN_NO_XSIMD turns xsimd off. Bare-metal Arm is excluded by itself: xsimd does not build
// there.
#if !defined(TOCSIN_NO_XSIMD) && __has_include(<xsimd/xsimd.hpp>) && \
    !(defined(__arm__) && !defined(__linux__))
#include <xsimd/xsimd.hpp>
#if !defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
#define TOCSIN_HAS_XSIMD 1
#endif
#endif
#ifndef TOCSIN_HAS_XSIMD
/// Whether xsimd is used; otherwise kernels work on single values.
#define TOCSIN_HAS_XSIMD 0
#endif
