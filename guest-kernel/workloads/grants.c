/* SPDX-License-Identifier: MIT */
/*
 * Promise: a granted frame can be mapped and copied by whom it was granted to, as it was granted, and by nobody
 * else; the entry says for how long.
 *
 * A domain grants to itself here, which the ABI allows; in dom0 a tiny guest grants to it as well.
 *
 * ABI: <xen/grant_table.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/list.h"
#include "workloads/tiny_guest.h"
#include "workloads/ports.h"
#include "workloads/window.h"

#include <xen/grant_table.h>

#define TABLE_VA   0xffffcc0000000000UL
#define TABLE_REF  8 /* lower ones have names */
#define NR_REFS    64

static volatile grant_entry_v1_t *table;
static domid_t self;

static bool table_open(void)
{
    xen_pfn_t frames[1];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

    set_xen_guest_handle(setup.frame_list, frames);
    if (!CHECK_EQ(hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0) || !CHECK_EQ(setup.status, GNTST_okay))
        return false;
    self = port_own_domid();
    table = (volatile grant_entry_v1_t *)TABLE_VA;
    uint64_t *pte = pte_get(TABLE_VA);
    return CHECK(pte != NULL) && CHECK_EQ(pte_set(pte, pte_make(frames[0], MAPPED_RW | PTE_NX)), 0);
}

static void table_close(void)
{
    CHECK_EQ(pte_set(pte_get(TABLE_VA), 0), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_ALL, 0);
}

static void grant(unsigned ref, domid_t to, unsigned long mfn, uint16_t flags)
{
    table[ref].domid = to;
    table[ref].frame = (uint32_t)mfn;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    table[ref].flags = flags;
}

static int map(domid_t granter, unsigned ref, unsigned index, unsigned flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref op = { .host_addr = window_va(index), .flags = flags, .ref = ref, .dom = granter };

    if (flags & GNTMAP_contains_pte)
        op.host_addr = pte_maddr(&window_l1[index]);
    if (!CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0))
        return -1000;
    *handle = op.handle;
    if (op.status == GNTST_okay)
        CHECK_EQ(op.dev_bus_addr & (PAGE_SIZE - 1), 0);
    return op.status;
}

static int unmap(unsigned index, grant_handle_t handle, unsigned flags, uint64_t device)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = window_va(index), .dev_bus_addr = device, .handle = handle };

    if (flags & GNTMAP_contains_pte)
        op.host_addr = pte_maddr(&window_l1[index]);
    if (!(flags & GNTMAP_host_map))
        op.host_addr = 0;
    if (!CHECK_EQ(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0))
        return -1000;
    return op.status;
}

static void about_the_table(void)
{
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    struct gnttab_get_version version = { .dom = DOMID_SELF };
    struct gnttab_set_version set = { .version = 1 };

    check_context("the table");
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_EQ(size.status, GNTST_okay);
    CHECK(size.nr_frames >= 1 && size.nr_frames <= size.max_nr_frames);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_query_size, &size, 2), -XEN_EINVAL);
    size.dom = 0x7abc;
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_EQ(size.status, GNTST_bad_domain);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_get_version, &version, 1), 0);
    CHECK_EQ(version.version, 1);
    set.version = 3;
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
    CHECK_EQ(hypercall_grant_table_op(99, &set, 1), -XEN_ENOSYS);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &set, 0), 0);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, (void *)HYPERVISOR_VIRT_START, 1), -XEN_EFAULT);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, (void *)0x1000, 1), -XEN_EFAULT);
}

