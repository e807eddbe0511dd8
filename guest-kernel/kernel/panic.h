/* SPDX-License-Identifier: MIT */
/*
 * The end when the kernel cannot go on: a line that begins with PANIC, registers, a backtrace.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdint.h>

void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same for an interrupted context. The stack is followed from RBP as far as it is one of ours.
 */
void panic_registers(uint64_t rip, uint64_t rsp, uint64_t rbp, const char *format, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

#endif
