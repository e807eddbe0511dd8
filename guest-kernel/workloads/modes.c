/* SPDX-License-Identifier: MIT */
/*
 * Promise: FS and GS bases survive every way in and out, user and kernel have a GS base each, and
 * the hypercall and the MSR are two names of the same thing.
 *
 * ABI: HYPERVISOR_set_segment_base, <xen/xen.h>; MSRs FS_BASE, GS_BASE, KERNEL_GS_BASE (emulated)
 */
#include "arch/pv/page_table.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define FS_VALUE     0xf5f5f5f5f5f5f5f5UL
#define USER_VALUE   0xa0a0a0a0a0a0a0a0UL
#define KERNEL_VALUE 0xb0b0b0b0b0b0b0b0UL

static uint64_t kernel_word = KERNEL_VALUE;

static uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return ((uint64_t)high << 32) | low;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
    asm volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static uint64_t at_fs(void)
{
    uint64_t value;

    asm volatile("mov %%fs:0, %0" : "=r"(value));
    return value;
}

static uint64_t at_gs(void)
{
    uint64_t value;

    asm volatile("mov %%gs:0, %0" : "=r"(value));
    return value;
}

/* What user mode sees at its bases. */
static void check_user_bases(uint64_t fs, uint64_t gs)
{
    struct trap_frame frame;

    user_frame_init(&frame, user_bases);
    user_run(&frame);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    CHECK_EQ(frame.rax, fs);
    CHECK_EQ(frame.rdx, gs);
}

static void by_hypercall(uint64_t *words)
{
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_FS, USER_DATA), 0);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, USER_DATA + 8), 0);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)&kernel_word), 0);
    words[0] = FS_VALUE;
    words[1] = USER_VALUE;
    CHECK_EQ(at_fs(), FS_VALUE);
    CHECK_EQ(at_gs(), KERNEL_VALUE);
    CHECK_EQ(rdmsr(MSR_FS_BASE), USER_DATA);
    CHECK_EQ(rdmsr(MSR_GS_BASE), (uint64_t)&kernel_word);
    CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), USER_DATA + 8);
    check_user_bases(FS_VALUE, USER_VALUE);
    CHECK_EQ(at_gs(), KERNEL_VALUE);
}

static void by_msr(uint64_t *words)
{
    words[4] = ~FS_VALUE;
    words[5] = ~USER_VALUE;
    wrmsr(MSR_FS_BASE, USER_DATA + 32);
    wrmsr(MSR_KERNEL_GS_BASE, USER_DATA + 40);
    wrmsr(MSR_GS_BASE, USER_DATA + 32);
    CHECK_EQ(at_gs(), ~FS_VALUE);
    wrmsr(MSR_GS_BASE, (uint64_t)&kernel_word);
    CHECK_EQ(at_gs(), KERNEL_VALUE);
    check_user_bases(~FS_VALUE, ~USER_VALUE);
}

/* Sleeping and traps change none of them. */
static void survive(void)
{
    struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + 1000000 };
    struct trap_site site;

    hypercall_sched_op(SCHEDOP_yield, NULL);
    hypercall_sched_op(SCHEDOP_poll, &poll);
    RUN_TRAPPING("ud2", &site, 0);
    CHECK_EQ(at_fs(), ~FS_VALUE);
    CHECK_EQ(at_gs(), KERNEL_VALUE);
    CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), USER_DATA + 40);
}

static void selectors(void)
{
    struct trap_frame frame;

    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_USER_SEL, FLAT_RING3_DS32), 0);
    user_frame_init(&frame, user_bases);
    user_run(&frame);
    /* A flat selector's base is 0: reading there faults. */
    CHECK_EQ(frame.vector, 14);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0x1233), 0); /* bad: null is loaded */
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, USER_DATA + 40), 0);
    user_frame_init(&frame, user_bases);
    user_run(&frame);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    CHECK_EQ(frame.rsi, 0);
}

static void refused(void)
{
    for (int which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++)
        CHECK_EQ(hypercall_set_segment_base(which, 0x8000000000000000UL), -XEN_EINVAL);
    CHECK_EQ(hypercall_set_segment_base(4, 0), -XEN_EINVAL);
    trap_expect();
    asm volatile(MAY_TRAP("wrmsr")::"c"(MSR_GS_BASE), "a"(0), "d"(0x80000000) : "memory");
    CHECK_EQ(trap_last()->vector, 13);
    CHECK_EQ(trap_last()->frame.error, 0);
    CHECK_EQ(at_gs(), KERNEL_VALUE);
}

void workload_modes(void)
{
    if (!CHECK(user_init()))
        return;
    by_hypercall((uint64_t *)user_data);
    by_msr((uint64_t *)user_data);
    survive();
    selectors();
    refused();
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_FS, 0), 0);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, 0), 0);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_GS_KERNEL, 0), 0);
}
