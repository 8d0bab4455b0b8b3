#include "support/allocation_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOCSIN_TEST_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TOCSIN_TEST_SANITIZER 1
#endif
#endif

namespace {

// Volatile, because an optimiser that knows malloc to be free of side effects could drop the
// counting.
constinit volatile std::atomic<long> counter{0};
constinit volatile std::atomic<std::size_t> largest{0};

void count(std::size_t size) noexcept {
    counter.fetch_add(1, std::memory_order_relaxed);
    if (size > largest.load(std::memory_order_relaxed)) { // tests look at it in one thread
        largest.store(size, std::memory_order_relaxed);
    }
}

// Faults and memory in use.
constinit volatile std::atomic<long> until_fault{0}; // allocations; 0: no fault
constinit volatile std::atomic<std::size_t> most_bytes{0};
constinit volatile std::atomic<bool> failed{false};
constinit volatile std::atomic<long long> live{0};
constinit volatile std::atomic<long long> peak{0};

} // namespace

namespace tocsin_test {
long allocation_count() noexcept {
    return counter.load(std::memory_order_relaxed);
}
std::size_t largest_allocation() noexcept {
    return largest.exchange(0, std::memory_order_relaxed);
}
void set_allocation_faults(const allocation_faults& faults) noexcept {
    until_fault.store(faults.nth);
    most_bytes.store(faults.bytes);
    failed.store(false);
    live.store(0);
    peak.store(0);
}
bool allocation_failed() noexcept {
    return failed.load();
}
long long live_bytes() noexcept {
    return live.load();
}
long long peak_bytes() noexcept {
    return peak.load();
}
bool allocations_can_fail() noexcept {
#if defined(TOCSIN_TEST_SANITIZER)
    return false;
#else
    return true;
#endif
}
} // namespace tocsin_test

#if defined(TOCSIN_TEST_SANITIZER)

// The sanitizer has replaced malloc already; it offers hooks instead.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));
namespace {
const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { count(size); }, [](const volatile void*) {});
} // namespace

#else

#include <malloc.h>

namespace {

/// Whether the next allocation may succeed.
bool allowed(std::size_t size) noexcept {
    count(size);
    bool fails = false;
    if (long left = until_fault.load(std::memory_order_relaxed); left > 0) {
        fails = until_fault.fetch_sub(1) == 1;
    }
    const std::size_t most = most_bytes.load(std::memory_order_relaxed);
    if (most > 0 && static_cast<long long>(size) >
                        static_cast<long long>(most) - live.load(std::memory_order_relaxed)) {
        fails = true;
    }
    if (fails) {
        failed.store(true);
        errno = ENOMEM;
    }
    return !fails;
}
void* note(void* memory) noexcept {
    const long long now = live.fetch_add(static_cast<long long>(malloc_usable_size(memory))) +
                          static_cast<long long>(malloc_usable_size(memory));
    if (now > peak.load(std::memory_order_relaxed)) {
        peak.store(now, std::memory_order_relaxed);
    }
    return memory;
}
void forget(void* memory) noexcept {
    live.fetch_sub(static_cast<long long>(malloc_usable_size(memory)));
}

} // namespace

// A program's own malloc replaces glibc's in all libraries it loads.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t items, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

void* malloc(std::size_t size) noexcept {
    return allowed(size) ? note(__libc_malloc(size)) : nullptr;
}
void* calloc(std::size_t items, std::size_t size) noexcept {
    return allowed(items * size) ? note(__libc_calloc(items, size)) : nullptr;
}
void* realloc(void* memory, std::size_t size) noexcept {
    if (!allowed(size)) {
        return nullptr;
    }
    forget(memory);
    return note(__libc_realloc(memory, size));
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
    return allowed(size) ? note(__libc_memalign(alignment, size)) : nullptr;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    *memory = memalign(alignment, size);
    return *memory == nullptr ? 12 : 0; // ENOMEM
}
void free(void* memory) noexcept {
    forget(memory);
    __libc_free(memory);
}
}

#endif
