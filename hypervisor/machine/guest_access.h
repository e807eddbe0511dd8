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

/*
 * One word, inside begin and end, from or to an address that has been checked; goes to the label fault
 * if it cannot be touched.
 */
#define GUEST_GET(value, va, fault)                                                                \
    __asm__ goto("1: mov %1, %0\n" EXCEPTION_ENTRY("1b", "%l[" #fault "]")                         \
                 : "=r"(value)                                                                     \
                 : "m"(*(const volatile uint64_t *)(va))                                           \
                 : "memory"                                                                        \
                 : fault)

#define GUEST_PUT(va, value, fault)                                                                \
    __asm__ goto("1: movq %0, %1\n" EXCEPTION_ENTRY("1b", "%l[" #fault "]")::"er"(                 \
                     (uint64_t)(value)),                                                           \
                 "m"(*(volatile uint64_t *)(va))                                                   \
                 : "memory"                                                                        \
                 : fault)

/* The range has been checked. Return false if the word cannot be touched. */
static inline bool guest_load64(uint64_t va, uint64_t *value)
{
    uint64_t word;

    guest_access_begin();
    GUEST_GET(word, va, fault);
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
    GUEST_PUT(va, value, fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

#endif
