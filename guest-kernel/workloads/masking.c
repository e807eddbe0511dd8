/* SPDX-License-Identifier: MIT */
/*
 * Promise: masking loses no event. A gate masks events if its flag 4 says so; the event callback
 * always does; iret puts the mask back and delivers at once what became pending, before the next
 * instruction of kernel or user mode; a nested page fault leaves each handler its own CR2.
 *
 * ABI: vcpu_info.evtchn_upcall_mask, HYPERVISOR_iret, <xen/xen.h>; struct trap_info
 */
#include "arch/pv/page_table.h"
#include "workloads/ports.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

static struct {
    unsigned events;  /* handler runs */
    unsigned entries; /* callback entries */
    uint8_t mask_in_handler;
    struct trap_frame frame; /* what the last callback interrupted */
    uint64_t outer_cr2, inner_cr2;
    struct port_pair pair;
    evtchn_port_t stop_port;
} seen;

static void count_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    seen.events++;
    seen.mask_in_handler = vcpu_info_here()->evtchn_upcall_mask;
}

static bool note_callback(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_EVENT) {
        seen.entries++;
        seen.frame = *frame;
    }
    return false;
}

static void masked_then_unmasked(void)
{
    bool enabled = arch_irq_disable();

    seen.events = 0;
    for (int i = 0; i < 5; i++)
        CHECK_EQ(port_send(seen.pair.near), 0);
    CHECK_EQ(seen.events, 0);
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_pending, 1);
    hypercall_xen_version(0, NULL); /* a way in and out, still masked */
    CHECK_EQ(seen.events, 0);
    arch_irq_restore(enabled);
    CHECK_EQ(seen.events, 1);
    CHECK_EQ(seen.mask_in_handler, 1);
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0);
}

static void masked_port(void)
{
    seen.events = 0;
    event_mask(seen.pair.far);
    CHECK_EQ(port_send(seen.pair.near), 0);
    CHECK_EQ(seen.events, 0);
    CHECK(event_is_pending(seen.pair.far));
    event_unmask(seen.pair.far);
    CHECK_EQ(seen.events, 1);
    CHECK(!event_is_pending(seen.pair.far));
}

/* Handler of vector 6: an event becomes pending while masked. */
static bool send_inside(struct trap_frame *frame)
{
    note_callback(frame);
    if (frame->vector == 6) {
        port_send(seen.pair.near);
        hypercall_xen_version(0, NULL);
        CHECK_EQ(seen.events, 0);
    }
    return false;
}

static void delivered_by_iret(void)
{
    struct trap_site site;

    seen.events = 0;
    trap_hook(send_inside);
    RUN_TRAPPING("ud2", &site, 0);
    trap_hook(NULL);
    CHECK_EQ(seen.events, 1);
    CHECK_EQ(seen.frame.rip, site.rip_behind); /* not one instruction later */
    CHECK_EQ(seen.frame.rsp, site.rsp);
    CHECK_EQ(frame_saved_mask(&seen.frame), 0);
}

static void delivered_into_user(void)
{
    struct trap_frame frame;
    bool enabled = arch_irq_disable();

    seen.events = 0;
    port_send(seen.pair.near);
    trap_hook(note_callback);
    user_frame_init(&frame, user_syscall);
    user_run(&frame);
    trap_hook(NULL);
    CHECK_EQ(seen.events, 1);
    CHECK_EQ(seen.frame.rip, user_address(user_syscall));
    CHECK_EQ(seen.frame.cs, FLAT_USER_CS);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    arch_irq_restore(enabled);
}

static void stop_user(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    ((volatile uint64_t *)user_data)[1] = 1;
}

/* The timer's callback sends on, so that the handler of the IPI stops user mode. */
static bool send_from_callback(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_EVENT)
        port_send(seen.stop_port);
    return false;
}

/* User mode never calls: an event gets in all the same, and user mode goes on behind it. */
static void interrupts_user(void)
{
    struct trap_frame frame;
    uint64_t *words = (uint64_t *)user_data;
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = arch_clock_ns() + 5000000 };
    long port = event_bind_ipi(0);

    words[0] = words[1] = 0;
    if (!CHECK(port > 0))
        return;
    event_attach((evtchn_port_t)port, 0, stop_user, NULL);
    seen.stop_port = (evtchn_port_t)port;
    trap_hook(send_from_callback);
    CHECK_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer), 0);
    user_frame_init(&frame, user_spin);
    frame.rdi = USER_DATA;
    user_run(&frame);
    trap_hook(NULL);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    CHECK_EQ(words[1], 1);
    event_detach((evtchn_port_t)port);
}

/* A gate without flag 4 leaves events on: they come in ahead of the handler's first instruction. */
static bool note_gate(struct trap_frame *frame)
{
    if (frame->vector == 6)
        CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0);
    return false;
}

static void gate_without_masking(void)
{
    struct trap_site site;

    trap_gate_set(6, 0);
    trap_hook(note_gate);
    RUN_TRAPPING("ud2", &site, 0);
    trap_hook(NULL);
    CHECK_EQ(trap_last()->vector, 6);
    CHECK_EQ(trap_last()->mask_inside, 0);
    trap_gate_set(6, GATE_MASK_EVENTS);
}

static bool fault_inside(struct trap_frame *frame)
{
    if (frame->vector != 14 || seen.outer_cr2 != 0)
        return false;
    seen.outer_cr2 = vcpu_info_here()->arch.cr2;
    asm volatile("mov $0x7fff2000, %%edi\n" MAY_TRAP("mov (%%rdi), %%rax")::
                     : "rax", "rdi", "memory");
    seen.inner_cr2 = trap_last()->cr2;
    return false;
}

static void nested_faults(void)
{
    struct trap_site site;

    seen.outer_cr2 = 0;
    trap_hook(fault_inside);
    RUN_TRAPPING("mov (%%rdi), %%rax", &site, 0x7fff1000UL);
    trap_hook(NULL);
    CHECK_EQ(seen.outer_cr2, 0x7fff1000UL);
    CHECK_EQ(seen.inner_cr2, 0x7fff2000UL);
    CHECK_EQ(trap_last()->count, 2);
    CHECK_EQ(trap_last()->frame.rip, site.rip);
}

/* vcpu_info may be used as a flag from anywhere: a store of 1 and back of 0, many times. */
static void storm(void)
{
    seen.events = 0;
    for (unsigned i = 0; i < 2000; i++) {
        bool enabled = arch_irq_disable();

        port_send(seen.pair.near);
        arch_irq_restore(enabled);
    }
    CHECK_EQ(seen.events, 2000);
}

void workload_masking(void)
{
    if (!CHECK(user_init()) || !CHECK_EQ(port_pair_open(&seen.pair), 0))
        return;
    event_attach(seen.pair.far, 0, count_event, NULL);
    masked_then_unmasked();
    masked_port();
    delivered_by_iret();
    delivered_into_user();
    interrupts_user();
    gate_without_masking();
    nested_faults();
    storm();
    port_pair_close(&seen.pair);
}
