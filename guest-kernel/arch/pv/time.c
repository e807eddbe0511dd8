/* SPDX-License-Identifier: MIT */
/*
 * Time: a scaled TSC, refreshed by the hypervisor, and one deadline a CPU.
 *
 * ABI: struct vcpu_time_info, VIRQ_TIMER, <xen/xen.h>; VCPUOP_set_singleshot_timer, <xen/vcpu.h>
 */
#include "arch/pv/pv.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/timer.h"

#define NS_PER_S 1000000000ULL

static uint64_t scale_tsc(uint64_t delta, uint32_t mul, int shift)
{
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return (uint64_t)(((unsigned __int128)delta * mul) >> 32);
}

/* A vCPU that was moved to another processor finds a clock there that may be some microseconds behind. */
static uint64_t not_before_last(uint64_t now)
{
    static uint64_t last[CPU_MAX];
    uint64_t *seen = &last[cpu_id()], before = __atomic_load_n(seen, __ATOMIC_RELAXED);

    while (now > before)
        if (__atomic_compare_exchange_n(seen, &before, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return now;
    return before;
}

uint64_t arch_clock_ns(void)
{
    const volatile struct vcpu_time_info *time = &vcpu_info_here()->time;
    uint32_t version;
    uint64_t now;

    do { /* odd: being changed; different at the end: was changed */
        version = time->version;
        asm volatile("lfence" ::: "memory");
        now = time->system_time + scale_tsc(arch_cycles() - time->tsc_timestamp,
                                            time->tsc_to_system_mul, time->tsc_shift);
        asm volatile("lfence" ::: "memory");
    } while ((version & 1) || version != time->version);
    return not_before_last(now);
}

uint64_t arch_wallclock_s(void)
{
    volatile struct shared_info *info = shared_info;
    uint32_t version;
    uint64_t ns;

    do {
        version = info->wc_version;
        asm volatile("" ::: "memory");
        ns = (((uint64_t)info->wc_sec_hi << 32) + info->wc_sec) * NS_PER_S + info->wc_nsec;
        asm volatile("" ::: "memory");
    } while ((version & 1) || version != info->wc_version);
    return (ns + arch_clock_ns()) / NS_PER_S;
}

void arch_timer_arm(uint64_t deadline_ns)
{
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = deadline_ns };

    if (hypercall_vcpu_op(VCPUOP_set_singleshot_timer, cpu_id(), &timer) != 0)
        panic("set_singleshot_timer was refused");
}

void arch_timer_cancel(void)
{
    hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, cpu_id(), NULL);
}

void timer_event_raised(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    timer_interrupt();
}

/* The hypervisor starts every vCPU with a periodic tick of 10 ms, which nobody here wants. */
void time_init_cpu(void)
{
    unsigned cpu = cpu_id();
    long port = event_bind_virq(VIRQ_TIMER, cpu);

    if (port < 0 || hypercall_vcpu_op(VCPUOP_stop_periodic_timer, cpu, NULL) != 0)
        panic("no timer for vCPU %u: %ld", cpu, port);
    event_attach((evtchn_port_t)port, cpu, timer_event_raised, NULL);
}
