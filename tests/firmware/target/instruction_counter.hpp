/// @file instruction_counter.hpp
/// @brief Counts instructions in QEMU, which -icount lets take equal times of the virtual clock that
/// drives the target's timer. A loop of known length says how many make a tick.
#pragma once

#include <stdint.h>

#if defined(__arm__)

/// SysTick counts down 24 bits.
inline volatile uint32_t* systick() {
    return reinterpret_cast<volatile uint32_t*>(0xE000E010);
}
inline void start_counter() {
    systick()[1] = 0xFFFFFF;
    systick()[2] = 0;
    systick()[0] = 5;
}
inline uint32_t counter() {
    return 0U - systick()[2];
}
inline uint32_t ticks_since(uint32_t begin) {
    return (counter() - begin) & 0xFFFFFFU;
}

#elif defined(__riscv)

inline void start_counter() {}
inline uint32_t counter() {
    uint32_t value = 0;
    asm volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop"
                 : "=r"(value));
    return value;
}
inline uint32_t ticks_since(uint32_t begin) {
    return counter() - begin;
}

#endif

/// How many ticks a million instructions take.
inline uint32_t ticks_of_a_million() {
    start_counter();
    uint32_t left = 500'000; // rounds of two instructions
    const uint32_t begin = counter();
#if defined(__arm__)
    asm volatile(".syntax unified\n1: subs %0, %0, #1\nbne 1b" : "+l"(left) : : "cc");
#else
    asm volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(left));
#endif
    return ticks_since(begin);
}

/// Instructions that a function takes.
template <class Function>
uint32_t instructions_of(Function&& function) {
    const uint64_t million = ticks_of_a_million();
    const uint32_t begin = counter();
    function();
    return static_cast<uint32_t>(uint64_t{1'000'000} * ticks_since(begin) / million);
}