/* By address and by the entry's own place, to read and to write, with the flags that the granter sees. */
static void maps_as_granted(unsigned flags)
{
    grant_handle_t handle;
    unsigned in_use = GTF_reading | (flags & GNTMAP_readonly ? 0 : GTF_writing);
    volatile uint64_t *seen = (volatile uint64_t *)window_va(2);

    check_context("flags %x", flags);
    grant(TABLE_REF, self, address_to_mfn(window_frames[1]),
          GTF_permit_access | (flags & GNTMAP_readonly ? GTF_readonly : 0));
    if (!CHECK_EQ(map(self, TABLE_REF, 2, flags, &handle), GNTST_okay))
        return;
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), in_use);
    CHECK_EQ(pte_mfn(window_l1[2]), address_to_mfn(window_frames[1]));
    CHECK_EQ(!!(window_l1[2] & PTE_RW), !(flags & GNTMAP_readonly));
    CHECK_EQ(seen[0], window_frames[1][0]);
    if (!(flags & GNTMAP_readonly)) {
        seen[5] = 0x5555;
        CHECK_EQ(window_frames[1][5], 0x5555);
    }
    CHECK_EQ(unmap(2, handle, flags | GNTMAP_host_map, 0), GNTST_okay);
    if (flags & GNTMAP_device_map) {
        CHECK_EQ(table[TABLE_REF].flags & GTF_reading, GTF_reading); /* the device still has it */
        CHECK_EQ(unmap(2, handle, 0, (uint64_t)address_to_mfn(window_frames[3]) << PAGE_SHIFT),
                 GNTST_bad_dev_addr);
        CHECK_EQ(unmap(2, handle, 0, (uint64_t)address_to_mfn(window_frames[1]) << PAGE_SHIFT), GNTST_okay);
    }
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), 0);
    CHECK_EQ(window_l1[2], 0);
    CHECK_EQ(unmap(2, handle, GNTMAP_host_map, 0), GNTST_bad_handle);
    table[TABLE_REF].flags = 0;
}

/* Several mappings of one grant: the last one to go ends it. */
static void uses_are_counted(void)
{
    grant_handle_t readers[3], writer;

    check_context("several uses");
    grant(TABLE_REF, self, address_to_mfn(window_frames[1]), GTF_permit_access);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(map(self, TABLE_REF, i, GNTMAP_host_map | GNTMAP_readonly, &readers[i]), GNTST_okay);
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), GTF_reading);
    CHECK_EQ(map(self, TABLE_REF, 3, GNTMAP_host_map, &writer), GNTST_okay);
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
    CHECK_EQ(unmap(0, readers[0], GNTMAP_host_map, 0), GNTST_okay);
    CHECK_EQ(unmap(3, writer, GNTMAP_host_map, 0), GNTST_okay);
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), GTF_reading);
    CHECK_EQ(unmap(2, readers[1], GNTMAP_host_map, 0), GNTST_okay); /* any of its entries will do */
    CHECK_EQ(unmap(1, readers[2], GNTMAP_host_map, 0), GNTST_okay);
    CHECK_EQ(table[TABLE_REF].flags & (GTF_reading | GTF_writing), 0);
    table[TABLE_REF].flags = 0;
}

