/// @file allocation_counter.hpp
/// @brief Counts heap allocations of the whole test program.
///
/// Link `tocsin_test_allocation_counter` (see tests/CMakeLists.txt). A test that asserts zero must
/// also assert a positive control: a counter that is not linked properly always reads zero.
#pragma once

#include <cstddef>
#include <utility>

namespace tocsin_test {

/// Allocations so far through malloc, calloc, realloc, aligned_alloc, posix_memalign, memalign, and
/// operator new, which calls one of them.
long allocation_count() noexcept;

/// Bytes of the largest single allocation since this was called last.
std::size_t largest_allocation() noexcept;

/// Allocations that a call makes.
template <class Function>
long allocations_during(Function&& function) {
    const long before = allocation_count();
    std::forward<Function>(function)();
    return allocation_count() - before;
}

} // namespace tocsin_test
