/* SPDX-License-Identifier: MIT */
/*
 * Promise: work that takes long is interrupted for events and continued, and nothing of it is lost
 * or done twice: batches, lists of calls, pins of large trees.
 *
 * A periodic tick runs meanwhile.
 *
 * ABI: HYPERVISOR_mmu_update, HYPERVISOR_multicall, HYPERVISOR_mmuext_op, <xen/xen.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NR_UPDATES   8192u
#define UPDATE_PAGES (NR_UPDATES * sizeof(mmu_update_t) / PAGE_SIZE)
#define MAX_ROUNDS 10000
#define NR_L1        24u /* full tables below one root */
#define PERIOD_NS    1000000ULL

static unsigned nr_ticks;

static bool count_tick(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_EVENT)
        nr_ticks++;
    return false;
}

static void ticks_on(void)
{
    struct vcpu_set_periodic_timer timer = { .period_ns = PERIOD_NS };

    nr_ticks = 0;
    trap_hook(count_tick);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &timer), 0);
}

static void ticks_off(void)
{
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    trap_hook(NULL);
}

/* Each entry is changed several times; the last change is what must stand there. */
static void long_batch(mmu_update_t *list)
{
    unsigned done = 0;

    for (unsigned i = 0; i < NR_UPDATES; i++)
        list[i] = (mmu_update_t){ pte_maddr(&window_l1[i % PTES_PER_TABLE]),
                                  window_pte((i + i / PTES_PER_TABLE) % WINDOW_FRAMES, MAPPED_RW) };
    CHECK_EQ(hypercall_mmu_update(list, NR_UPDATES, &done, DOMID_SELF), 0);
    CHECK_EQ(done, NR_UPDATES);
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        unsigned last = NR_UPDATES - PTES_PER_TABLE + i;

        CHECK_EQ(pte_without_ad(window_l1[i]), pte_without_ad(pte_as_stored(list[last].val)));
    }
}

/* The bad entry stands far behind: the count of those done must include all calls' worth. */
static void long_batch_fails(mmu_update_t *list)
{
    unsigned done = 0, bad = NR_UPDATES - 100;

    list[bad].val = pte_make(address_to_mfn(kernel_l4), MAPPED_RW);
    CHECK_EQ(hypercall_mmu_update(list, NR_UPDATES, &done, DOMID_SELF), -XEN_EBUSY);
    CHECK_EQ(done, bad);
}

static void nested_lists(mmu_update_t *list)
{
    static multicall_entry_t calls[16];

    for (unsigned i = 0; i < 16; i++) {
        calls[i] = (multicall_entry_t){ .op = __HYPERVISOR_mmu_update, .result = 77 };
        calls[i].args[0] = (unsigned long)&list[i * 256];
        calls[i].args[1] = 256;
        calls[i].args[3] = DOMID_SELF;
    }
    CHECK_EQ(hypercall_multicall(calls, 16), 0);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(calls[i].result, 0);
}

/* An L4 over an L3 over an L2 over many full L1 tables: thousands of entries to validate. */
static void large_tree(void)
{
    uint64_t *upper[3], *l1[NR_L1];

    for (unsigned t = 0; t < NR_L1; t++) {
        l1[t] = page_alloc();
        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            l1[t][i] = window_pte((t + i) % WINDOW_FRAMES, MAPPED_RW);
        CHECK_EQ(page_set_readonly(l1[t]), 0);
    }
    for (unsigned level = 0; level < 3; level++) {
        upper[level] = page_alloc();
        memset(upper[level], 0, PAGE_SIZE);
        for (unsigned t = 0; level == 0 && t < NR_L1; t++)
            upper[0][t * 20] = pte_make(address_to_mfn(l1[t]), PTE_TABLE);
        if (level > 0)
            upper[level][0] = pte_make(address_to_mfn(upper[level - 1]), PTE_TABLE);
        CHECK_EQ(page_set_readonly(upper[level]), 0);
    }
    for (unsigned round = 0; round < 4; round++) {
        CHECK_EQ(page_pin(upper[2], 4), 0);
        CHECK_EQ(page_set_writable(l1[NR_L1 - 1]), -XEN_EBUSY);
        CHECK_EQ(page_unpin(upper[2]), 0);
    }
    for (unsigned level = 0; level < 3; level++)
        free_table(upper[level]);
    for (unsigned t = 0; t < NR_L1; t++)
        free_table(l1[t]);
}

void workload_long_work(void)
{
    mmu_update_t *list = page_alloc_contiguous(UPDATE_PAGES, 1);

    if (!window_open() || !CHECK(list != NULL))
        return;
    ticks_on();
    /* Three times, and on until the tick has struck at least once: how fast it goes is no promise. */
    for (unsigned round = 0; round < 3 || (nr_ticks == 0 && round < MAX_ROUNDS); round++) {
        long_batch(list);
        nested_lists(list);
        large_tree();
    }
    long_batch_fails(list);
    ticks_off();
    CHECK(nr_ticks > 0);
    page_free_contiguous(list, UPDATE_PAGES);
    window_close();
}
