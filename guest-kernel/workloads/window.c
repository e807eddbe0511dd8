/* SPDX-License-Identifier: MIT */
/*
 * A piece of the kernel's address space with an L1 table of its own.
 */
#include "workloads/window.h"
#include "kernel/page_alloc.h"
#include "kernel/string.h"

#define FRAME_MAGIC 0xf0a0e00000000000UL

uint64_t *window_l1;
uint64_t *window_frames[WINDOW_FRAMES];

bool window_open(void)
{
    window_l1 = pte_get(WINDOW_VA);
    if (!CHECK(window_l1 != NULL))
        return false;
    for (unsigned i = 0; i < WINDOW_FRAMES; i++) {
        if (window_frames[i] == NULL)
            window_frames[i] = page_alloc();
        memset(window_frames[i], 0, PAGE_SIZE);
        window_frames[i][0] = FRAME_MAGIC + i;
    }
    return true;
}

void window_close(void)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        if (window_l1[i] != 0)
            CHECK_EQ(pte_set(&window_l1[i], 0), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

uint64_t window_pte(unsigned frame, uint64_t flags)
{
    return pte_make(address_to_mfn(window_frames[frame]), flags);
}

uint64_t pte_as_stored(uint64_t value)
{
    if (!(value & PTE_P))
        return value;
    if (!(value & PTE_US))
        value |= PTE_US | PTE_GUEST_KERNEL;
    if (!(value & PTE_GUEST_KERNEL))
        value |= PTE_G;
    return value;
}

void table_snapshot(const uint64_t *table, uint64_t *copy)
{
    memcpy(copy, table, PAGE_SIZE);
}

bool table_unchanged(const uint64_t *table, const uint64_t *copy)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        if (pte_without_ad(table[i]) != pte_without_ad(copy[i]))
            return false;
    return true;
}

uint64_t *fresh_table(void)
{
    uint64_t *table = page_alloc();

    if (table == NULL)
        return NULL;
    memset(table, 0, PAGE_SIZE);
    return CHECK_EQ(page_set_readonly(table), 0) ? table : NULL;
}

void free_table(uint64_t *table)
{
    if (CHECK_EQ(page_set_writable(table), 0))
        page_free(table);
}
