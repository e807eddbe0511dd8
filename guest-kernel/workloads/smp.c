/* SPDX-License-Identifier: MIT */
/*
 * Promise: several vCPUs run at once, interrupt each other, see each other's page-table changes
 * after a flush, and may change tables concurrently.
 *
 * ABI: <xen/vcpu.h>, <xen/event_channel.h>; MMUEXT_TLB_FLUSH_MULTI, <xen/xen.h>
 */
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/list.h"
#include "workloads/ports.h"
#include "workloads/window.h"

#define SECOND    1000000000ULL
#define NR_ROUNDS 2000

static struct {
    volatile uint64_t counter;
    volatile unsigned ready, go, ipis, turns;
    evtchn_port_t ipi[CPU_MAX];
    volatile bool stop;
} shared;

/* Waits until all CPUs are here. */
static void meet(void)
{
    __atomic_add_fetch(&shared.ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&shared.ready, __ATOMIC_SEQ_CST) < smp_nr_running())
        arch_pause();
}

static void on_all(void (*function)(void *))
{
    shared.ready = 0;
    for (unsigned cpu = 1; cpu < smp_nr_running(); cpu++)
        smp_run(cpu, function, NULL);
    function(NULL);
    for (unsigned cpu = 1; cpu < smp_nr_running(); cpu++)
        CHECK(smp_wait(cpu, 30 * SECOND));
}

static void count_up(void *argument)
{
    (void)argument;
    meet();
    for (unsigned i = 0; i < NR_ROUNDS; i++) {
        __atomic_add_fetch(&shared.counter, 1, __ATOMIC_SEQ_CST);
        hypercall_xen_version(0, NULL);
    }
}

static void ipi_arrived(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    __atomic_add_fetch(&shared.ipis, 1, __ATOMIC_SEQ_CST);
}

/* Each waits for its turn, then wakes the next by an IPI. */
static void pass_around(void *argument)
{
    unsigned cpu = cpu_id(), next = (cpu + 1) % smp_nr_running();
    long port = event_bind_ipi(cpu);

    (void)argument;
    CHECK(port > 0);
    shared.ipi[cpu] = (evtchn_port_t)port;
    event_attach((evtchn_port_t)port, cpu, ipi_arrived, NULL);
    meet();
    while (shared.turns < 200) {
        if (shared.turns % smp_nr_running() != cpu) {
            arch_pause();
            continue;
        }
        port_send(shared.ipi[next]);
        __atomic_add_fetch(&shared.turns, 1, __ATOMIC_SEQ_CST);
    }
    hypercall_sched_op(SCHEDOP_yield, NULL);
}

/* Three ways to make all vCPUs forget. */
static void remap_and_flush(unsigned frame, unsigned way)
{
    static const unsigned long flags[] = { UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH | UVMF_ALL,
                                           UVMF_NONE };
    uint64_t everybody = ~0UL;
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_MULTI };

    set_xen_guest_handle(op.arg2.vcpumask, (const void *)&everybody);
    CHECK_EQ(hypercall_update_va_mapping(window_va(0), window_pte(frame, MAPPED_RO), flags[way]),
             0);
    if (flags[way] == UVMF_NONE)
        CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
}

/* One changes a mapping and flushes all; the others must see the new frame from then on. */
static void remap_and_watch(void *argument)
{
    volatile uint64_t *word = (uint64_t *)window_va(0);

    (void)argument;
    meet();
    if (cpu_id() != 0) {
        while (!shared.stop) {
            unsigned before = __atomic_load_n(&shared.turns, __ATOMIC_SEQ_CST);
            uint64_t value = *word;
            unsigned after = __atomic_load_n(&shared.turns, __ATOMIC_SEQ_CST);

            if (before == after && before % 2 == 0)
                CHECK_EQ(value, window_frames[before / 2 % WINDOW_FRAMES][0]);
        }
        return;
    }
    for (unsigned i = 1; i <= 200; i++) {
        __atomic_add_fetch(&shared.turns, 1, __ATOMIC_SEQ_CST); /* odd: do not compare */
        remap_and_flush(i % WINDOW_FRAMES, i % 3);
        __atomic_add_fetch(&shared.turns, 1, __ATOMIC_SEQ_CST);
    }
    shared.stop = true;
}

/* Pins race: of each round exactly one pin and one unpin succeed. */
static uint64_t *contested;
static volatile unsigned pins, unpins;

static void pin_race(void *argument)
{
    (void)argument;
    meet();
    for (unsigned i = 0; i < 300; i++) {
        if (page_pin(contested, 1) == 0)
            __atomic_add_fetch(&pins, 1, __ATOMIC_SEQ_CST);
        if (page_unpin(contested) == 0)
            __atomic_add_fetch(&unpins, 1, __ATOMIC_SEQ_CST);
    }
}

/* All write the same entries of one table; each write is whole. */
static void entry_race(void *argument)
{
    (void)argument;
    meet();
    for (unsigned i = 0; i < 500; i++)
        CHECK_EQ(
            pte_set(&window_l1[1 + i % 4], window_pte((i + cpu_id()) % WINDOW_FRAMES, MAPPED_RW)),
            0);
}

static volatile int handled_by;

static void note_cpu(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    handled_by = (int)cpu_id();
}

/* A port's events come up on the vCPU that it is bound to, whoever sends, asleep or not. */
static void port_follows_binding(void)
{
    struct port_pair pair;

    if (!CHECK_EQ(port_pair_open(&pair), 0))
        return;
    for (unsigned cpu = 0; cpu < smp_nr_running(); cpu++) {
        uint64_t end = arch_clock_ns() + 10 * SECOND;

        CHECK_EQ(port_bind_vcpu(pair.far, cpu), 0);
        event_attach(pair.far, cpu, note_cpu, NULL);
        handled_by = -1;
        CHECK_EQ(port_send(pair.near), 0);
        while (handled_by < 0 && arch_clock_ns() < end)
            arch_pause();
        CHECK_EQ(handled_by, cpu);
    }
    port_pair_close(&pair);
}

static void down_and_up(void)
{
    unsigned last = smp_nr_running() - 1;

    CHECK_EQ(hypercall_vcpu_op(VCPUOP_down, last, NULL), 0);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_is_up, last, NULL), 0);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_up, last, NULL), 0);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_is_up, last, NULL), 1);
}

void workload_smp(void)
{
    if (smp_nr_running() < 2) {
        workload_skip("needs two vCPUs, has one");
        return;
    }
    if (!window_open())
        return;
    memset((void *)&shared, 0, sizeof(shared));
    on_all(count_up);
    CHECK_EQ(shared.counter, (uint64_t)NR_ROUNDS * smp_nr_running());
    on_all(pass_around);
    CHECK(shared.ipis > 0);
    for (unsigned cpu = 0; cpu < smp_nr_running(); cpu++)
        event_detach(shared.ipi[cpu]);
    shared.turns = 0;
    CHECK_EQ(pte_set(&window_l1[0], window_pte(0, MAPPED_RO)), 0);
    on_all(remap_and_watch);
    contested = fresh_table();
    on_all(pin_race);
    CHECK_EQ(pins, unpins);
    CHECK(pins > 0);
    free_table(contested);
    on_all(entry_race);
    port_follows_binding();
    down_and_up();
    on_all(count_up);
    window_close();
}
