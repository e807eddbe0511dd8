/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables: one root of ours, whose sixteen upper entries every guest's root
 * repeats. The tables below them are shared by all, so that a mapping made once is seen everywhere.
 */
#include "lib/check.h"
#include "lib/string.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "machine/registers.h"

#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)
#define LARGE_SIZE  (1UL << 21)

static uint64_t root; /* machine address of our L4 */

static unsigned slot(uint64_t va, unsigned level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/* The entry of va in the table of that level; makes the tables above it if allowed to. */
static uint64_t *entry_of(uint64_t va, unsigned level, bool guest, bool make)
{
    uint64_t *table = maddr_to_virt(root);

    for (unsigned l = 4; l > level; l--) {
        uint64_t *entry = &table[slot(va, l)];
        if (!(*entry & PTE_PRESENT)) {
            uint64_t page = make ? machine_page_alloc() : 0;
            if (!page)
                return NULL;
            *entry = page | TABLE_FLAGS | (guest ? PTE_USER : 0);
        }
        ASSERT(!(*entry & PTE_LARGE));
        table = maddr_to_virt(*entry & PTE_ADDRESS);
    }
    return &table[slot(va, level)];
}

static uint64_t entry_flags(unsigned flags)
{
    uint64_t bits = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;

    if (flags & MAP_WRITE)
        bits |= PTE_WRITE;
    if (!(flags & MAP_EXEC))
        bits |= PTE_NX;
    if (flags & MAP_GUEST)
        bits |= PTE_USER;
    else if (!(flags & MAP_LOCAL))
        bits |= PTE_GLOBAL;
    if (flags & MAP_UNCACHED)
        bits |= PTE_PCD | PTE_PWT;
    return bits;
}

bool hypervisor_map(uint64_t va, uint64_t maddr, uint64_t bytes, unsigned flags)
{
    while (bytes) {
        bool large = !(va % LARGE_SIZE) && !(maddr % LARGE_SIZE) && bytes >= LARGE_SIZE;
        uint64_t step = large ? LARGE_SIZE : PAGE_SIZE;
        uint64_t *entry = entry_of(va, large ? 2 : 1, flags & MAP_GUEST, true);
        if (!entry)
            return false;
        *entry = maddr | entry_flags(flags) | (large ? PTE_LARGE : 0);
        va += step;
        maddr += step;
        bytes -= MIN(step, bytes);
    }
    return true;
}

uint64_t *hypervisor_pte(uint64_t va)
{
    return entry_of(va, 1, false, false);
}

void hypervisor_tables_create(void)
{
    root = machine_page_alloc();
    if (!root)
        panic("not enough memory for page tables: give the machine more");
    /* All sixteen L3 tables exist from the start: roots copy the entries once. */
    for (uint64_t s = 0; s < HYPERVISOR_SLOTS; s++)
        entry_of(HYPERVISOR_START + (s << 39), 3, s == 0, true);
}

mfn_t root_of_hypervisor(void)
{
    return mfn_of_maddr(root);
}

const uint64_t *root_hypervisor_entries(void)
{
    return (uint64_t *)maddr_to_virt(root) + HYPERVISOR_SLOT_FIRST;
}
