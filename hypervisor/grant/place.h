/* SPDX-License-Identifier: MIT */
/*
 * The entries that map grants: named by the address that they map, or by where they stand.
 *
 * Consecutive operations of a call mostly mean entries of one L1 table: it is found, and referenced, once. Should
 * another vCPU link another table in its place meanwhile, the call was first.
 */
#ifndef GRANT_PLACE_H
#define GRANT_PLACE_H

#include <xen/grant_table.h>
#include "memory/guest_copy.h"
#include "paging/page_type.h"

struct place {
    uint64_t name; /* which table it is: what its entries' addresses have in common; PLACE_NONE: none is open */
    uint64_t *table; /* with a type reference */
};

#define PLACE_NONE  (~0UL)
#define PLACE_MADDR (1UL << 63) /* in a name: it is the table's frame */
#define PLACE_SHIFT 21U         /* of addresses that one table maps */

/* None is open any more; to be opened anew, name has to say so. */
static inline void place_close(const struct place *p)
{
    if (likely(p->name != PLACE_NONE))
        l1_table_put(p->table);
}

/* By the place of an entry. False: there is no L1 table of the domain's. */
bool place_open_maddr(struct place *p, struct domain *d, uint64_t maddr);

static inline bool place_open(struct place *p, struct domain *d, uint64_t va)
{
    place_close(p);
    p->name = va >> PLACE_SHIFT;
    p->table = guest_address_ok(va) ? l1_table_find(d, current_vcpu()->kernel_root, va) : NULL;
    if (likely(p->table))
        return true;
    p->name = PLACE_NONE;
    return false;
}

/* flags: GNTMAP_contains_pte says how at names the entry. NULL: there is none. It is good until the next call. */
static inline uint64_t *place_find(struct place *p, struct domain *d, uint64_t at, unsigned flags)
{
    if (unlikely(flags & GNTMAP_contains_pte))
        return place_open_maddr(p, d, at) ? &p->table[at / 8 % ENTRIES_PER_TABLE] : NULL;
    if (at >> PLACE_SHIFT != p->name && unlikely(!place_open(p, d, at)))
        return NULL;
    return l1_entry_of(p->table, at);
}

#endif
