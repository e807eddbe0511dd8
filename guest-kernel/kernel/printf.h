/* SPDX-License-Identifier: MIT */
/*
 * Formatted output. Conversions: %c %s %d %u %x %p %%, with l and ll, a width, 0 and - flags.
 */
#ifndef KERNEL_PRINTF_H
#define KERNEL_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

/* One call is one write to the console: lines of several CPUs do not mix. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *format, va_list args);
/* Always terminates; returns the length, cut to what fitted. */
size_t ksnprintf(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t kvsnprintf(char *to, size_t size, const char *format, va_list args);

#endif
