/// @file config.hpp
/// @brief What the whole library is compiled with: version, attributes, hook for broken preconditions.
#pragma once

#include <cstdio>
#include <cstdlib>

/// First part of the version; changes with incompatible interfaces.
#define TOCSIN_VERSION_MAJOR 0
/// Second part of the version; changes with new features.
#define TOCSIN_VERSION_MINOR 1
/// Third part of the version; changes with corrections.
#define TOCSIN_VERSION_PATCH 0
/// The version as text; files name it.
#define TOCSIN_VERSION_STRING "0.1.0"

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "tocsin detects NaN and infinite samples: compile without -ffast-math (-ffinite-math-only)"
#endif

/// An attribute that makes the compiler inline a function whatever it costs: for the parts of a kernel,
/// whose sums must stay in registers, and for the path of a single sample, where calls cost as much as
/// the arithmetic. Empty for compilers other than g++ and clang.
#if defined(__GNUC__)
#define TOCSIN_ALWAYS_INLINE __attribute__((always_inline))
#else
#define TOCSIN_ALWAYS_INLINE
#endif

/// Marks functions that never allocate, lock or wait. Under RealtimeSanitizer, of clang 20 and newer,
/// the program stops where one does; elsewhere it is empty. Written after `noexcept`.
#if defined(__has_feature)
#if __has_feature(realtime_sanitizer)
#define TOCSIN_NONBLOCKING [[clang::nonblocking]]
#endif
#endif
#ifndef TOCSIN_NONBLOCKING
#define TOCSIN_NONBLOCKING
#endif

namespace tocsin::detail {

/// Prints the message and aborts: the default of TOCSIN_FAIL.
[[noreturn]] inline void fail(const char* message) noexcept {
    std::fputs("tocsin: ", stderr);
    std::fputs(message, stderr);
    std::fputs("\n", stderr);
    std::abort();
}

} // namespace tocsin::detail

/// The only hook for broken preconditions; it must not return. Define it before the first include
/// of a tocsin header to do something else before the program ends, such as to log or to reset the
/// device. Most uses are in noexcept functions, where an exception ends the program: one passes
/// only through functions such as `result::value()`. The hook receives a `const char*`.
#ifndef TOCSIN_FAIL
#define TOCSIN_FAIL(message) ::tocsin::detail::fail(message)
#endif

/// Checks a caller's precondition in debug builds (without NDEBUG); costs nothing otherwise.
#ifndef NDEBUG
#define TOCSIN_ASSERT(condition, message) ((condition) ? void() : TOCSIN_FAIL(message))
#else
#define TOCSIN_ASSERT(condition, message) void()
#endif
