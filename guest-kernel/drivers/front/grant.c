/* SPDX-License-Identifier: MIT */
/*
 * Our grant table: version 1, one frame of it.
 *
 * ABI: GNTTABOP_setup_table, <xen/grant_table.h>
 */
#include <xen/grant_table.h>

#include "arch/pv/page_table.h"
#include "drivers/front/grant.h"
#include "kernel/panic.h"

#define TABLE_VA 0xffffc9c000000000UL
#define NR_REFS  (PAGE_SIZE / sizeof(grant_entry_v1_t))

static grant_entry_v1_t *table; /* NULL: not mapped yet */
static bool used[NR_REFS];

static void table_open(void)
{
    xen_pfn_t frame;
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

    set_xen_guest_handle(setup.frame_list, &frame);
    if (hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1) != 0 || setup.status != GNTST_okay)
        panic("there is no grant table: %d", setup.status);
    if (pte_get(TABLE_VA) == NULL ||
        pte_set(pte_get(TABLE_VA), pte_make(frame, PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)) != 0)
        panic("the grant table cannot be mapped");
    table = (grant_entry_v1_t *)TABLE_VA;
}

long grant_give(domid_t domid, const void *page, bool readonly)
{
    uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES;

    if (table == NULL)
        table_open();
    while (ref < NR_REFS && used[ref])
        ref++;
    if (ref == NR_REFS)
        return -1;
    used[ref] = true;
    table[ref].domid = domid;
    table[ref].frame = (uint32_t)address_to_mfn(page);
    /* The flags make it valid: nothing of it may come after them. */
    __atomic_store_n(&table[ref].flags, (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
                     __ATOMIC_RELEASE);
    return ref;
}

bool grant_end(uint32_t ref)
{
    uint16_t flags = __atomic_load_n(&table[ref].flags, __ATOMIC_ACQUIRE);

    do {
        if (flags & (GTF_reading | GTF_writing))
            return false;
    } while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    used[ref] = false;
    return true;
}
