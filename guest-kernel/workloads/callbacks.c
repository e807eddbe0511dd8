/* SPDX-License-Identifier: MIT */
/*
 * Promise: callbacks can be registered in the new and the old form; what is no callback is refused;
 * a system call without one is an invalid instruction; 32-bit user code has a system call of its
 * own.
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
    CHECK_EQ(unreg(CALLBACKTYPE_event), -XEN_EINVAL);
    CHECK_EQ(unreg(CALLBACKTYPE_syscall), -XEN_EINVAL);
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

void workload_callbacks(void)
{
    if (!CHECK(user_init()))
        return;
    refused();
    old_form();
    without_callback();
    unmasked_callback();
    compatibility_mode();
}
