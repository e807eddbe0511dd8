/* SPDX-License-Identifier: MIT */
/* Single words of guest memory: by the same checked copies as all else. */
#ifndef MACHINE_GUEST_ACCESS_H
#define MACHINE_GUEST_ACCESS_H

#include "machine/machine.h"
#include "memory/frame.h"

struct direct_map {
    uint64_t size;
};

static inline struct direct_map direct_map_in_registers(void)
{
    return (struct direct_map){ max_mfn << PAGE_SHIFT };
}

static inline bool direct_map_read(struct direct_map map, uint64_t maddr, uint64_t *value)
{
    if (maddr >= map.size)
        return false;
    *value = *(const volatile uint64_t *)(DIRECT_MAP_BASE + maddr);
    return true;
}

static inline bool guest_load64(uint64_t va, uint64_t *value)
{
    return guest_copy_in(value, va, sizeof(*value));
}

static inline bool guest_store64(uint64_t va, uint64_t value)
{
    return guest_copy_out(va, &value, sizeof(value));
}

static inline bool guest_load_words(uint64_t va, uint64_t *to, unsigned nr)
{
    return guest_copy_in(to, va, nr * sizeof(*to));
}

static inline bool guest_store_words(uint64_t va, const uint64_t *from, unsigned nr)
{
    return guest_copy_out(va, from, nr * sizeof(*from));
}

#endif
