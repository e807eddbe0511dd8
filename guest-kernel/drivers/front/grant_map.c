/* SPDX-License-Identifier: MIT */
/*
 * Mapping pages that guests granted: each at a slot of a range of addresses that is used for nothing
 * else.
 *
 * ABI: GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, <xen/grant_table.h>
 */
#include <xen/grant_table.h>

#include "arch/pv/page_table.h"
#include "drivers/front/grant.h"
#include "kernel/panic.h"

#define SLOTS_START 0xffffc98000000000UL
#define NR_SLOTS    4096u

static bool used[NR_SLOTS];

static unsigned long slot_take(void)
{
    for (unsigned i = 0; i < NR_SLOTS; i++) {
        unsigned long va = SLOTS_START + i * PAGE_SIZE;

        if (used[i])
            continue;
        if (pte_get(va) == NULL)
            return 0;
        used[i] = true;
        return va;
    }
    return 0;
}

static void slot_give(unsigned long va)
{
    used[(va - SLOTS_START) / PAGE_SIZE] = false;
}

unsigned granted_count(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < NR_SLOTS; i++)
        count += used[i];
    return count;
}

void *granted_map(domid_t domid, uint32_t ref, uint32_t *handle)
{
    unsigned long va = slot_take();
    struct gnttab_map_grant_ref map = {
        .host_addr = va, .flags = GNTMAP_host_map, .ref = ref, .dom = domid
    };

    if (va == 0)
        return NULL;
    if (hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1) != 0 || map.status != GNTST_okay) {
        slot_give(va);
        return NULL;
    }
    *handle = map.handle;
    return (void *)va;
}

void granted_unmap(void *page, uint32_t handle)
{
    struct gnttab_unmap_grant_ref unmap = { .host_addr = (unsigned long)page, .handle = handle };

    if (hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1) != 0 ||
        unmap.status != GNTST_okay)
        panic("unmapping a granted page was refused: %d", unmap.status);
    slot_give((unsigned long)page);
}
