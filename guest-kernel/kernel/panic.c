/* SPDX-License-Identifier: MIT */
/*
 * The end when the kernel cannot go on.
 */
#include <stdarg.h>

#include "arch/arch.h"
#include "kernel/panic.h"
#include "kernel/printf.h"

#define BACKTRACE_MAX 16

/* Only frames within one stack are followed: a wild rbp must not fault in here. */
static void backtrace(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
    uint64_t base = rsp & ~(STACK_SIZE - 1);

    kprintf("  at %lx\n", rip);
    for (int i = 0; i < BACKTRACE_MAX; i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (rbp % 8 != 0 || rbp < rsp || rbp + 16 > base + STACK_SIZE)
            break;
        kprintf("  from %lx\n", frame[1]);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

static void panic_line(const char *format, va_list args)
{
    char text[768];

    kvsnprintf(text, sizeof(text), format, args);
    kprintf("PANIC %s\n", text);
}

void panic_registers(uint64_t rip, uint64_t rsp, uint64_t rbp, const char *format, ...)
{
    va_list args;

    arch_irq_disable();
    va_start(args, format);
    panic_line(format, args);
    va_end(args);
    backtrace(rip, rsp, rbp);
    arch_shutdown(ARCH_SHUTDOWN_CRASH);
}

void panic(const char *format, ...)
{
    va_list args;

    arch_irq_disable();
    va_start(args, format);
    panic_line(format, args);
    va_end(args);
    backtrace((uint64_t)__builtin_return_address(0), arch_stack_pointer(),
              (uint64_t)__builtin_frame_address(0));
    arch_shutdown(ARCH_SHUTDOWN_CRASH);
}
