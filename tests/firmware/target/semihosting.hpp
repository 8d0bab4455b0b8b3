/// @file semihosting.hpp
/// @brief Text and exit codes from a bare target to the machine that runs the emulator.
#pragma once

#include <stdint.h>

#if defined(__arm__) && !defined(__linux__)
inline long semihosting(int operation, const void* argument) {
    register long first asm("r0") = operation;
    register const void* second asm("r1") = argument;
    asm volatile("bkpt 0xAB" : "+r"(first) : "r"(second) : "memory");
    return first;
}
#elif defined(__riscv) && !defined(__linux__)
inline long semihosting(int operation, const void* argument) {
    register long first asm("a0") = operation;
    register const void* second asm("a1") = argument;
    // The three instructions must lie in one page, uncompressed.
    asm volatile(".balign 16\n.option push\n.option norvc\n"
                 "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                 : "+r"(first)
                 : "r"(second)
                 : "memory");
    return first;
}
#else
#include <stdio.h>
#include <stdlib.h>
#define TOCSIN_TARGET_HOSTED 1
#endif

inline void put(const char* text) {
#ifdef TOCSIN_TARGET_HOSTED
    fputs(text, stdout);
#else
    semihosting(0x04, text); // SYS_WRITE0
#endif
}
inline void put_hex(uint32_t value) {
    char text[9];
    for (int digit = 0; digit < 8; ++digit) {
        text[digit] = "0123456789abcdef"[(value >> (28 - 4 * digit)) & 15U];
    }
    text[8] = 0;
    put(text);
}
inline void put_number(uint32_t value) {
    char text[11];
    char* at = text + 10;
    *at = 0;
    do {
        *--at = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(at);
}
/// A line such as "hash 0011aabb".
inline void put_line(const char* name, uint32_t value, bool hex = false) {
    put(name);
    put(" ");
    if (hex) {
        put_hex(value);
    } else {
        put_number(value);
    }
    put("\n");
}
[[noreturn]] inline void leave(int code) {
#ifdef TOCSIN_TARGET_HOSTED
    exit(code);
#else
    const long block[] = {0x20026, code}; // ADP_Stopped_ApplicationExit
    semihosting(0x20, block);             // SYS_EXIT_EXTENDED
    for (;;) {
    }
#endif
}
