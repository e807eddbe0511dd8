/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the processor's side: entry, small settings, timers, descriptors, multicalls of
 * nothing.
 */
#include <xen/version.h>

#include "arch/pv/page_table.h"
#include "bench/bench.h"
#include "kernel/page_alloc.h"
#include "kernel/string.h"

#define UNKNOWN_HYPERCALL 47
#define FAR_NS            3600000000000ULL

static uint64_t *descriptor_page;
static multicall_entry_t calls[64];

static uint64_t null_hypercall(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, hypercall_xen_version(XENVER_version, NULL));
}

static uint64_t unknown_hypercall(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, HYPERCALL_STUB(UNKNOWN_HYPERCALL, 0, 0, 0, 0, 0));
}

static uint64_t sched_yield(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, hypercall_sched_op(SCHEDOP_yield, NULL));
}

static uint64_t stack_switch(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds,
               hypercall_stack_switch(FLAT_KERNEL_SS, (unsigned long)boot_stack + STACK_SIZE));
}

static uint64_t fpu_taskswitch(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, hypercall_fpu_taskswitch(0));
}

static uint64_t set_segment_base(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, hypercall_set_segment_base(SEGBASE_FS, 0));
}

static uint64_t set_timer(unsigned rounds, unsigned batch)
{
    uint64_t deadline = arch_clock_ns() + FAR_NS;

    (void)batch;
    BENCH_LOOP(rounds, hypercall_set_timer_op(deadline));
}

static uint64_t singleshot_timer(unsigned rounds, unsigned batch)
{
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = arch_clock_ns() + FAR_NS };

    (void)batch;
    BENCH_LOOP(rounds, hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer));
}

static void timer_off(void)
{
    hypercall_set_timer_op(0);
    arch_timer_cancel();
}

static bool descriptor_setup(void)
{
    unsigned long mfn;

    descriptor_page = page_alloc();
    if (descriptor_page == NULL)
        return false;
    memset(descriptor_page, 0, PAGE_SIZE);
    mfn = address_to_mfn(descriptor_page);
    return page_set_readonly(descriptor_page) == 0 && hypercall_set_gdt(&mfn, 512) == 0;
}

static void descriptor_teardown(void)
{
    hypercall_set_gdt(NULL, 0);
    page_set_writable(descriptor_page);
    page_free(descriptor_page);
}

static uint64_t update_descriptor(unsigned rounds, unsigned batch)
{
    uint64_t maddr = pte_make(address_to_mfn(descriptor_page), 8);
    uint64_t data_segment = 0x00cff2000000ffffUL;

    (void)batch;
    BENCH_LOOP(rounds, hypercall_update_descriptor(maddr, data_segment));
}

static uint64_t multicall_empty(unsigned rounds, unsigned batch)
{
    for (unsigned i = 0; i < batch; i++)
        calls[i] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version };
    BENCH_LOOP(rounds, hypercall_multicall(calls, batch));
}

const struct bench_row bench_cpu_rows[] = {
    { "null-hypercall", BATCH_ONE, 4096, null_hypercall, NULL, NULL },
    { "unknown-hypercall", BATCH_ONE, 4096, unknown_hypercall, NULL, NULL },
    { "sched-yield", BATCH_ONE, 1024, sched_yield, NULL, NULL },
    { "stack-switch", BATCH_ONE, 4096, stack_switch, NULL, NULL },
    { "fpu-taskswitch", BATCH_ONE, 4096, fpu_taskswitch, NULL, NULL },
    { "set-segment-base", BATCH_ONE, 4096, set_segment_base, NULL, NULL },
    { "set-timer", BATCH_ONE, 2048, set_timer, NULL, timer_off },
    { "singleshot-timer", BATCH_ONE, 2048, singleshot_timer, NULL, timer_off },
    { "update-descriptor", BATCH_ONE, 2048, update_descriptor, descriptor_setup,
      descriptor_teardown },
    { "multicall-empty", BATCH_EMPTY, 2048, multicall_empty, NULL, NULL },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
