/* SPDX-License-Identifier: MIT */
/*
 * Promise: pages can be given back and had again, and the M2P and the reservation follow. Counts
 * come short rather than fail; arguments are checked.
 *
 * ABI: <xen/memory.h>
 */
#include <xen/memory.h>

#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NO_SUCH_FRAME 0xffffffffUL
#define NR_PAGES      16
#define SECRET        0x5ec2e75ec2e75ec2UL

static long reserve(unsigned op, xen_pfn_t *extents, unsigned long count, unsigned order)
{
    struct xen_memory_reservation arg = { .nr_extents = count,
                                          .extent_order = order,
                                          .domid = DOMID_SELF };

    set_xen_guest_handle(arg.extent_start, extents);
    return hypercall_memory_op(op, &arg);
}

static long reservation(unsigned op)
{
    domid_t self = DOMID_SELF;

    return hypercall_memory_op(op, &self);
}

/* Out of the direct map, so that no reference is left. */
static void unmap_direct(void *page)
{
    CHECK_EQ(hypercall_update_va_mapping((unsigned long)page, 0, UVMF_INVLPG | UVMF_ALL), 0);
}

static void map_direct(void *page, unsigned long mfn)
{
    CHECK_EQ(hypercall_update_va_mapping((unsigned long)page, pte_make(mfn, MAPPED_RW),
                                         UVMF_INVLPG | UVMF_ALL),
             0);
}

static bool page_is_clean(const uint64_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        if (page[i] == SECRET)
            return false;
    return true;
}

static void balloon(void)
{
    uint64_t *pages[NR_PAGES];
    xen_pfn_t extents[NR_PAGES];
    long before = reservation(XENMEM_current_reservation);

    for (unsigned i = 0; i < NR_PAGES; i++) {
        pages[i] = page_alloc();
        for (unsigned w = 0; w < PAGE_SIZE / 8; w++)
            pages[i][w] = SECRET;
        extents[i] = address_to_mfn(pages[i]);
        unmap_direct(pages[i]);
    }
    CHECK_EQ(reserve(XENMEM_decrease_reservation, extents, NR_PAGES, 0), NR_PAGES);
    CHECK_EQ(reservation(XENMEM_current_reservation), before - NR_PAGES);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        CHECK_EQ(mfn_to_pfn(extents[i]), ~0UL);
        /* It is not ours any more. */
        CHECK(hypercall_update_va_mapping((unsigned long)pages[i], pte_make(extents[i], MAPPED_RW),
                                          0) < 0);
        extents[i] = arch_page_number(pages[i]);
    }
    CHECK_EQ(reserve(XENMEM_populate_physmap, extents, NR_PAGES, 0), NR_PAGES);
    CHECK_EQ(reservation(XENMEM_current_reservation), before);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        CHECK_EQ(mfn_to_pfn(extents[i]), arch_page_number(pages[i]));
        p2m_set(arch_page_number(pages[i]), extents[i]);
        map_direct(pages[i], extents[i]);
        /* Xen scrubs what a dying domain leaves, not what a living one gives back. */
        CHECK(!hypervisor_is_tenon || page_is_clean(pages[i]));
        page_free(pages[i]);
    }
}

