/* SPDX-License-Identifier: MIT */
/*
 * Walking a guest's tables through the direct map.
 *
 * Another vCPU may change them as we read: a frame that we pass may have become something else by
 * now. So nothing that is read on the way is believed, not even that it names RAM: reads may fail. Only
 * the last step is checked, or its answer is only a hint.
 */
#include "machine/guest_access.h"
#include "paging/page_type.h"

static uint64_t slot(uint64_t va, unsigned level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/* The frame of the L1 table for va; MFN_NONE if a level is missing. rights: all levels' joined. */
static inline mfn_t walk_to_l1(mfn_t root, uint64_t va, uint64_t *rights)
{
    const struct direct_map map = direct_map_in_registers();
    uint64_t table = root.v << PAGE_SHIFT, all = PTE_WRITE, any = 0, entry;

#pragma GCC unroll 3
    for (unsigned level = 4; level > 1; level--) {
        if (unlikely(!direct_map_read(map, table + slot(va, level) * 8, &entry) || !(entry & PTE_PRESENT)))
            return MFN_NONE;
        table = entry & PTE_ADDRESS;
        all &= entry;
        any |= entry;
    }
    *rights = (all & PTE_WRITE) | (any & PTE_NX);
    return mfn_of_maddr(table);
}

HOT uint64_t *l1_table_find(struct domain *d, mfn_t root, uint64_t va)
{
    uint64_t rights;
    mfn_t m = walk_to_l1(root, va, &rights);

    /* MFN_NONE is above all frames, and a hole is nobody's. */
    if (unlikely(m.v >= max_mfn || !page_type_get_existing(frame_at(m), TYPE_L1, d->id)))
        return NULL;
    return mfn_to_virt(m);
}

uint64_t guest_walk(mfn_t root, uint64_t va)
{
    uint64_t rights, entry;
    mfn_t m = walk_to_l1(root, va, &rights);
    uint64_t maddr = (m.v << PAGE_SHIFT) + slot(va, 1) * 8;

    if (m.v == MFN_NONE.v || !direct_map_read(direct_map_in_registers(), maddr, &entry) ||
        !(entry & PTE_PRESENT))
        return 0;
    if (!(rights & PTE_WRITE))
        entry &= ~PTE_WRITE;
    return entry | (rights & PTE_NX);
}
