/* SPDX-License-Identifier: MIT */
/*
 * Floods of grants. Whole tables are written to by hand; what is granted is mostly nonsense.
 *
 * ABI: GNTTABOP_*, <xen/grant_table.h>
 */
#include <xen/grant_table.h>

#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "workloads/flood.h"

#define TABLE_VA  0xffffc9c000000000UL /* where the driver of grants has it as well */
#define MAPPED_VA 0xffffc98000000000UL
#define NR_FRAMES 4u
#define NR_REFS   (NR_FRAMES * PAGE_SIZE / sizeof(grant_entry_v1_t))
#define FIRST_REF GNTTAB_NR_RESERVED_ENTRIES

static grant_entry_v1_t *const table = (grant_entry_v1_t *)TABLE_VA;

static void open_table(void)
{
    xen_pfn_t frames[NR_FRAMES];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = NR_FRAMES };

    set_xen_guest_handle(setup.frame_list, frames);
    if (hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1) != 0 || setup.status != GNTST_okay)
        panic("there is no grant table: %d", setup.status);
    for (unsigned i = 0; i < NR_FRAMES; i++)
        if (pte_set(pte_get(TABLE_VA + i * PAGE_SIZE),
                    pte_make(frames[i], PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)) != 0)
            panic("the grant table cannot be mapped");
}

static void open_once(void)
{
    static bool is_open;

    if (!is_open)
        open_table();
    is_open = true;
}

/* Half of them are ours and can be had; the others anything: frames of others, page tables, flags that mean nothing. */
static void write_entry(uint32_t ref)
{
    static void *page;

    if (page == NULL)
        page = page_alloc();
    table[ref].domid = (domid_t)(flood_random() % 4 != 0 ? 0 : flood_random());
    if (flood_random() % 2)
        table[ref].frame = (uint32_t)address_to_mfn(page);
    else
        table[ref].frame = (uint32_t)(flood_random() % 2 ? address_to_mfn(kernel_l4) : flood_random() % (1UL << 20));
    table[ref].flags = (uint16_t)flood_random();
}

static void write_table(void)
{
    open_once();
    for (uint32_t ref = FIRST_REF; ref < NR_REFS; ref++)
        write_entry(ref);
}

static void map_and_unmap(void)
{
    open_once();
    for (unsigned i = 0; i < 200; i++) {
        uint32_t ref = FIRST_REF + (uint32_t)(flood_random() % (NR_REFS - FIRST_REF));
        struct gnttab_map_grant_ref map = {
            .host_addr = MAPPED_VA, .flags = GNTMAP_host_map, .ref = ref,
            .dom = (domid_t)(flood_random() % 2 ? DOMID_SELF : flood_random() % 16)
        };
        struct gnttab_unmap_grant_ref unmap = { .host_addr = MAPPED_VA };

        pte_get(MAPPED_VA);
        write_entry(ref);
        hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
        unmap.handle = map.status == GNTST_okay ? map.handle : (uint32_t)flood_random();
        hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
    }
}

static void copy(void)
{
    static void *page;

    open_once();
    if (page == NULL)
        page = page_alloc();
    for (unsigned i = 0; i < 200; i++) {
        struct gnttab_copy one = { .len = (uint16_t)(flood_random() % 5000), .flags = GNTCOPY_source_gref };

        one.source.domid = (domid_t)(flood_random() % 2 ? DOMID_SELF : flood_random() % 16);
        one.source.u.ref = FIRST_REF + (uint32_t)(flood_random() % NR_REFS);
        one.dest.domid = DOMID_SELF;
        one.dest.u.gmfn = address_to_mfn(page);
        write_entry(FIRST_REF);
        hypercall_grant_table_op(GNTTABOP_copy, &one, 1);
    }
}

static void setup(void)
{
    static xen_pfn_t frames[1024];
    struct gnttab_setup_table one = { .dom = DOMID_SELF };

    set_xen_guest_handle(one.frame_list, frames);
    for (unsigned i = 0; i < 100; i++) {
        one.nr_frames = (uint32_t)(flood_random() % 1024);
        one.dom = (domid_t)(flood_random() % 2 ? DOMID_SELF : flood_random() % 16);
        hypercall_grant_table_op(GNTTABOP_setup_table, &one, 1);
    }
}

const struct flood floods_of_grants[] = {
    { "grants-table", write_table }, { "grants-map", map_and_unmap }, { "grants-copy", copy },
    { "grants-setup", setup },       { NULL },
};
