// What runs before main() on a Cortex-M: vector table, floating-point unit, .data and .bss.
#include <stdint.h>

int main();
extern "C" {
extern uint32_t image_stack_top;
extern uint32_t image_data_from;
extern uint32_t image_data_begin;
extern uint32_t image_data_end;
extern uint32_t image_bss_begin;
extern uint32_t image_bss_end;

[[noreturn]] void reset_handler() {
#if defined(__ARM_FP)
    *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFU << 20; // CPACR: access to the FPU
    asm volatile("dsb\nisb" ::: "memory");
#endif
    const uint32_t* from = &image_data_from;
    for (uint32_t* to = &image_data_begin; to < &image_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t* to = &image_bss_begin; to < &image_bss_end;) {
        *to++ = 0;
    }
    main();
    for (;;) {
    }
}
[[noreturn]] void fault_handler() {
#ifdef TOCSIN_TARGET_SEMIHOSTING
    static const long block[] = {0x20023, 99};
    register long first asm("r0") = 0x20;
    register const void* second asm("r1") = block;
    asm volatile("bkpt 0xAB" : "+r"(first) : "r"(second) : "memory");
#endif
    for (;;) {
    }
}
}

using handler = void (*)();
__attribute__((section(".vectors"), used)) const handler vectors[16] = {
    reinterpret_cast<handler>(&image_stack_top),
    reset_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
};
