/* SPDX-License-Identifier: MIT */
/*
 * Promise: callbacks can be registered in the new and the old form; what is no callback is refused;
 * only the NMI's can be unregistered; a system call without one is an invalid instruction; 32-bit
 * user code has a system call of its own; SYSENTER on a processor that does not know it in long
 * mode is an exception, whatever was registered.
 *
 * ABI: HYPERVISOR_callback_op, <xen/callback.h>; HYPERVISOR_set_callbacks, <xen/xen.h>
 */
#include <xen/callback.h>

#include "workloads/ports.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

static unsigned events;

static void count_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    events++;
}

static long reg(uint16_t type, uint16_t flags, unsigned long address)
{
    struct callback_register arg = { .type = type, .flags = flags, .address = address };

    return hypercall_callback_op(CALLBACKOP_register, &arg);
}

static long unreg(uint16_t type)
{
    struct callback_unregister arg = { .type = type };

    return hypercall_callback_op(CALLBACKOP_unregister, &arg);
}

static void refused(void)
{
    unsigned long address = (unsigned long)syscall_entry;

    CHECK_EQ(reg(99, 0, address), -XEN_ENOSYS);
    CHECK_EQ(reg(CALLBACKTYPE_event, 0, 0x8000000000000000UL), -XEN_EINVAL);
    CHECK_EQ(reg(CALLBACKTYPE_syscall, 0, 0x8000000000000000UL), -XEN_EINVAL);
    CHECK_EQ(reg(CALLBACKTYPE_syscall32, 0, 0x8000000000000000UL), -XEN_EINVAL);
    CHECK_EQ(reg(CALLBACKTYPE_sysenter, 0, 0x8000000000000000UL), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_event), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_syscall), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_failsafe), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_syscall32), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_sysenter), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_nmi), 0); /* it is the gate of vector 2 */
    trap_gate_set(2, GATE_MASK_EVENTS);
    CHECK_EQ(unreg(99), -XEN_ENOSYS);
    CHECK_EQ(hypercall_callback_op(9, NULL), -XEN_ENOSYS);
}

static void old_form(void)
{
    struct port_pair pair;

    CHECK_EQ(hypercall_any(__HYPERVISOR_set_callbacks, (unsigned long)event_entry,
                           (unsigned long)failsafe_entry, (unsigned long)syscall_entry, 0, 0),
             0);
    if (!CHECK_EQ(port_pair_open(&pair), 0))
        return;
    events = 0;
    event_attach(pair.far, 0, count_event, NULL);
    port_send(pair.near);
    CHECK_EQ(events, 1);
    port_pair_close(&pair);
}

static void without_callback(void)
{
    struct trap_frame frame;

    CHECK_EQ(reg(CALLBACKTYPE_syscall, 0, 0), 0);
    user_frame_init(&frame, user_syscall);
    user_run(&frame);
    CHECK_EQ(frame.vector, 6);
    CHECK_EQ(frame.rip, user_address(user_syscall));
    trap_callbacks_load();
}

/* Without the flag events stay on in the handler. */
static bool note_mask(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_SYSCALL) {
        CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0);
        arch_irq_disable(); /* user_run counts on it */
    }
    return false;
}

static void unmasked_callback(void)
{
    struct trap_frame frame;

    CHECK_EQ(reg(CALLBACKTYPE_syscall, 0, (unsigned long)syscall_entry), 0);
    trap_hook(note_mask);
    user_frame_init(&frame, user_syscall);
    user_run(&frame);
    trap_hook(NULL);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    trap_callbacks_load();
}

/* SYSCALL from 32-bit code exists on AMD's processors, and QEMU's default is one. */
static void compatibility_mode(void)
{
    struct trap_frame frame;

    CHECK_EQ(reg(CALLBACKTYPE_syscall32, CALLBACKF_mask_events, (unsigned long)syscall_entry), 0);
    user_frame_init(&frame, user_syscall);
    frame.cs = FLAT_USER_CS32;
    frame.rax = 0x12345678;
    user_run(&frame);
    if (frame.vector == 6) /* Intel's have none */
        return;
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    CHECK_EQ(frame_selector(&frame), FLAT_USER_CS32);
    CHECK_EQ(frame.rip, user_address(user_syscall_behind));
    CHECK_EQ(frame.rax, 0x12345678);
    user_frame_init(&frame, user_int80);
    frame.cs = FLAT_USER_CS32;
    user_run(&frame);
    CHECK_EQ(frame.vector, 0x80);
    CHECK_EQ(frame_selector(&frame), FLAT_USER_CS32);
}

/*
 * Who delivers SYSENTER to the callback depends on the processor. QEMU's usual one is AMD's: 64-bit
 * code has no SYSENTER there, a #UD. In 32-bit code QEMU knows it all the same, and as no CS is set
 * up it is a #GP: Xen passes that on, Tenon does with every such #GP what Xen does on Intel's
 * processors. The frame then has no RIP and no RSP, for SYSENTER keeps neither, and no registers
 * are lost.
 */
static void sysenter_from(unsigned cs, bool registered)
{
    struct trap_frame frame;

    user_frame_init(&frame, user_sysenter);
    frame.cs = cs;
    frame.rax = 0x12345678;
    frame.rcx = TRAP_RCX & 0xffffffff; /* 32-bit code has no more */
    frame.rdx = 0x87654321;
    user_run(&frame);
    CHECK_EQ(frame.rax, 0x12345678);
    CHECK_EQ(frame.rcx, TRAP_RCX & 0xffffffff);
    CHECK_EQ(frame.rdx, 0x87654321);
    if (registered && frame.vector == VECTOR_SYSCALL) {
        CHECK_EQ(frame.rip, 0);
        CHECK_EQ(frame.rsp, 0);
        CHECK_EQ(frame_selector(&frame), 3); /* from user mode */
        return;
    }
    CHECK(frame.vector == 6 || frame.vector == 13);
    CHECK(!registered || !hypervisor_is_tenon || frame.vector == 6);
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(frame.rip, user_address(user_sysenter));
    CHECK_EQ(frame_selector(&frame), cs);
}

static void sysenter_instruction(bool registered)
{
    check_context("(registered %u)", registered);
    sysenter_from(FLAT_USER_CS, registered);
    sysenter_from(FLAT_USER_CS32, registered);
    check_context("%s", "");
}

static void sysenter(void)
{
    sysenter_instruction(false);
    CHECK_EQ(reg(CALLBACKTYPE_sysenter, CALLBACKF_mask_events, (unsigned long)syscall_entry), 0);
    sysenter_instruction(true);
    CHECK_EQ(reg(CALLBACKTYPE_sysenter, 0, 0), 0); /* the way to be rid of it */
    sysenter_instruction(false);
}

void workload_callbacks(void)
{
    if (!CHECK(user_init()))
        return;
    refused();
    old_form();
    without_callback();
    unmasked_callback();
    compatibility_mode();
    sysenter();
}
