/* SPDX-License-Identifier: MIT */
/*
 * Touching guest memory: each instruction that does has an entry in the exception table. With SMAP,
 * it stands between the two instructions that allow it.
 */
#include "machine/guest_access.h"

/* Words first, then bytes; whatever faults, the rest is not copied. */
static bool copy(void *dst, const void *src, size_t size)
{
    size_t words = size / 8, rest = size % 8;

    guest_access_begin(machine_has_smap);
    __asm__ volatile("1: rep movsq\n"
                     "   mov %3, %2\n"
                     "   xor %3, %3\n"
                     "2: rep movsb\n"
                     "3:\n" EXCEPTION_ENTRY("1b", "3b") EXCEPTION_ENTRY("2b", "3b")
                     : "+D"(dst), "+S"(src), "+c"(words), "+r"(rest)
                     :
                     : "memory");
    guest_access_end(machine_has_smap);
    return words == 0 && rest == 0;
}

HOT bool guest_copy_in(void *dst, uint64_t src, size_t size)
{
    return copy(dst, (const void *)src, size);
}

HOT bool guest_copy_out(uint64_t dst, const void *src, size_t size)
{
    return copy((void *)dst, src, size);
}
