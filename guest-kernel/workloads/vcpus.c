/* SPDX-License-Identifier: MIT */
/*
 * Promise: vcpu_op knows its vCPUs and refuses the others; several of them run at once, interrupt
 * each other, see each other's page-table changes after a flush, and may change tables
 * concurrently.
 *
 * ABI: <xen/vcpu.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/ports.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define SECOND    1000000000ULL
#define NR_ROUNDS 2000

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
    nmi();
}

/* ---- several at once ---- */

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
        CHECK_EQ(hypercall_update_va_mapping(window_va(0), window_pte(i % WINDOW_FRAMES, MAPPED_RO),
                                             UVMF_INVLPG | UVMF_ALL),
                 0);
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
    down_and_up();
    on_all(count_up);
    window_close();
}