/* increase_reservation hands out frames and leaves the M2P to the guest. */
static void increase(void)
{
    void *page = page_alloc();
    unsigned long pfn = arch_page_number(page);
    xen_pfn_t extent = address_to_mfn(page);
    mmu_update_t update = { .val = pfn };

    unmap_direct(page);
    CHECK_EQ(reserve(XENMEM_decrease_reservation, &extent, 1, 0), 1);
    extent = 0;
    if (CHECK_EQ(reserve(XENMEM_increase_reservation, &extent, 1, 0), 1)) {
        update.ptr = ((uint64_t)extent << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE;
        CHECK_EQ(hypercall_mmu_update(&update, 1, NULL, DOMID_SELF), 0);
        p2m_set(pfn, extent);
        map_direct(page, extent);
    }
    page_free(page);
}

/* Given back while mapped: the frame lives until the last mapping goes. */
static void freed_while_mapped(void)
{
    uint64_t *page = page_alloc();
    unsigned long pfn = arch_page_number(page);
    xen_pfn_t extent = address_to_mfn(page);

    CHECK_EQ(reserve(XENMEM_decrease_reservation, &extent, 1, 0), 1);
    page[0] = SECRET; /* still there */
    CHECK_EQ(page[0], SECRET);
    unmap_direct(page);
    extent = pfn;
    CHECK_EQ(reserve(XENMEM_populate_physmap, &extent, 1, 0), 1);
    p2m_set(pfn, extent);
    map_direct(page, extent);
    page_free(page);
}

static void refused(void)
{
    xen_pfn_t extents[2] = { NO_SUCH_FRAME, NO_SUCH_FRAME };
    struct xen_memory_reservation arg = { .nr_extents = 1, .domid = 1234 };
    long before = reservation(XENMEM_current_reservation);

    CHECK_EQ(reserve(XENMEM_decrease_reservation, extents, 1, 0), 0);
    extents[0] = start_info->shared_info >> PAGE_SHIFT;
    /* Not memory that could be given back: Xen counts it as done and does nothing. */
    reserve(XENMEM_decrease_reservation, extents, 1, 0);
    CHECK_EQ(shared_info->wc_version & 1, 0); /* still mapped, still there */
    CHECK_EQ(reserve(XENMEM_populate_physmap, extents, 1, 40), 0);
    CHECK_EQ(reserve(XENMEM_populate_physmap, (xen_pfn_t *)HYPERVISOR_VIRT_START, 1, 0), 0);
    /* These three operations have no errors, only counts of what was done. */
    CHECK_EQ(hypercall_memory_op(XENMEM_decrease_reservation, &arg), 0);
    CHECK_EQ(hypercall_memory_op(XENMEM_populate_physmap, NULL), 0);
    CHECK_EQ(hypercall_memory_op(63, &arg), -XEN_ENOSYS);
    CHECK_EQ(reservation(XENMEM_current_reservation), before);
}

static void queries(void)
{
    struct xen_machphys_mapping mapping = { 0 };
    static uint64_t entries[128 * 20 / 8 + 16];
    struct xen_memory_map map = { .nr_entries = 128 };
    struct xen_add_to_physmap physmap = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info };
    long ram = hypercall_memory_op(XENMEM_maximum_ram_page, NULL);

    CHECK_EQ(hypercall_memory_op(XENMEM_machphys_mapping, &mapping), 0);
    CHECK_EQ(mapping.v_start, MACH2PHYS_VIRT_START);
    /* Xen names the whole range that the ABI sets aside, used or not. */
    CHECK(mapping.v_end <= MACH2PHYS_VIRT_END);
    CHECK(mapping.v_end >= mapping.v_start + (mapping.max_mfn + 1) * sizeof(long));
    check_context("(max_mfn %lx, ram page %lx)", mapping.max_mfn, ram);
    /* One is the last frame, the other one more. To domUs Xen names as many frames as the range could hold. */
    if (start_info->flags & SIF_INITDOMAIN)
        CHECK_EQ(mapping.max_mfn + 1, ram);
    else
        CHECK((long)mapping.max_mfn + 1 >= ram);
    check_context("%s", "");
    CHECK(ram > (long)start_info->nr_pages / 2);
    CHECK_EQ(reservation(XENMEM_current_reservation), start_info->nr_pages);
    CHECK(reservation(XENMEM_maximum_reservation) >= (long)start_info->nr_pages);
    /* What the guest itself wrote down; 0 before that. */
    CHECK_EQ(reservation(XENMEM_maximum_gpfn), 0);
    shared_info->arch.max_pfn = start_info->nr_pages;
    CHECK_EQ(reservation(XENMEM_maximum_gpfn), start_info->nr_pages - 1);
    shared_info->arch.max_pfn = 0;
    CHECK_EQ(hypercall_memory_op(XENMEM_add_to_physmap, &physmap), -XEN_EACCES);
    if (start_info->flags & SIF_INITDOMAIN) {
        CHECK_EQ(hypercall_memory_op(XENMEM_memory_map, &map), -XEN_ENOSYS); /* none was set */
        set_xen_guest_handle(map.buffer, (void *)entries);
        CHECK_EQ(hypercall_memory_op(XENMEM_machine_memory_map, &map), 0);
        CHECK(map.nr_entries >= 2 && map.nr_entries < 128);
        CHECK_EQ(entries[0], 0); /* memory begins at 0 */
    }
}

static void exchange_refused(struct xen_memory_exchange *arg, xen_pfn_t *out)
{
    set_xen_guest_handle(arg->out.extent_start, (xen_pfn_t *)HYPERVISOR_VIRT_START);
    arg->nr_exchanged = 0;
    CHECK_EQ(hypercall_memory_op(XENMEM_exchange, arg), -XEN_EFAULT);
    /* A start inside the hypervisor through a large nr_exchanged. */
    set_xen_guest_handle(arg->out.extent_start, out);
    arg->nr_exchanged = 1UL << 60;
    CHECK(hypercall_memory_op(XENMEM_exchange, arg) < 0);
}

/* A page is exchanged for another; frames that are not ours are not touched. */
static void exchange(void)
{
    void *page = page_alloc();
    unsigned long pfn = arch_page_number(page);
    xen_pfn_t in = address_to_mfn(page), out = pfn;
    struct xen_memory_exchange arg = {
        .in = { .nr_extents = 1, .domid = DOMID_SELF },
        .out = { .nr_extents = 1, .domid = DOMID_SELF },
    };
    long error;

    set_xen_guest_handle(arg.in.extent_start, &in);
    set_xen_guest_handle(arg.out.extent_start, &out);
    unmap_direct(page);
    error = hypercall_memory_op(XENMEM_exchange, &arg);
    if (error != 0) {
        map_direct(page, in);
        page_free(page);
        CHECK_EQ(error, hypervisor_is_tenon ? -XEN_ENOSYS : 0); /* not there yet */
        return;
    }
    CHECK_EQ(arg.nr_exchanged, 1);
    CHECK_EQ(mfn_to_pfn(out), pfn);
    p2m_set(pfn, out);
    map_direct(page, out);
    page_free(page);
    exchange_refused(&arg, &out);
}

void workload_memory(void)
{
    if (!window_open())
        return;
    queries();
    balloon();
    increase();
    freed_while_mapped();
    exchange();
    refused();
    window_close();
}
