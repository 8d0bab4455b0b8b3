#include "support/allocation_counter.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define TOCSIN_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOCSIN_TEST_ASAN 1
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

} // namespace

namespace tocsin_test {
long allocation_count() noexcept {
    return counter.load(std::memory_order_relaxed);
}
std::size_t largest_allocation() noexcept {
    return largest.exchange(0, std::memory_order_relaxed);
}
} // namespace tocsin_test

#if defined(TOCSIN_TEST_ASAN)

// AddressSanitizer has already replaced malloc; it offers hooks instead.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));
namespace {
const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { count(size); }, [](const volatile void*) {});
} // namespace

#else

// A program's own malloc replaces glibc's in all libraries it loads.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t items, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
    count(size);
    return __libc_malloc(size);
}
void* calloc(std::size_t items, std::size_t size) noexcept {
    count(items * size);
    return __libc_calloc(items, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
    count(size);
    return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
    count(size);
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    count(size);
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    count(size);
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? 12 : 0; // ENOMEM
}
}

#endif