static void refused(void)
{
    grant_handle_t handle;
    uint64_t *l1_page = fresh_table();
    struct {
        domid_t dom;
        unsigned ref, flags;
        uint16_t entry;
        unsigned long mfn;
        int status;
    } rows[] = {
        { self, TABLE_REF, GNTMAP_host_map, GTF_invalid, 0, GNTST_general_error },
        { self, TABLE_REF, GNTMAP_host_map, GTF_accept_transfer, 0, GNTST_general_error },
        { self, TABLE_REF, GNTMAP_host_map, GTF_permit_access | GTF_readonly, 0, GNTST_general_error },
        { self, TABLE_REF, 0, GTF_permit_access, 0, GNTST_bad_gntref },
        { 0x7abc, TABLE_REF, GNTMAP_host_map, GTF_permit_access, 0, GNTST_bad_domain },
        { self, 0x7fffffff, GNTMAP_host_map, GTF_permit_access, 0, GNTST_bad_gntref },
        { self, TABLE_REF, GNTMAP_host_map, GTF_permit_access, 0xfffffff0UL, GNTST_bad_page },
        { self, TABLE_REF, GNTMAP_host_map, GTF_permit_access, address_to_mfn(kernel_l4), GNTST_general_error },
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_context("refused %u", i);
        grant(TABLE_REF, self, rows[i].mfn ? rows[i].mfn : address_to_mfn(window_frames[1]), rows[i].entry);
        CHECK_EQ(map(rows[i].dom, rows[i].ref, 2, rows[i].flags, &handle), rows[i].status);
        CHECK_EQ(window_l1[2], 0);
        CHECK_EQ(table[TABLE_REF].flags, rows[i].entry);
    }
    check_context("granted to another");
    grant(TABLE_REF, 0x7abc, address_to_mfn(window_frames[1]), GTF_permit_access);
    CHECK_EQ(map(self, TABLE_REF, 2, GNTMAP_host_map, &handle), GNTST_general_error);
    check_context("a handle that is none");
    CHECK_EQ(unmap(2, 0x7fffffff, GNTMAP_host_map, 0), GNTST_bad_handle);
    check_context("a table may be read");
    if (l1_page != NULL && CHECK_EQ(page_pin(l1_page, 1), 0)) {
        grant(TABLE_REF, self, address_to_mfn(l1_page), GTF_permit_access);
        CHECK_EQ(map(self, TABLE_REF, 2, GNTMAP_host_map, &handle), GNTST_general_error);
        CHECK_EQ(map(self, TABLE_REF, 2, GNTMAP_host_map | GNTMAP_readonly, &handle), GNTST_okay);
        CHECK_EQ(unmap(2, handle, GNTMAP_host_map, 0), GNTST_okay);
        CHECK_EQ(page_unpin(l1_page), 0);
        free_table(l1_page);
    }
    check_context("not where it is mapped");
    grant(TABLE_REF, self, address_to_mfn(window_frames[1]), GTF_permit_access);
    CHECK_EQ(map(self, TABLE_REF, 2, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK(unmap(4, handle, GNTMAP_host_map, 0) < 0);
    CHECK_EQ(table[TABLE_REF].flags & GTF_reading, GTF_reading);
    CHECK_EQ(unmap(2, handle, GNTMAP_host_map, 0), GNTST_okay);
    table[TABLE_REF].flags = 0;
}

static int copy(const struct gnttab_copy *what)
{
    struct gnttab_copy op = *what;

    return CHECK_EQ(hypercall_grant_table_op(GNTTABOP_copy, &op, 1), 0) ? op.status : -1000;
}

static void copies(void)
{
    unsigned long from = address_to_mfn(window_frames[1]), to = address_to_mfn(window_frames[2]);
    struct gnttab_copy op = { .source = { .u.ref = TABLE_REF, .domid = self, .offset = 8 },
                              .dest = { .u.gmfn = to, .domid = DOMID_SELF, .offset = 17 },
                              .len = 100,
                              .flags = GNTCOPY_source_gref };

    check_context("copy");
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        window_frames[1][i] = 0x1111111111111111UL * (i % 15 + 1);
    memset(window_frames[2], 0, PAGE_SIZE);
    grant(TABLE_REF, self, from, GTF_permit_access | GTF_readonly);
    grant(TABLE_REF + 1, self, to, GTF_permit_access);
    CHECK_EQ(copy(&op), GNTST_okay);
    CHECK_EQ(memcmp((char *)window_frames[2] + 17, (char *)window_frames[1] + 8, 100), 0);
    CHECK_EQ(((uint8_t *)window_frames[2])[16] | ((uint8_t *)window_frames[2])[117], 0);
    op = (struct gnttab_copy){ .source = { .u.gmfn = from, .domid = DOMID_SELF },
                               .dest = { .u.ref = TABLE_REF + 1, .domid = self },
                               .len = PAGE_SIZE,
                               .flags = GNTCOPY_dest_gref };
    CHECK_EQ(copy(&op), GNTST_okay);
    CHECK_EQ(memcmp(window_frames[2], window_frames[1], PAGE_SIZE), 0);
    CHECK_EQ((table[TABLE_REF].flags | table[TABLE_REF + 1].flags) & (GTF_reading | GTF_writing), 0);
    op.dest.offset = 1;
    CHECK_EQ(copy(&op), GNTST_bad_copy_arg);
    op.dest.offset = 0;
    op.dest.u.ref = TABLE_REF; /* to be read only */
    CHECK_EQ(copy(&op), GNTST_general_error);
    op.dest.u.ref = TABLE_REF + 2; /* nothing */
    CHECK_EQ(copy(&op), GNTST_general_error);
    op.dest.u.ref = 0x7fffffff;
    CHECK_EQ(copy(&op), GNTST_bad_gntref);
    op.flags = 0;
    op.dest = (struct gnttab_copy_ptr){ .u.gmfn = to, .domid = 0x7abc };
    CHECK_EQ(copy(&op), GNTST_bad_domain);
    op.dest.domid = self; /* by its number: not said to be oneself */
    CHECK_EQ(copy(&op), GNTST_permission_denied);
    op.dest = (struct gnttab_copy_ptr){ .u.gmfn = address_to_mfn(kernel_l4), .domid = DOMID_SELF };
    CHECK(copy(&op) < 0);
    table[TABLE_REF].flags = table[TABLE_REF + 1].flags = 0;
}

/* Many at once, in one call each way. */
static void batches(void)
{
    static struct gnttab_map_grant_ref maps[NR_REFS];
    static struct gnttab_unmap_grant_ref unmaps[NR_REFS];

    check_context("batch");
    for (unsigned i = 0; i < NR_REFS; i++) {
        grant(TABLE_REF + i, self, address_to_mfn(window_frames[i % WINDOW_FRAMES]), GTF_permit_access);
        maps[i] = (struct gnttab_map_grant_ref){ .host_addr = window_va(i), .flags = GNTMAP_host_map,
                                                 .ref = TABLE_REF + i, .dom = self };
    }
    table[TABLE_REF + 20].flags = 0; /* one that fails does not stop the others */
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, maps, NR_REFS), 0);
    for (unsigned i = 0; i < NR_REFS; i++) {
        CHECK_EQ(maps[i].status, i == 20 ? GNTST_general_error : GNTST_okay);
        if (i != 20)
            CHECK_EQ(*(volatile uint64_t *)window_va(i), window_frames[i % WINDOW_FRAMES][0]);
        unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = window_va(i), .handle = maps[i].handle };
    }
    unmaps[20].handle = 0x7fffffff;
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, NR_REFS), 0);
    for (unsigned i = 0; i < NR_REFS; i++) {
        CHECK_EQ(unmaps[i].status, i == 20 ? GNTST_bad_handle : GNTST_okay);
        CHECK_EQ(table[TABLE_REF + i].flags & (GTF_reading | GTF_writing), 0);
        table[TABLE_REF + i].flags = 0;
    }
}

