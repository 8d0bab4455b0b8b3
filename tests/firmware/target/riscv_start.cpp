// What runs before main() on a RISC-V without an operating system: stack, .bss.
#include <stdint.h>

int main();
extern "C" {
extern uint32_t image_bss_begin;
extern uint32_t image_bss_end;

[[noreturn]] void start() {
    for (uint32_t* to = &image_bss_begin; to < &image_bss_end;) {
        *to++ = 0;
    }
    main();
    for (;;) {
    }
}
// GCC calls them; there is no C library for this target.
void* memcpy(void* to, const void* from, __SIZE_TYPE__ count) {
    auto* bytes = static_cast<uint8_t*>(to);
    const auto* source = static_cast<const uint8_t*>(from);
    for (; count > 0; --count) {
        *bytes++ = *source++;
        asm volatile("" ::: "memory"); // or it would become a call of itself
    }
    return to;
}
void* memset(void* to, int value, __SIZE_TYPE__ count) {
    auto* bytes = static_cast<uint8_t*>(to);
    for (; count > 0; --count) {
        *bytes++ = static_cast<uint8_t>(value);
        asm volatile("" ::: "memory");
    }
    return to;
}
}

asm(".section .text.enter\n.globl _start\n_start:\n"
    "la sp, image_stack_top\ncall start\n");
