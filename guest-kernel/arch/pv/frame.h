/* SPDX-License-Identifier: MIT */
/*
 * The registers of an interrupted context, as entry.S lays them on the stack.
 *
 * From rip upwards it is what the hypervisor pushed. The bounce frame's rcx, r11 and error code are
 * moved so that what lies from rax upwards is at the same time the frame of the iret hypercall.
 */
#ifndef ARCH_PV_FRAME_H
#define ARCH_PV_FRAME_H

#include <stdint.h>

/* Vectors above the processor's own 256, for entries that are not exceptions. */
#define VECTOR_EVENT    256
#define VECTOR_SYSCALL  257
#define VECTOR_FAILSAFE 258
#define VECTOR_NONE     (-1)

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rax, r11, rcx, flags; /* flags is the iret hypercall's word, not RFLAGS */
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trap_frame) == 23 * 8, "entry.S pushes 23 words");

/* The bounce frame's CS word: selector in bits 0-15, the upcall mask of before in bits 32-39. */
static inline unsigned frame_selector(const struct trap_frame *frame)
{
    return (unsigned)(frame->cs & 0xffff);
}

static inline unsigned frame_saved_mask(const struct trap_frame *frame)
{
    return (unsigned)(frame->cs >> 32) & 0xff;
}

/* The hypervisor tells by RPL 3 that the frame belongs to guest user mode. */
static inline int frame_is_user(const struct trap_frame *frame)
{
    return (frame->cs & 3) == 3;
}

#endif
