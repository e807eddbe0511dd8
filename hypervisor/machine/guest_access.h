/* SPDX-License-Identifier: MIT */
/*
 * Single words of guest memory, where a call would cost more than the access.
 */
#ifndef MACHINE_GUEST_ACCESS_H
#define MACHINE_GUEST_ACCESS_H

#include "machine/exception_table.h"
#include "machine/machine.h"

static inline void guest_access_begin(void)
{
    if (unlikely(machine_has_smap))
        __asm__ volatile("stac" ::: "memory");
}

static inline void guest_access_end(void)
{
    if (unlikely(machine_has_smap))
        __asm__ volatile("clac" ::: "memory");
}

/* The range has been checked. Return false if the word cannot be touched. */
static inline bool guest_load64(uint64_t va, uint64_t *value)
{
    uint64_t word;

    guest_access_begin();
    __asm__ goto("1: mov (%1), %0\n" EXCEPTION_ENTRY("1b", "%l[fault]")
                 : "=r"(word)
                 : "r"(va)
                 : "memory"
                 : fault);
    guest_access_end();
    *value = word;
    return true;
fault:
    guest_access_end();
    return false;
}

static inline bool guest_store64(uint64_t va, uint64_t value)
{
    guest_access_begin();
    __asm__ goto("1: mov %0, (%1)\n" EXCEPTION_ENTRY("1b", "%l[fault]")::"r"(value), "r"(va)
                 : "memory"
                 : fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

#endif
