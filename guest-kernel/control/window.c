/* SPDX-License-Identifier: MIT */
/*
 * A window into other domains' memory: the 2 MiB from WINDOW_BASE on, a slot a page, all in one L1 table.
 *
 * Slots are taken in one piece, lowest first. Threads of one CPU may use it, as they take turns; several
 * CPUs would need a lock.
 */
#include "control/control.h"

#include "arch/pv/page_table.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

#define WINDOW_BASE 0xffffce0000000000UL /* a part of the address space that nothing else uses */
#define SLOTS       PTES_PER_TABLE
#define BATCH       32u

static uint64_t *table; /* its L1 table, in the direct map; NULL before the first use */
static bool taken[SLOTS];

static bool all_free(unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (taken[first + i])
            return false;
    return true;
}

/* The first of COUNT free slots that follow each other; SLOTS: there are none. */
static unsigned find_slots(unsigned count)
{
    for (unsigned first = 0; count <= SLOTS && first <= SLOTS - count; first++)
        if (all_free(first, count))
            return first;
    return SLOTS;
}

static void mark_slots(unsigned first, unsigned count, bool as)
{
    for (unsigned i = 0; i < count; i++)
        taken[first + i] = as;
}

/* FRAMES at the slots from FIRST on, or, with NULL, nothing. */
static long set_entries(domid_t id, unsigned first, const xen_pfn_t *frames, unsigned count, uint64_t flags)
{
    mmu_update_t updates[BATCH];
    long error = 0;

    for (unsigned done = 0, n; done < count && error == 0; done += n) {
        n = count - done < BATCH ? count - done : BATCH;
        for (unsigned i = 0; i < n; i++) {
            updates[i].ptr = pte_maddr(&table[first + done + i]) | MMU_NORMAL_PT_UPDATE;
            updates[i].val = frames != NULL ? pte_make(frames[done + i], flags) : 0;
        }
        error = hypercall_mmu_update(updates, n, NULL, id);
    }
    return error;
}

void *control_map(domid_t id, const xen_pfn_t *frames, unsigned count, bool write)
{
    uint64_t flags = PTE_P | PTE_A | PTE_D | PTE_NX | (write ? PTE_RW : 0);
    unsigned first = find_slots(count);
    void *address = (void *)(WINDOW_BASE + first * PAGE_SIZE);

    if (table == NULL)
        table = pte_get(WINDOW_BASE);
    if (table == NULL || count == 0 || first == SLOTS)
        return NULL;
    mark_slots(first, count, true);
    if (set_entries(id, first, frames, count, flags) == 0)
        return address;
    control_unmap(address, count);
    return NULL;
}

void control_unmap(void *address, unsigned count)
{
    unsigned first = (unsigned)(((unsigned long)address - WINDOW_BASE) >> PAGE_SHIFT);

    if (set_entries(DOMID_SELF, first, NULL, count, 0) != 0)
        panic("unmapping %u pages at %p was refused", count, address);
    mmuext_plain(MMUEXT_TLB_FLUSH_ALL, 0);
    mark_slots(first, count, false);
    thread_yield(); /* who builds a large guest passes here often, and others want their turn */
}
