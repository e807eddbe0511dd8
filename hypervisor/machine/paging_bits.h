/* SPDX-License-Identifier: MIT */
/* Bits of page-table entries, and the window onto all of RAM through which tables are read. */
#ifndef MACHINE_PAGING_BITS_H
#define MACHINE_PAGING_BITS_H

#include "lib/types.h"
#include "machine/layout.h"

#define PTE_PRESENT  0x001UL
#define PTE_WRITE    0x002UL
#define PTE_USER     0x004UL
#define PTE_PWT      0x008UL
#define PTE_PCD      0x010UL
#define PTE_ACCESSED 0x020UL
#define PTE_DIRTY    0x040UL
#define PTE_LARGE    0x080UL /* L2, L3 */
#define PTE_PAT      0x080UL /* L1 */
#define PTE_GLOBAL   0x100UL
#define PTE_AVAIL    0xe00UL
#define PTE_GUEST_KERNEL (1UL << 52) /* the guest did not ask for US: its kernel's mapping (ABI) */
#define PTE_AVAIL_HIGH   0x7ff0000000000000UL
#define PTE_NX           (1UL << 63)
#define PTE_ADDRESS      0x000ffffffffff000UL

#define ENTRIES_PER_TABLE 512U

static inline void *maddr_to_virt(uint64_t maddr)
{
    return (void *)(DIRECT_MAP_BASE + maddr);
}

static inline void *mfn_to_virt(mfn_t m)
{
    return maddr_to_virt(m.v << PAGE_SHIFT);
}

/* Of an address in the direct map. */
static inline mfn_t virt_to_mfn(const void *p)
{
    return mfn((uint64_t)((uintptr_t)p - DIRECT_MAP_BASE) >> PAGE_SHIFT);
}

static inline mfn_t pte_mfn(uint64_t pte)
{
    return mfn((pte & PTE_ADDRESS) >> PAGE_SHIFT);
}

#endif
