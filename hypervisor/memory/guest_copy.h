/* SPDX-License-Identifier: MIT */
/*
 * Arguments of hypercalls: guest addresses in the kernel's address space that is loaded. Each is read
 * once, into memory of ours; what was checked is what is used.
 */
#ifndef MEMORY_GUEST_COPY_H
#define MEMORY_GUEST_COPY_H

#include "machine/guest_access.h"

/* Does [va, va + bytes) lie outside of the hypervisor's part, and not run over the end? */
static inline bool guest_range_ok(uint64_t va, uint64_t bytes)
{
    uint64_t end;

    if (unlikely(__builtin_add_overflow(va, bytes, &end)))
        return false;
    return likely(end <= HYPERVISOR_START) || va >= HYPERVISOR_END;
}

/*
 * The same for a few bytes, in one comparison: va may not lie in (START - bytes, END). What runs over
 * the end of the address space goes on at 0, which is the guest's as well.
 */
static inline bool guest_words_ok(uint64_t va, uint64_t bytes)
{
    return va - (HYPERVISOR_START - bytes + 1) >= HYPERVISOR_END - HYPERVISOR_START + bytes - 1;
}

/* Does an array of count elements? The product may not overflow either. */
static inline bool guest_array_ok(uint64_t va, uint64_t count, uint64_t size)
{
    uint64_t bytes;

    return !__builtin_mul_overflow(count, size, &bytes) && guest_range_ok(va, bytes);
}

static inline bool copy_from_guest(void *dst, uint64_t va, size_t bytes)
{
    return guest_range_ok(va, bytes) && guest_copy_in(dst, va, bytes);
}

static inline bool copy_to_guest(uint64_t va, const void *src, size_t bytes)
{
    return guest_range_ok(va, bytes) && guest_copy_out(va, src, bytes);
}

static inline bool address_is_canonical(uint64_t va)
{
    /* Bits 63 to 47 are alike. */
    return (va + (1UL << 47)) >> 48 == 0;
}

/* May a guest be entered, or have a stack, there? What it may not have is one piece: all that is not canonical, and
 * the hypervisor's part right behind. */
static inline bool guest_address_ok(uint64_t va)
{
    const uint64_t first = 1UL << 47;

    _Static_assert(HYPERVISOR_START == ~0UL << 47, "it begins where addresses are canonical again");
    return va - first >= HYPERVISOR_END - first;
}

#endif
