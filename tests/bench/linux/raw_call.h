/* SPDX-License-Identifier: MIT */
/*
 * A system call, and nothing of a C library around it.
 */
#ifndef RAW_CALL_H
#define RAW_CALL_H

static inline long raw_call(long number, long first, long second, long third)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
