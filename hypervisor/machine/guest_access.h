/* SPDX-License-Identifier: MIT */
/*
 * Single words of guest memory, where a call would cost more than the access.
 */
#ifndef MACHINE_GUEST_ACCESS_H
#define MACHINE_GUEST_ACCESS_H

#include "machine/exception_table.h"
#include "machine/machine.h"

/* smap: machine_has_smap, read once by the caller. */
static inline void guest_access_begin(bool smap)
{
    if (unlikely(smap))
        __asm__ volatile("stac" ::: "memory");
}

static inline void guest_access_end(bool smap)
{
    if (unlikely(smap))
        __asm__ volatile("clac" ::: "memory");
}

/*
 * One word, inside begin and end, at a constant offset from an address that has been checked; goes to
 * the label fault if it cannot be touched.
 */
#define GUEST_GET(value, va, offset, fault)                                                        \
    __asm__ goto("1: movq %c2(%1), %0\n" EXCEPTION_ENTRY("1b", "%l[" #fault "]")                   \
                 : "=r"(value)                                                                     \
                 : "r"(va), "i"(offset)                                                            \
                 : "memory"                                                                        \
                 : fault)

#define GUEST_PUT(va, offset, value, fault)                                                        \
    __asm__ goto("1: movq %0, %c2(%1)\n" EXCEPTION_ENTRY("1b", "%l[" #fault "]")::"er"(            \
                     (uint64_t)(value)),                                                           \
                 "r"(va), "i"(offset)                                                              \
                 : "memory"                                                                        \
                 : fault)

/* Where RAM is read, for several reads: as constants, both would be loaded for each of them. */
struct direct_map {
    uint64_t base, size;
};

static inline struct direct_map direct_map_in_registers(void)
{
    struct direct_map map = { DIRECT_MAP_BASE, DIRECT_MAP_SIZE };

    __asm__("" : "+r"(map.base), "+r"(map.size));
    return map;
}

/*
 * A word of RAM at a machine address that may be none: an entry of a table that is changing. Returns
 * false where nothing is mapped.
 */
static inline bool direct_map_read(struct direct_map map, uint64_t maddr, uint64_t *value)
{
    uint64_t word;

    if (unlikely(maddr >= map.size))
        return false;
    __asm__ goto("1: movq (%1,%2), %0\n" EXCEPTION_ENTRY("1b", "%l[fault]")
                 : "=r"(word)
                 : "r"(map.base), "r"(maddr)
                 : "memory"
                 : fault);
    *value = word;
    return true;
fault:
    return false;
}

/*
 * Up to five words, their number known when compiling, at addresses that have been checked. Return false if one
 * cannot be touched. Whether there is SMAP is asked once: either answer has code of its own.
 */
static inline __attribute__((always_inline)) bool load_words(uint64_t va, uint64_t *to, const unsigned nr,
                                                             const bool smap)
{
    uint64_t a, b = 0, c = 0, d = 0, e = 0; /* (gcc 12 crashes over elements as outputs of asm goto) */

    guest_access_begin(smap);
    GUEST_GET(a, va, 0, fault);
    if (nr > 1)
        GUEST_GET(b, va, 8, fault);
    if (nr > 2)
        GUEST_GET(c, va, 16, fault);
    if (nr > 3)
        GUEST_GET(d, va, 24, fault);
    if (nr > 4)
        GUEST_GET(e, va, 32, fault);
    guest_access_end(smap);
    to[0] = a;
    if (nr > 1)
        to[1] = b;
    if (nr > 2)
        to[2] = c;
    if (nr > 3)
        to[3] = d;
    if (nr > 4)
        to[4] = e;
    return true;
fault:
    guest_access_end(smap);
    return false;
}

static inline __attribute__((always_inline)) bool store_words(uint64_t va, const uint64_t *from, const unsigned nr,
                                                              const bool smap)
{
    guest_access_begin(smap);
    GUEST_PUT(va, 0, from[0], fault);
    if (nr > 1)
        GUEST_PUT(va, 8, from[1], fault);
    if (nr > 2)
        GUEST_PUT(va, 16, from[2], fault);
    if (nr > 3)
        GUEST_PUT(va, 24, from[3], fault);
    if (nr > 4)
        GUEST_PUT(va, 32, from[4], fault);
    guest_access_end(smap);
    return true;
fault:
    guest_access_end(smap);
    return false;
}

static inline __attribute__((always_inline)) bool guest_load_words(uint64_t va, uint64_t *to, const unsigned nr)
{
    return unlikely(machine_has_smap) ? load_words(va, to, nr, true) : load_words(va, to, nr, false);
}

static inline __attribute__((always_inline)) bool guest_store_words(uint64_t va, const uint64_t *from,
                                                                    const unsigned nr)
{
    return unlikely(machine_has_smap) ? store_words(va, from, nr, true) : store_words(va, from, nr, false);
}

static inline bool guest_load64(uint64_t va, uint64_t *value)
{
    return guest_load_words(va, value, 1);
}

static inline bool guest_store64(uint64_t va, uint64_t value)
{
    return guest_store_words(va, &value, 1);
}

#endif
