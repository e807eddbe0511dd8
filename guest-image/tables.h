/* SPDX-License-Identifier: MIT */
/*
 * Numbering page tables: of each level, by which piece of the 48-bit address space they map. The tables
 * below number n of a level are n * 512 and the 511 that follow, on level 1 they are pages.
 */
#ifndef GUEST_IMAGE_TABLES_H
#define GUEST_IMAGE_TABLES_H

#include <stdint.h>

#define TABLE_ENTRIES 512U
#define ADDRESS_BITS  48

/* Which table of a level maps this address; level 0: which page it is. */
static inline uint64_t table_of(uint64_t va, unsigned level)
{
    return (va & ((1UL << ADDRESS_BITS) - 1)) >> (12 + 9 * level);
}

#endif
