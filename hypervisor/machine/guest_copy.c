/* SPDX-License-Identifier: MIT */
/*
 * Touching guest memory: each instruction that does has an entry in the exception table. With SMAP,
 * it stands between the two instructions that allow it.
 */
#include "machine/exception_table.h"
#include "machine/machine.h"

static inline void access_begin(void)
{
    if (machine_has_smap)
        __asm__ volatile("stac" ::: "memory");
}

static inline void access_end(void)
{
    if (machine_has_smap)
        __asm__ volatile("clac" ::: "memory");
}

/* Words first, then bytes; whatever faults, the rest is not copied. */
static bool copy(void *dst, const void *src, size_t size)
{
    size_t words = size / 8, rest = size % 8;

    access_begin();
    __asm__ volatile("1: rep movsq\n"
                     "   mov %3, %2\n"
                     "   xor %3, %3\n"
                     "2: rep movsb\n"
                     "3:\n" EXCEPTION_ENTRY("1b", "3b") EXCEPTION_ENTRY("2b", "3b")
                     : "+D"(dst), "+S"(src), "+c"(words), "+r"(rest)
                     :
                     : "memory");
    access_end();
    return words == 0 && rest == 0;
}

bool guest_copy_in(void *dst, uint64_t src, size_t size)
{
    return copy(dst, (const void *)src, size);
}

bool guest_copy_out(uint64_t dst, const void *src, size_t size)
{
    return copy((void *)dst, src, size);
}

bool guest_clear(uint64_t dst, size_t size)
{
    access_begin();
    __asm__ volatile("1: rep stosb\n"
                     "2:\n" EXCEPTION_ENTRY("1b", "2b")
                     : "+D"(dst), "+c"(size)
                     : "a"(0)
                     : "memory");
    access_end();
    return size == 0;
}

bool guest_load64(uint64_t va, uint64_t *value)
{
    uint64_t word;
    uint64_t fault;

    access_begin();
    __asm__ volatile("1: mov (%2), %0\n"
                     "   xor %k1, %k1\n"
                     "2:\n" EXCEPTION_ENTRY("1b", "2b")
                     : "=&r"(word), "=&r"(fault)
                     : "r"(va), "1"(1UL)
                     : "memory");
    access_end();
    *value = word;
    return !fault;
}

bool guest_store64(uint64_t va, uint64_t value)
{
    access_begin();
    __asm__ goto("1: mov %0, (%1)\n" EXCEPTION_ENTRY("1b", "%l[fault]")::"r"(value), "r"(va)
                 : "memory"
                 : fault);
    access_end();
    return true;
fault:
    access_end();
    return false;
}
