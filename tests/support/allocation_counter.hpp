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

/// Whether allocations can be made to fail and memory can be measured: not with a sanitizer.
bool allocations_can_fail() noexcept;

/// What fails from now on; one more call ends it.
struct allocation_faults {
    long nth = 0;          ///< this allocation from now on, from 1; 0: none
    std::size_t bytes = 0; ///< allocations that would take more memory than this; 0: no limit
};
void set_allocation_faults(const allocation_faults& faults) noexcept;
/// Whether any allocation has failed since set_allocation_faults() was called last.
bool allocation_failed() noexcept;

/// Bytes that are allocated and not freed, counted since the last set_allocation_faults(), and the
/// most there have been at once.
long long live_bytes() noexcept;
long long peak_bytes() noexcept;

/// Allocations that a call makes.
template <class Function>
long allocations_during(Function&& function) {
    const long before = allocation_count();
    std::forward<Function>(function)();
    return allocation_count() - before;
}

} // namespace tocsin_test