/* The guest's entry names us: its builder wrote it. It dies while we use the frame. */
static void granter_dies(void)
{
    struct tiny t;
    xen_pfn_t frame;
    grant_handle_t handle;
    struct xen_domctl_getdomaininfo info;
    uint64_t *pte = pte_get(TABLE_VA + PAGE_SIZE);
    volatile grant_entry_v1_t *theirs = (volatile grant_entry_v1_t *)(TABLE_VA + PAGE_SIZE);

    check_context("granter dies");
    if (!CHECK(pte != NULL) || !tiny_create(&t, TINY_BLOCK))
        return;
    if (CHECK_EQ(control_grant_frames(t.id, 0, 1, &frame), 0) &&
        CHECK_EQ(control_map_foreign(pte, t.id, frame, true), 0)) {
        theirs[1].domid = self;
        theirs[1].frame = (uint32_t)t.frames[TINY_SPARE];
        theirs[1].flags = GTF_permit_access;
        CHECK_EQ(map(t.id, 1, 2, GNTMAP_host_map, &handle), GNTST_okay);
        CHECK_EQ(theirs[1].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
        *(volatile uint64_t *)window_va(2) = 77;
        CHECK_EQ(control_destroy(t.id), 0);
        CHECK_EQ(control_info(t.id, &info), 0); /* it cannot go yet */
        CHECK_EQ(*(volatile uint64_t *)window_va(2), 77);
        CHECK_EQ(unmap(2, handle, GNTMAP_host_map, 0), GNTST_okay);
        CHECK_EQ(control_unmap_foreign(pte), 0);
        for (unsigned i = 0; i < 1000 && control_info(t.id, &info) == 0; i++) {
            struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + 1000000 };
            hypercall_sched_op(SCHEDOP_poll, &poll);
        }
        CHECK_EQ(control_info(t.id, &info), -XEN_ESRCH);
        return;
    }
    tiny_destroy(&t);
}

void workload_grants(void)
{
    static const unsigned kinds[] = {
        GNTMAP_host_map,
        GNTMAP_host_map | GNTMAP_readonly,
        GNTMAP_host_map | GNTMAP_contains_pte,
        GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
        GNTMAP_host_map | GNTMAP_device_map,
        GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly,
    };

    if (!window_open())
        return;
    if (table_open()) {
        about_the_table();
        for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
            maps_as_granted(kinds[i]);
        uses_are_counted();
        refused();
        copies();
        batches();
        if (start_info->flags & SIF_INITDOMAIN)
            granter_dies();
        table_close();
    }
    window_close();
}
