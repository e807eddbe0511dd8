/* SPDX-License-Identifier: MIT */
/*
 * Promise: the registers of FPU, SSE and AVX are what they were after everything that may switch
 * away: hypercalls, traps, events, yields, sleeping, other vCPUs on the same processor; user mode's
 * too.
 */
#include "arch/pv/pv.h"
#include "kernel/printf.h"
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/fpu_image.h"
#include "workloads/ports.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define NR_ROUNDS 300
#define MS        1000000ULL

static struct port_pair pair;

static void by_hypercall(void)
{
    hypercall_xen_version(0, NULL);
}

static void by_yield(void)
{
    hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void by_trap(void)
{
    trap_expect();
    asm volatile(MAY_TRAP("ud2"));
}

static void by_event(void)
{
    port_send(pair.near);
}

static void by_sleep(void)
{
    struct sched_poll poll = { .timeout = arch_clock_ns() + MS / 4 };

    hypercall_sched_op(SCHEDOP_poll, &poll);
}

static void by_lazy_switch(void)
{
    trap_expect();
    hypercall_fpu_taskswitch(1);
    asm volatile(MAY_TRAP("fnop"));
}

static const struct disturbance {
    const char *name;
    void (*run)(void);
} disturbances[] = {
    { "hypercall", by_hypercall }, { "yield", by_yield }, { "trap", by_trap },
    { "event", by_event },         { "sleep", by_sleep }, { "task switch", by_lazy_switch },
};

static void disturb(uint64_t seed)
{
    struct fpu_image expected, got;

    for (unsigned i = 0; i < NR_ROUNDS; i++) {
        const struct disturbance *by = &disturbances[i % 6];

        if (cpu_id() != 0 && by->run == by_event)
            continue;
        fpu_image_fill(&expected, seed * (i + 1));
        memset(&got, 0, sizeof(got));
        fpu_image_load(&expected);
        by->run();
        fpu_image_store(&got);
        fpu_image_compare(&expected, &got);
    }
}

/* Another vCPU does the same with other numbers meanwhile. */
static void disturb_elsewhere(void *argument)
{
    (void)argument;
    if (fpu_image_avx)
        CHECK(fpu_image_enable_avx());
    disturb(0x1234567890abcdefUL + cpu_id());
}

static void ignore_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
}

static void user_registers(void)
{
    struct trap_frame frame;
    uint64_t *words = (uint64_t *)user_data;

    words[0] = 0x1122334455667788UL;
    words[1] = 0x99aabbccddeeff00UL;
    words[2] = words[3] = 0;
    user_frame_init(&frame, user_fpu);
    frame.rdi = USER_DATA;
    user_run(&frame);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    by_yield();
    by_sleep();
    user_run(&frame);
    CHECK_EQ(words[2], words[0]);
    CHECK_EQ(words[3], words[1]);
}

void workload_fpu(void)
{
    unsigned nr_cpus = smp_nr_running();

    if (!CHECK(user_init()) || !CHECK_EQ(port_pair_open(&pair), 0))
        return;
    event_attach(pair.far, 0, ignore_event, NULL);
    fpu_image_avx = fpu_image_enable_avx();
    if (!fpu_image_avx)
        kprintf("  note: no AVX here, so only FPU and SSE registers are checked\n");
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
        smp_run(cpu, disturb_elsewhere, NULL);
    disturb(0x9e3779b97f4a7c15UL);
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
        CHECK(smp_wait(cpu, 20000 * MS));
    fpu_image_avx = false; /* others look at SSE only */
    user_registers();
    port_pair_close(&pair);
}
