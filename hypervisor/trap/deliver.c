/* SPDX-License-Identifier: MIT */
/*
 * The frame, from high to low addresses: SS, RSP, RFLAGS, CS with the saved event mask, RIP, [error
 * code], R11, RCX (ABI). The failsafe callback has DS, ES, FS, GS in between.
 */
#include "trap/deliver.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/root.h"

#define EXCEPTIONS_WITH_ERROR_CODE 0x00227d00U /* 8, 10-14, 17, 21 */

#define GATE_MASKS_EVENTS 4U /* trap_info.flags */

#define RFLAGS_CLEARED (EFLAGS_TF | EFLAGS_RF | EFLAGS_NT | EFLAGS_VM | EFLAGS_AC | EFLAGS_IOPL)

#define EXTRA_MAX 4U /* words between RIP and R11 */

static void __attribute__((noinline)) no_stack(struct vcpu *v, uint64_t sp)
{
    domain_crash(v->domain, "vcpu %u: cannot write a frame to its stack at %016lx", v->id, sp);
}

/*
 * Writes the frame and points the registers at the handler. Inlined, so that each kind of entry has its
 * number of words as a constant: this is the way of every exception, event and system call.
 */
static inline __attribute__((always_inline)) void
enter(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address, bool mask_events,
      const unsigned nr_extra, const uint64_t *extra)
{
    struct vcpu_info *info = v->info;
    uint64_t sp = regs->rsp, cs = (uint64_t)regs->cs & ~3UL, rflags = regs->rflags, seen;
    uint64_t masked = info->evtchn_upcall_mask;
    const bool smap = machine_has_smap;

    if (!v->in_kernel) {
        cs |= 3;
        mode_to_kernel(container_of(regs, struct cpu, guest_regs), v);
        sp = v->kernel_sp;
    }
    seen = (rflags & ~(EFLAGS_IF | EFLAGS_IOPL)) | (uint64_t)!masked << EFLAGS_IF_BIT;
    if (unlikely(v->domain->vm_assist & (1U << VMASST_TYPE_architectural_iopl)))
        seen |= (uint64_t)v->iopl << 12;
    sp = (sp & ~15UL) - (7 + nr_extra) * 8;
    if (unlikely(!guest_words_ok(sp, (7 + EXTRA_MAX) * 8))) {
        no_stack(v, sp);
        return;
    }
    guest_access_begin(smap);
    GUEST_PUT(sp, 0, regs->rcx, fault);
    GUEST_PUT(sp, 8, regs->r11, fault);
    if (nr_extra > 0)
        GUEST_PUT(sp, 16, extra[0], fault);
    if (nr_extra > 1) { /* the failsafe callback's four */
        GUEST_PUT(sp, 24, extra[1], fault);
        GUEST_PUT(sp, 32, extra[2], fault);
        GUEST_PUT(sp, 40, extra[3], fault);
    }
    GUEST_PUT(sp, 16 + nr_extra * 8, regs->rip, fault);
    GUEST_PUT(sp, 24 + nr_extra * 8, cs | masked << 32, fault);
    GUEST_PUT(sp, 32 + nr_extra * 8, seen, fault);
    GUEST_PUT(sp, 40 + nr_extra * 8, regs->rsp, fault);
    GUEST_PUT(sp, 48 + nr_extra * 8, (uint64_t)regs->ss, fault);
    guest_access_end(smap);
    if (mask_events)
        info->evtchn_upcall_mask = 1;
    regs->rip = address;
    /* Whole words: what stands beside a selector means nothing to the processor. */
    *(uint64_t *)&regs->cs = SEL_GUEST_CODE;
    regs->rflags = (rflags & ~RFLAGS_CLEARED) | EFLAGS_IF;
    regs->rsp = sp;
    *(uint64_t *)&regs->ss = SEL_GUEST_DATA;
    return;
fault:
    guest_access_end(smap);
    no_stack(v, sp);
}

static void __attribute__((noinline)) no_handler(struct vcpu *v, const struct cpu_user_regs *regs,
                                                 unsigned vector, uint32_t error_code)
{
    domain_crash(v->domain, "vcpu %u: exception %u (error %x) at %016lx, and no handler for it", v->id,
                 vector, error_code, regs->rip);
}

/* Two functions, so that each needs few registers. */
HOT static void __attribute__((noinline))
enter_with_error(struct vcpu *v, struct cpu_user_regs *regs, const struct trap_info *gate,
                 uint64_t error_code)
{
    enter(v, regs, gate->address, gate->flags & GATE_MASKS_EVENTS, 1, &error_code);
}

HOT static void __attribute__((noinline))
enter_plain(struct vcpu *v, struct cpu_user_regs *regs, const struct trap_info *gate)
{
    enter(v, regs, gate->address, gate->flags & GATE_MASKS_EVENTS, 0, NULL);
}

HOT void deliver_exception(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                       uint32_t error_code)
{
    const struct trap_info *gate = &v->traps[vector];

    if (unlikely(!gate->address))
        no_handler(v, regs, vector, error_code);
    else if (vector < 32 && (EXCEPTIONS_WITH_ERROR_CODE >> vector & 1))
        enter_with_error(v, regs, gate, error_code);
    else
        enter_plain(v, regs, gate);
}

HOT void deliver_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
                        uint32_t error_code)
{
    /* Both modes are ring 3 to the processor; the guest wants to know which of its two it was. */
    error_code = v->in_kernel ? error_code & ~PF_USER : error_code | PF_USER;
    v->info->arch.cr2 = va;
    deliver_exception(v, regs, VECTOR_PF, error_code);
}

HOT void deliver_event(struct vcpu *v, struct cpu_user_regs *regs)
{
    if (likely(v->event.address))
        enter(v, regs, v->event.address, true, 0, NULL);
    else
        domain_crash(v->domain, "vcpu %u: an event, and no callback for it", v->id);
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
    const uint64_t selectors[EXTRA_MAX] = { v->segments.ds, v->segments.es, v->segments.fs,
                                            v->segments.gs };

    if (!v->failsafe.address)
        return; /* the selectors are null now; the guest finds out when it uses them */
    enter(v, regs, v->failsafe.address, v->failsafe.mask_events, EXTRA_MAX, selectors);
}

HOT void deliver_callback(struct vcpu *v, struct cpu_user_regs *regs, const struct guest_callback *to)
{
    enter(v, regs, to->address, to->mask_events, 0, NULL);
}

void deliver_fault_of_copy(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va, bool write)
{
    bool present = guest_walk(v->in_kernel ? v->kernel_root : v->user_root, va) != 0;

    deliver_page_fault(v, regs, va, (present ? PF_PRESENT : 0) | (write ? PF_WRITE : 0));
}
