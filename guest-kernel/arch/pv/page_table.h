/* SPDX-License-Identifier: MIT */
/*
 * Page tables under direct paging: the tables hold machine frames, the guest sees them read-only,
 * and every change is a request.
 *
 * A table's page is an ordinary page of the direct map, read-only there for as long as it is a
 * table.
 */
#ifndef ARCH_PV_PAGE_TABLE_H
#define ARCH_PV_PAGE_TABLE_H

#include "arch/pv/pv.h"

#define PTE_P            0x001UL
#define PTE_RW           0x002UL
#define PTE_US           0x004UL
#define PTE_A            0x020UL
#define PTE_D            0x040UL
#define PTE_PS           0x080UL
#define PTE_G            0x100UL
#define PTE_AVAIL0       0x200UL
#define PTE_GUEST_KERNEL (1UL << 52) /* what Xen adds to an entry without US */
#define PTE_NX           (1UL << 63)

#define PTE_TABLE      (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_FRAME_MASK 0x000ffffffffff000UL
#define PTES_PER_TABLE 512u

/* Frames of the domain: pseudo-physical number <-> machine number <-> address in the direct map. */
unsigned long pfn_to_mfn(unsigned long pfn);
unsigned long mfn_to_pfn(unsigned long mfn); /* what the M2P says; may be anything */
unsigned long address_to_mfn(const void *address);
void *mfn_to_address(unsigned long mfn);
void p2m_set(unsigned long pfn, unsigned long mfn);

static inline unsigned long pte_mfn(uint64_t pte)
{
    return (pte & PTE_FRAME_MASK) >> PAGE_SHIFT;
}

static inline uint64_t pte_make(unsigned long mfn, uint64_t flags)
{
    return ((uint64_t)mfn << PAGE_SHIFT) | flags;
}

static inline unsigned pte_index(unsigned long va, int level)
{
    return (unsigned)(va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES_PER_TABLE - 1);
}

/* The entry of LEVEL for VA in the kernel's tables, seen in the direct map; NULL if none is there.
 */
uint64_t *pte_find(unsigned long va, int level);
/* The same below any root. */
uint64_t *pte_find_in(uint64_t *l4, unsigned long va, int level);
/* The L1 entry for VA, made with its tables if missing; NULL without memory. */
uint64_t *pte_get(unsigned long va);
/* Machine address of an entry, as mmu_update wants it. */
uint64_t pte_maddr(const uint64_t *pte);

/* One checked entry. Returns 0 or the hypercall's error. */
long pte_set(uint64_t *pte, uint64_t value);

/* Read-only or writable in the direct map. Returns 0 or the hypercall's error. */
long page_set_readonly(void *page);
long page_set_writable(void *page);

/* One mmuext operation on a frame. Returns 0 or the hypercall's error. */
long mmuext_frame(unsigned cmd, unsigned long mfn);
long mmuext_plain(unsigned cmd, unsigned long linear_addr);
/* PIN_L1..PIN_L4 of a table's page. */
long page_pin(void *page, int level);
long page_unpin(void *page);

extern uint64_t *kernel_l4; /* the root in use, in the direct map */

/* Extends the builder's mapping over all pages. Returns how many are mapped. */
unsigned long page_table_init(unsigned long *first_free, unsigned long nr_pages);

#endif
