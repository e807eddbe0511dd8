/* SPDX-License-Identifier: MIT */
/*
 * The frame, from high to low addresses: SS, RSP, RFLAGS, CS with the saved event mask, RIP, [error
 * code], R11, RCX (ABI). The failsafe callback has DS, ES, FS, GS in between.
 */
#include "trap/deliver.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/root.h"

#define FRAME_WORDS_MAX 11U

#define EXCEPTIONS_WITH_ERROR_CODE 0x00227d00U /* 8, 10-14, 17, 21 */

#define GATE_MASKS_EVENTS 4U /* trap_info.flags */

#define RFLAGS_CLEARED (EFLAGS_TF | EFLAGS_RF | EFLAGS_NT | EFLAGS_VM | EFLAGS_AC | EFLAGS_IOPL)

struct entry {
    uint64_t address;
    bool mask_events;
    unsigned nr_extra; /* words between RIP and R11 */
    uint64_t extra[4];
};

static uint64_t rflags_seen(const struct vcpu *v, const struct cpu_user_regs *regs)
{
    uint64_t rflags = regs->rflags & ~(EFLAGS_IF | EFLAGS_IOPL);

    if (!v->info->evtchn_upcall_mask)
        rflags |= EFLAGS_IF;
    if (v->domain->vm_assist & (1U << VMASST_TYPE_architectural_iopl))
        rflags |= (uint64_t)v->iopl << 12;
    return rflags;
}

static void enter(struct vcpu *v, struct cpu_user_regs *regs, const struct entry *to)
{
    uint64_t frame[FRAME_WORDS_MAX];
    uint64_t sp = regs->rsp, cs = (uint64_t)regs->cs & ~3UL;
    unsigned n = 0;

    if (!v->in_kernel) {
        cs |= 3;
        mode_to_kernel(v);
        sp = v->kernel_sp;
    }
    frame[n++] = regs->rcx;
    frame[n++] = regs->r11;
    for (unsigned i = 0; i < to->nr_extra; i++)
        frame[n++] = to->extra[i];
    frame[n++] = regs->rip;
    frame[n++] = cs | (uint64_t)v->info->evtchn_upcall_mask << 32;
    frame[n++] = rflags_seen(v, regs);
    frame[n++] = regs->rsp;
    frame[n++] = regs->ss;
    sp = (sp & ~15UL) - n * 8;
    if (unlikely(!guest_range_ok(sp, n * 8)) || unlikely(!guest_copy_out(sp, frame, n * 8))) {
        domain_crash(v->domain, "vcpu %u: cannot write %u words of a frame to its stack at %016lx",
                     v->id, n, sp);
        return;
    }
    if (to->mask_events)
        v->info->evtchn_upcall_mask = 1;
    regs->rip = to->address;
    regs->cs = SEL_GUEST_CODE;
    regs->rflags = (regs->rflags & ~RFLAGS_CLEARED) | EFLAGS_IF;
    regs->rsp = sp;
    regs->ss = SEL_GUEST_DATA;
}

void deliver_exception(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                       uint32_t error_code)
{
    const struct trap_info *gate = &v->traps[vector];
    struct entry to = { .address = gate->address,
                        .mask_events = gate->flags & GATE_MASKS_EVENTS };

    if (unlikely(!to.address)) {
        domain_crash(v->domain, "vcpu %u: exception %u (error %x) at %016lx, and no handler for it",
                     v->id, vector, error_code, regs->rip);
        return;
    }
    if (vector < 32 && (EXCEPTIONS_WITH_ERROR_CODE >> vector & 1)) {
        to.nr_extra = 1;
        to.extra[0] = error_code;
    }
    enter(v, regs, &to);
}

void deliver_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
                        uint32_t error_code)
{
    /* Both modes are ring 3 to the processor; the guest wants to know which of its two it was. */
    error_code = v->in_kernel ? error_code & ~PF_USER : error_code | PF_USER;
    v->info->arch.cr2 = va;
    deliver_exception(v, regs, VECTOR_PF, error_code);
}

void deliver_event(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct entry to = { .address = v->event.address, .mask_events = true };

    if (unlikely(!to.address)) {
        domain_crash(v->domain, "vcpu %u: an event, and no callback for it", v->id);
        return;
    }
    enter(v, regs, &to);
}

void deliver_nmi(struct vcpu *v, struct cpu_user_regs *regs)
{
    if (!v->traps[VECTOR_NMI].address)
        return; /* nobody wants it */
    v->nmi_masked = true;
    deliver_exception(v, regs, VECTOR_NMI, 0);
}

void deliver_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct entry to = { .address = v->failsafe.address,
                        .mask_events = v->failsafe.mask_events,
                        .nr_extra = 4,
                        .extra = { v->segments.ds, v->segments.es, v->segments.fs,
                                   v->segments.gs } };

    if (!to.address)
        return; /* the selectors are null now; the guest finds out when it uses them */
    enter(v, regs, &to);
}

void deliver_callback(struct vcpu *v, struct cpu_user_regs *regs, const struct guest_callback *callback)
{
    struct entry to = { .address = callback->address, .mask_events = callback->mask_events };

    enter(v, regs, &to);
}

void deliver_fault_of_copy(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va, bool write)
{
    bool present = guest_walk(v->in_kernel ? v->kernel_root : v->user_root, va) != 0;

    deliver_page_fault(v, regs, va, (present ? PF_PRESENT : 0) | (write ? PF_WRITE : 0));
}
