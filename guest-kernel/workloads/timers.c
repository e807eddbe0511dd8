/* SPDX-License-Identifier: MIT */
/*
 * Promise: time goes forward, timers fire in order and never early, the periodic tick can be
 * stopped, block sleeps until an event and poll until its timeout.
 *
 * ABI: struct vcpu_time_info, HYPERVISOR_set_timer_op, <xen/xen.h>; VCPUOP_set_singleshot_timer,
 * VCPUOP_set_periodic_timer, <xen/vcpu.h>; SCHEDOP_block, SCHEDOP_poll, <xen/sched.h>
 */
#include "arch/pv/pv.h"
#include "kernel/timer.h"
#include "workloads/list.h"

#define MS        1000000ULL
#define NR_TIMERS 8

static struct {
    struct timer timers[NR_TIMERS];
    unsigned order[NR_TIMERS], nr_fired, nr_early;
} run;

static void fired(struct timer *timer)
{
    if (arch_clock_ns() < timer->deadline_ns)
        run.nr_early++;
    if (run.nr_fired < NR_TIMERS)
        run.order[run.nr_fired] = (unsigned)(timer - run.timers);
    run.nr_fired++;
}

static void sleep_until(uint64_t when)
{
    while (arch_clock_ns() < when && run.nr_fired < NR_TIMERS) {
        arch_irq_disable();
        arch_cpu_wait();
    }
}

static void in_order(void)
{
    static const unsigned ms[NR_TIMERS] = { 5, 1, 4, 2, 3, 8, 7, 6 };
    uint64_t start = arch_clock_ns() + 2 * MS;

    /* None goes off before all are there, however slow the machine is. */
    arch_irq_disable();
    run.nr_fired = run.nr_early = 0;
    for (unsigned i = 0; i < NR_TIMERS; i++)
        timer_start(&run.timers[i], start + ms[i] * MS, fired);
    arch_irq_enable();
    sleep_until(start + 1000 * MS);
    CHECK_EQ(run.nr_fired, NR_TIMERS);
    CHECK_EQ(run.nr_early, 0);
    for (unsigned i = 0; i < NR_TIMERS; i++)
        CHECK_EQ(ms[run.order[i]], i + 1);
}

static void clock_is_monotonic(void)
{
    uint64_t last = arch_clock_ns();

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t now = arch_clock_ns();

        if (!CHECK(now >= last))
            return;
        last = now;
    }
}

/* 2020 to 2100, and the version words even when nobody writes. */
static void wallclock(void)
{
    uint64_t now = arch_wallclock_s();

    CHECK(now > 1577836800UL && now < 4102444800UL);
    CHECK_EQ(shared_info->wc_version & 1, 0);
    CHECK_EQ(vcpu_info_here()->time.version & 1, 0);
    CHECK(vcpu_info_here()->time.tsc_to_system_mul != 0);
}

static unsigned ticks;
static uint64_t last_tick;

static bool count_tick(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_EVENT) {
        ticks++;
        last_tick = arch_clock_ns();
    }
    return false;
}

/* Spins: what comes in is a timer's event, whoever asked for it. */
static unsigned ticks_within(uint64_t ns)
{
    uint64_t end = arch_clock_ns() + ns;

    ticks = 0;
    trap_hook(count_tick);
    while (arch_clock_ns() < end)
        arch_pause();
    trap_hook(NULL);
    return ticks;
}

/* Spins until COUNT ticks came in, two seconds at most: a busy machine must not matter. */
static void wait_for_ticks(unsigned count)
{
    uint64_t end = arch_clock_ns() + 2000 * MS;

    trap_hook(count_tick);
    while (*(volatile unsigned *)&ticks < count && arch_clock_ns() < end)
        arch_pause();
    trap_hook(NULL);
}

static void set_timer_op(void)
{
    uint64_t deadline = arch_clock_ns() + 3 * MS;

    ticks = 0;
    CHECK_EQ(hypercall_set_timer_op(deadline), 0);
    wait_for_ticks(1);
    CHECK_EQ(ticks, 1);
    CHECK(last_tick >= deadline);
    CHECK_EQ(ticks_within(5 * MS), 0);
    CHECK_EQ(hypercall_set_timer_op(arch_clock_ns() + 100 * MS), 0);
    CHECK_EQ(hypercall_set_timer_op(0), 0); /* cancelled */
    CHECK_EQ(ticks_within(110 * MS), 0);
}

static void singleshot(void)
{
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = 1 };

    /* The past: at once. */
    ticks = 0;
    trap_hook(count_tick);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer), 0);
    wait_for_ticks(1);
    CHECK_EQ(ticks, 1);
    /* The header says -ETIME; Xen 4.17 does not look at the flag, and the event comes. */
    timer.flags = VCPU_SSHOTTMR_future;
    ticks = 0;
    trap_hook(count_tick);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer), 0);
    wait_for_ticks(1);
    CHECK_EQ(ticks, 1);
    timer.timeout_abs_ns = arch_clock_ns() + 100 * MS;
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer), 0);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    CHECK_EQ(ticks_within(110 * MS), 0);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, NULL), -XEN_EFAULT);
}

static void periodic(void)
{
    struct vcpu_set_periodic_timer timer = { .period_ns = 2 * MS };
    uint64_t start = arch_clock_ns();

    ticks = 0;
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &timer), 0);
    wait_for_ticks(6);
    CHECK(ticks >= 6);
    CHECK(last_tick >= start + 5 * 2 * MS);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    ticks_within(1 * MS);
    CHECK_EQ(ticks_within(20 * MS), 0);
    timer.period_ns = MS / 2;
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &timer), -XEN_EINVAL);
}

static void block(void)
{
    struct timer timer;
    uint64_t start = arch_clock_ns();

    run.nr_fired = 0;
    arch_irq_disable();
    timer_start(&timer, start + 5 * MS, fired);
    while (run.nr_fired == 0) {
        arch_irq_disable();
        CHECK_EQ(hypercall_sched_op(SCHEDOP_block, NULL), 0);
        CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0); /* block unmasks */
    }
    CHECK(arch_clock_ns() >= start + 5 * MS);
    arch_irq_enable();
}

void workload_timers(void)
{
    clock_is_monotonic();
    wallclock();
    in_order();
    set_timer_op();
    singleshot();
    periodic();
    block();
    CHECK_EQ(hypercall_sched_op(SCHEDOP_yield, NULL), 0);
}
