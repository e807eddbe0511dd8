/* SPDX-License-Identifier: MIT */
/*
 * Promise: vcpu_op knows its vCPUs and refuses the others; runstate counts where time went; an NMI
 * arrives.
 *
 * ABI: <xen/vcpu.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/smp.h"
#include "workloads/list.h"

#define MS 1000000ULL

static void is_up(void)
{
    unsigned vcpu = 0;

    for (; vcpu < arch_machine.nr_cpus; vcpu++)
        CHECK_EQ(hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL), 1);
    for (; vcpu < 8192; vcpu++)
        if (!CHECK_EQ(hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL), -XEN_ENOENT))
            return;
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_is_up, ~0u, NULL), -XEN_ENOENT);
}

static void refused(void)
{
    static struct vcpu_guest_context context;
    struct vcpu_register_vcpu_info info = { .mfn = address_to_mfn(&context) };
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = ~0UL >> 2 };

    CHECK_EQ(hypercall_vcpu_op(VCPUOP_initialise, 0, &context), -XEN_EEXIST);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_initialise, 9999, &context), -XEN_ENOENT);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_up, 9999, NULL), -XEN_ENOENT);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info),
             -XEN_EINVAL); /* a second time */
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 9999, &timer), -XEN_ENOENT);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_send_nmi, 9999, NULL), -XEN_ENOENT);
    CHECK_EQ(hypercall_vcpu_op(99, 0, NULL), -XEN_ENOSYS);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_up, 0, NULL), 0); /* is up already */
}

/* More than one attempt: on a busy machine the timeout may be over before the sleep begins. */
static void sleep_until_blocked_time(volatile struct vcpu_runstate_info *area, uint64_t ns)
{
    for (unsigned i = 0; i < 50 && area->time[RUNSTATE_blocked] < ns; i++) {
        struct sched_poll poll = { .timeout = arch_clock_ns() + 3000000 };

        CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &poll), 0);
    }
}

static void runstate(void)
{
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area where = { 0 };
    struct vcpu_runstate_info now = { .state = 99 };
    uint64_t sum;

    CHECK_EQ(hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &now), 0);
    CHECK_EQ(now.state, RUNSTATE_running);
    sum = now.time[0] + now.time[1] + now.time[2] + now.time[3];
    CHECK(sum > 0 && sum <= arch_clock_ns());
    set_xen_guest_handle(where.addr.h, &area);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where), 0);
    CHECK_EQ(area.state, RUNSTATE_running);
    sleep_until_blocked_time(&area, now.time[RUNSTATE_blocked] + 2000000);
    CHECK_EQ(area.state, RUNSTATE_running);
    CHECK(area.time[RUNSTATE_blocked] >= now.time[RUNSTATE_blocked] + 2000000);
    set_xen_guest_handle(where.addr.h, NULL);
    hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where);
}

/* A vCPU that is not running shows that to the others. */
static struct vcpu_runstate_info shown;
static bool seen_blocked;

static void watch(void *argument)
{
    uint64_t end = arch_clock_ns() + 20000 * MS;

    (void)argument;
    while (__atomic_load_n(&shown.state, __ATOMIC_SEQ_CST) != RUNSTATE_blocked)
        if (arch_clock_ns() >= end)
            return;
    __atomic_store_n(&seen_blocked, true, __ATOMIC_SEQ_CST);
}

static void seen_by_others(void)
{
    struct vcpu_register_runstate_memory_area where = { 0 };

    seen_blocked = false;
    set_xen_guest_handle(where.addr.h, &shown);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where), 0);
    smp_run(1, watch, NULL);
    for (unsigned i = 0; i < 5000 && !__atomic_load_n(&seen_blocked, __ATOMIC_SEQ_CST); i++) {
        struct sched_poll poll = { .timeout = arch_clock_ns() + 4 * MS };
        hypercall_sched_op(SCHEDOP_poll, &poll);
    }
    CHECK(smp_wait(1, 30000 * MS));
    CHECK(seen_blocked);
    set_xen_guest_handle(where.addr.h, NULL);
    hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where);
}

/* Delivered through vector 2's gate; a second one waits for the first one's iret. */
static bool nmi_hook_seen;

static bool nmi_hook(struct trap_frame *frame)
{
    if (frame->vector != 2)
        return false;
    nmi_hook_seen = true;
    return true;
}

static void nmi(void)
{
    nmi_hook_seen = false;
    trap_hook(nmi_hook);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    hypercall_xen_version(0, NULL);
    trap_hook(NULL);
    CHECK(nmi_hook_seen);
}

void workload_vcpu_ops(void)
{
    is_up();
    refused();
    runstate();
    if (smp_nr_running() > 1)
        seen_by_others();
    nmi();
}
