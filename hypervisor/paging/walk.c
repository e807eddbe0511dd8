/* SPDX-License-Identifier: MIT */
/*
 * Walking a guest's tables through the direct map.
 *
 * Another vCPU may change them as we read: a frame that we pass may have become something else by
 * now. So nothing that is read on the way is believed; only the last step is checked, or its answer is
 * only a hint.
 */
#include "paging/page_type.h"

static unsigned slot(uint64_t va, unsigned level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/* The frame of the L1 table for va; MFN_NONE if a level is missing. rights: all levels' joined. */
static inline mfn_t walk_to_l1(mfn_t root, uint64_t va, uint64_t *rights)
{
    mfn_t m = root;
    uint64_t all = PTE_WRITE, any = 0;

    for (unsigned level = 4; level > 1; level--) {
        uint64_t entry = READ_ONCE(((const uint64_t *)mfn_to_virt(m))[slot(va, level)]);
        m = pte_mfn(entry);
        if (!(entry & PTE_PRESENT) || !mfn_is_ram(m))
            return MFN_NONE;
        all &= entry;
        any |= entry;
    }
    *rights = (all & PTE_WRITE) | (any & PTE_NX);
    return m;
}

uint64_t *l1_entry_find(struct domain *d, mfn_t root, uint64_t va, struct frame **table)
{
    uint64_t rights;
    mfn_t m = walk_to_l1(root, va, &rights);

    if (m.v == MFN_NONE.v || !page_type_get_existing(frame_at(m), TYPE_L1, d->id))
        return NULL;
    *table = frame_at(m);
    return (uint64_t *)mfn_to_virt(m) + slot(va, 1);
}

uint64_t guest_walk(mfn_t root, uint64_t va)
{
    uint64_t rights;
    mfn_t m = walk_to_l1(root, va, &rights);

    if (m.v == MFN_NONE.v)
        return 0;
    uint64_t entry = READ_ONCE(((const uint64_t *)mfn_to_virt(m))[slot(va, 1)]);
    if (!(entry & PTE_PRESENT))
        return 0;
    if (!(rights & PTE_WRITE))
        entry &= ~PTE_WRITE;
    return entry | (rights & PTE_NX);
}
