/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of grants: dom0 grants its own page to itself.
 */
#include <xen/grant_table.h>

#include "arch/pv/page_table.h"
#include "bench/bench.h"
#include "kernel/page_alloc.h"
#include "kernel/string.h"

#define MAP_VA    0xffffcd0000000000UL
#define TABLE_VA  0xffffcd4000000000UL
#define FRAMES    20U
#define PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define FIRST_REF 8U
#define LIVE      10000U
#define MANY      64U

static volatile grant_entry_v1_t *table;
static void *page, *other;
static struct gnttab_map_grant_ref maps[MANY], live[MANY];
static struct gnttab_unmap_grant_ref unmaps[MANY];
static struct gnttab_copy copies[MANY];
static grant_handle_t live_handles[LIVE];

static long grant_op(unsigned cmd, void *ops, unsigned count)
{
    return HYPERCALL_STUB(__HYPERVISOR_grant_table_op, cmd, ops, count, 0, 0);
}

static bool table_open(unsigned frames)
{
    static xen_pfn_t mfns[FRAMES];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = frames };

    set_xen_guest_handle(setup.frame_list, mfns);
    if (grant_op(GNTTABOP_setup_table, &setup, 1) != 0 || setup.status != GNTST_okay)
        return false;
    for (unsigned i = 0; i < frames; i++) {
        uint64_t *pte = pte_get(TABLE_VA + i * PAGE_SIZE);
        if (pte == NULL || pte_set(pte, pte_make(mfns[i], PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)) != 0)
            return false;
    }
    table = (volatile grant_entry_v1_t *)TABLE_VA;
    for (unsigned i = FIRST_REF; i < frames * PER_FRAME; i++) {
        table[i].domid = 0;
        table[i].frame = (uint32_t)address_to_mfn(page);
        table[i].flags = GTF_permit_access;
    }
    return true;
}

static bool few_setup(void)
{
    page = page_alloc();
    other = page_alloc();
    if (page == NULL || other == NULL || !table_open(1) || pte_get(MAP_VA) == NULL)
        return false;
    for (unsigned i = 0; i < MANY; i++) {
        maps[i] = (struct gnttab_map_grant_ref){ .host_addr = MAP_VA + i * PAGE_SIZE,
                                                 .flags = GNTMAP_host_map, .ref = FIRST_REF + i };
        copies[i] = (struct gnttab_copy){ .source = { .u.ref = FIRST_REF + i },
                                          .dest = { .u.gmfn = address_to_mfn(other), .domid = DOMID_SELF },
                                          .len = PAGE_SIZE,
                                          .flags = GNTCOPY_source_gref };
    }
    return true;
}

static void few_teardown(void)
{
    unsigned frames = 1;

    while (frames < FRAMES && *pte_get(TABLE_VA + frames * PAGE_SIZE) != 0)
        frames++;
    for (unsigned i = FIRST_REF; i < frames * PER_FRAME; i++)
        table[i].flags = 0;
    for (unsigned i = 0; i < frames; i++)
        pte_set(pte_get(TABLE_VA + i * PAGE_SIZE), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_ALL, 0);
    page_free(page);
    page_free(other);
}

/* The live ones need no address: they are a device's. */
static bool many_setup(void)
{
    if (!few_setup() || !table_open(FRAMES))
        return false;
    for (unsigned i = 0; i < LIVE;) {
        unsigned n = 0;
        for (; n < MANY && i + n < LIVE; n++)
            live[n] = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map,
                                                     .ref = FIRST_REF + MANY + i + n };
        if (grant_op(GNTTABOP_map_grant_ref, live, n) != 0)
            return false;
        for (unsigned j = 0; j < n; j++, i++) {
            if (live[j].status != GNTST_okay)
                return false;
            live_handles[i] = live[j].handle;
        }
    }
    return true;
}

static void many_teardown(void)
{
    for (unsigned i = 0; i < LIVE; i++) {
        struct gnttab_unmap_grant_ref one = { .dev_bus_addr = (uint64_t)address_to_mfn(page) << PAGE_SHIFT,
                                              .handle = live_handles[i] };
        grant_op(GNTTABOP_unmap_grant_ref, &one, 1);
    }
    few_teardown();
}

static uint64_t map_and_unmap(unsigned rounds, unsigned batch, bool time_map)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < rounds; i++) {
        uint64_t begun = time_map ? bench_begin() : 0;

        grant_op(GNTTABOP_map_grant_ref, maps, batch);
        if (time_map)
            total += bench_end(begun);
        for (unsigned j = 0; j < batch; j++)
            unmaps[j] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[j].host_addr,
                                                         .handle = maps[j].handle };
        if (!time_map)
            begun = bench_begin();
        grant_op(GNTTABOP_unmap_grant_ref, unmaps, batch);
        if (!time_map)
            total += bench_end(begun);
    }
    return total;
}

static uint64_t grant_map(unsigned rounds, unsigned batch)
{
    return map_and_unmap(rounds, batch, true);
}

static uint64_t grant_unmap(unsigned rounds, unsigned batch)
{
    return map_and_unmap(rounds, batch, false);
}

static uint64_t grant_copy(unsigned rounds, unsigned batch)
{
    BENCH_LOOP(rounds, grant_op(GNTTABOP_copy, copies, batch));
}

const struct bench_row bench_grant_rows[] = {
    { "grant-map", BATCH_EMPTY, 512, grant_map, few_setup, few_teardown },
    { "grant-unmap", BATCH_EMPTY, 512, grant_unmap, few_setup, few_teardown },
    { "grant-map-10000", BATCH_ONE, 512, grant_map, many_setup, many_teardown },
    { "grant-unmap-10000", BATCH_ONE, 512, grant_unmap, many_setup, many_teardown },
    { "grant-copy-4096", BATCH_EMPTY, 256, grant_copy, few_setup, few_teardown },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
