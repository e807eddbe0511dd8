/* SPDX-License-Identifier: MIT */
/*
 * Causing a trap on purpose and checking every word of its frame.
 */
#include "workloads/trap_check.h"

/* IF is virtual; RF is set by processors for faults, and not by QEMU. */
#define RFLAGS_COMPARED ~(RFLAGS_IF | RFLAGS_RF)

void check_kernel_trap(const struct trap_site *site, int vector, uint64_t error,
                       enum trap_kind kind, unsigned mask)
{
    const struct trap_record *record = trap_last();
    const struct trap_frame *frame = &record->frame;

    check_context("(vector %d)", vector);
    if (CHECK_EQ(record->vector, vector)) {
        CHECK_EQ(record->count, 1);
        CHECK_EQ(frame->error, error);
        CHECK_EQ(frame->rip, kind == FAULT ? site->rip : site->rip_behind);
        /* RPL 0 says "from guest kernel"; bits 32-39 are the saved mask, the rest is clear. */
        CHECK_EQ(frame->cs, (FLAT_KERNEL_CS & ~3UL) | ((uint64_t)mask << 32));
        CHECK_EQ(frame->rflags & RFLAGS_COMPARED, site->rflags & RFLAGS_COMPARED);
        CHECK_EQ(!!(frame->rflags & RFLAGS_IF), !mask);
        CHECK_EQ(frame->rsp, site->rsp);
        CHECK_EQ(frame->ss & 0xffff, FLAT_KERNEL_SS);
        CHECK_EQ(frame->rcx, TRAP_RCX);
        CHECK_EQ(frame->r11, TRAP_R11);
        CHECK_EQ(record->frame_end, site->rsp & ~15UL);
        CHECK_EQ(record->mask_inside, 1);
    }
    check_context("%s", "");
}

void check_user_trap(const struct trap_frame *frame, const struct trap_frame *before, int vector,
                     uint64_t error, uint64_t rip)
{
    check_context("(user, vector %d)", vector);
    CHECK_EQ(frame->vector, vector);
    CHECK_EQ(frame->error, error);
    CHECK_EQ(frame->rip, rip);
    CHECK_EQ(frame->cs, FLAT_USER_CS); /* RPL 3, and user mode runs unmasked */
    CHECK_EQ(frame->ss & 0xffff, FLAT_USER_SS);
    CHECK_EQ(frame->rsp, before->rsp);
    CHECK_EQ(!!(frame->rflags & RFLAGS_IF), 1);
    CHECK_EQ(frame->rbx, before->rbx);
    CHECK_EQ(frame->rbp, before->rbp);
    CHECK_EQ(frame->r15, before->r15);
    if (vector != VECTOR_SYSCALL) {
        CHECK_EQ(frame->rcx, before->rcx);
        CHECK_EQ(frame->r11, before->r11);
    }
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0); /* user_run restored it */
    check_context("%s", "");
}
