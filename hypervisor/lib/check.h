/* SPDX-License-Identifier: MIT */
/*
 * What to do when something that cannot be is.
 *
 * ASSERT is for our own mistakes, in every build, and never on a value that a guest can choose;
 * panic is for a machine or a command line that we cannot work with. Both stop the machine with a
 * report and never return.
 */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include "lib/types.h"

void panic(const char *format, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));
void assert_failed(const char *condition, const char *file, int line)
    __attribute__((noreturn, cold));

#define ASSERT(c)                                                                                  \
    do {                                                                                           \
        if (unlikely(!(c)))                                                                        \
            assert_failed(#c, __FILE__, __LINE__);                                                 \
    } while (0)

#endif
