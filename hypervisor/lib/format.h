/* SPDX-License-Identifier: MIT */
/*
 * printf's format language, as far as ring 0 speaks it: %d %i %u %x %X %p %c %s %%, lengths l, ll, z,
 * flags 0 and -, a width, and a precision for %s. Anything else is printed as it stands.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include "lib/types.h"

/* Writes at most size bytes with the NUL. Returns how many characters all of it would have taken. */
size_t format_string_v(char *buffer, size_t size, const char *format, va_list args);
size_t format_string(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
