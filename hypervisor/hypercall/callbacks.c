/* SPDX-License-Identifier: MIT */
/*
 * How a guest wants to be entered, and how it goes back: trap table, callbacks, stack, iret.
 */
#include <xen/callback.h>
#include <xen/nmi.h>
#include "domain/refuse.h"
#include "domain/vcpu.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/descriptors.h"
#include "paging/root.h"
#include "trap/privileged.h"


/* ABI: set_trap_table(list of struct trap_info, ended by address 0); NULL: clears all. */
HYPERCALL(set_trap_table)
{
    struct vcpu *v = current_vcpu();
    struct trap_info t;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!a) {
        memset(v->traps, 0, sizeof(v->traps));
        return 0;
    }
    for (uint64_t at = a;; at += sizeof(t)) {
        if (at != a && preempt_needed())
            return hypercall_again(1, at, 0, 0, 0);
        if (!copy_from_guest(&t, at, sizeof(t)))
            return refuse(v->domain, XEN_EFAULT, "set_trap_table: %016lx cannot be read", at);
        if (!t.address)
            return 0;
        if (!address_is_canonical(t.address))
            return refuse(v->domain, XEN_EINVAL, "set_trap_table: handler of %u at %016lx", t.vector,
                          (uint64_t)t.address);
        v->traps[t.vector] = t;
    }
}

/* ABI: stack_switch(ss, sp). */
HOT HYPERCALL(stack_switch)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    v->kernel_ss = (uint16_t)(a | 3);
    v->kernel_sp = b;
    return 0;
}

/* ABI: set_callbacks(event, failsafe, syscall), the older form of callback_op. */
HYPERCALL(set_callbacks)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!address_is_canonical(a) || !address_is_canonical(b) || !address_is_canonical(c))
        return refuse(v->domain, XEN_EINVAL, "set_callbacks: %016lx %016lx %016lx", a, b, c);
    v->event = (struct guest_callback){ a, true };
    v->failsafe = (struct guest_callback){ b, false };
    v->syscall = (struct guest_callback){ c, false };
    return 0;
}

static struct guest_callback *callback_of(struct vcpu *v, unsigned type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &v->event;
    case CALLBACKTYPE_failsafe:
        return &v->failsafe;
    case CALLBACKTYPE_syscall:
        return &v->syscall;
    case CALLBACKTYPE_sysenter:
        return &v->sysenter;
    case CALLBACKTYPE_syscall32:
        return &v->syscall32;
    }
    return NULL;
}

static long register_callback(struct vcpu *v, const struct callback_register *reg)
{
    struct guest_callback *callback = callback_of(v, reg->type);

    if (!address_is_canonical(reg->address))
        return refuse(v->domain, XEN_EINVAL, "callback %u at %016lx", reg->type,
                      (uint64_t)reg->address);
    if (reg->type == CALLBACKTYPE_nmi) {
        v->traps[VECTOR_NMI] = (struct trap_info){ .vector = VECTOR_NMI,
                                                   .cs = SEL_GUEST_CODE,
                                                   .address = reg->address };
        return 0;
    }
    if (!callback)
        return refuse(v->domain, XEN_ENOSYS, "no callback of type %u", reg->type);
    *callback = (struct guest_callback){ reg->address, reg->flags & CALLBACKF_mask_events };
    return 0;
}

static long unregister_callback(struct vcpu *v, const struct callback_unregister *unreg)
{
    if (unreg->type == CALLBACKTYPE_nmi) {
        v->traps[VECTOR_NMI].address = 0;
        return 0;
    }
    if (callback_of(v, unreg->type))
        return refuse(v->domain, XEN_EINVAL, "callback %u cannot be unregistered", unreg->type);
    return refuse(v->domain, XEN_ENOSYS, "no callback of type %u", unreg->type);
}

/* ABI: callback_op(cmd, argument). */
HYPERCALL(callback_op)
{
    struct vcpu *v = current_vcpu();
    struct callback_register reg;
    struct callback_unregister unreg;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    switch (a) {
    case CALLBACKOP_register:
        if (!copy_from_guest(&reg, b, sizeof(reg)))
            return -XEN_EFAULT;
        return register_callback(v, &reg);
    case CALLBACKOP_unregister:
        if (!copy_from_guest(&unreg, b, sizeof(unreg)))
            return -XEN_EFAULT;
        return unregister_callback(v, &unreg);
    }
    return -XEN_ENOSYS;
}

/* ABI: nmi_op(cmd, argument). */
HYPERCALL(nmi_op)
{
    struct vcpu *v = current_vcpu();
    struct xennmi_callback callback;
    struct callback_register reg = { .type = CALLBACKTYPE_nmi };

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    switch (a) {
    case XENNMI_register_callback:
        if (!copy_from_guest(&callback, b, sizeof(callback)))
            return -XEN_EFAULT;
        reg.address = callback.handler_address;
        return register_callback(v, &reg);
    case XENNMI_unregister_callback:
        v->traps[VECTOR_NMI].address = 0;
        return 0;
    }
    return -XEN_ENOSYS;
}

static long __attribute__((noinline)) iret_refused(struct vcpu *v, const char *why)
{
    domain_crash(v->domain, "vcpu %u: iret: %s (rsp %016lx)", v->id, why,
                 this_cpu()->guest_regs.rsp);
    return 0;
}

/*
 * ABI: iret, with a struct iret_context at the guest's RSP. What it returns becomes RAX, like any
 * hypercall's answer: so it is the frame's.
 */
/* Of the frame at "at". */
#define FRAME_GET(value, member) GUEST_GET(value, at, offsetof(struct iret_context, member), fault)

HOT HYPERCALL(iret)
{
    struct cpu *cpu = this_cpu();
    struct vcpu *v = cpu->current;
    struct cpu_user_regs *regs = &cpu->guest_regs;
    const uint64_t at = regs->rsp;
    const bool smap = machine_has_smap;
    uint64_t word, flags, rflags, cs;

    UNUSED_ARGUMENT(a);
    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (unlikely(!guest_words_ok(at, sizeof(struct iret_context))))
        return iret_refused(v, "the frame lies in the hypervisor");
    /* Each word goes where it belongs at once: if one cannot be read, the domain ends anyway. */
    guest_access_begin(smap);
    FRAME_GET(flags, flags);
    if (!(flags & VGCF_in_syscall)) {
        FRAME_GET(word, r11);
        regs->r11 = word;
        FRAME_GET(word, rcx);
        regs->rcx = word;
        regs->entry_vector = 1; /* SYSRET would take RCX and R11 */
    }
    FRAME_GET(word, rip);
    regs->rip = word;
    FRAME_GET(word, rsp);
    regs->rsp = word;
    /* Whole words: what stands beside a selector means nothing to the processor. */
    FRAME_GET(word, ss);
    *(uint64_t *)&regs->ss = word | 3;
    FRAME_GET(cs, cs);
    *(uint64_t *)&regs->cs = cs | 3;
    FRAME_GET(rflags, rflags);
    regs->rflags = (rflags & ~(EFLAGS_IOPL | EFLAGS_VM)) | EFLAGS_IF | 2;
    FRAME_GET(word, rax);
    guest_access_end(smap);

    if (unlikely(regs->cs != SEL_GUEST_CODE || regs->ss != SEL_GUEST_DATA))
        regs->entry_vector = 1; /* SYSRET brings its own selectors */
    if (unlikely(v->domain->vm_assist & (1U << VMASST_TYPE_architectural_iopl)))
        v->iopl = (unsigned)(rflags >> 12 & 3);
    v->nmi_masked = false;
    v->info->evtchn_upcall_mask = !(rflags & EFLAGS_IF);
    if ((cs & 3) == 3) {
        if (unlikely(!v->user_root.v))
            return iret_refused(v, "to user mode without a user root");
        mode_to_user(cpu, v);
    }
    return (long)word;
fault:
    guest_access_end(smap);
    return iret_refused(v, "no frame can be read");
}

/* ABI: set_segment_base(which, base). */
HOT HYPERCALL(set_segment_base)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (a < SEGBASE_GS_USER_SEL && !address_is_canonical(b))
        return refuse(v->domain, XEN_EINVAL, "segment base %016lx", b);
    switch (a) {
    case SEGBASE_FS:
        msr_write(MSR_FS_BASE, b);
        return 0;
    case SEGBASE_GS_USER:
        msr_write(MSR_KERNEL_GS_BASE, b);
        return 0;
    case SEGBASE_GS_KERNEL:
        msr_write(MSR_GS_BASE, b);
        return 0;
    case SEGBASE_GS_USER_SEL: {
        /* A selector that cannot be loaded is null, and that is no error (ABI). */
        if (ldt_map_selector(v, (uint16_t)b) == HYPERCALL_CONTINUE)
            return hypercall_again(2, a, b, 0, 0);
        irq_state_t state = interrupts_save();
        gs_selector_load((uint16_t)b);
        interrupts_restore(state);
        return 0;
    }
    }
    return -XEN_EINVAL;
}

/* ABI: fpu_taskswitch(set). */
HYPERCALL(fpu_taskswitch)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    v->ts = a != 0;
    fpu_set_ts(v->ts);
    return 0;
}

/* ABI: set_debugreg(number, value). */
HYPERCALL(set_debugreg)
{
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    return debug_register_set(current_vcpu(), (unsigned)MIN(a, 8UL), b);
}

/* ABI: get_debugreg(number). */
HYPERCALL(get_debugreg)
{
    uint64_t value = 0;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    long rc = debug_register_get(current_vcpu(), (unsigned)MIN(a, 8UL), &value);
    return rc ? rc : (long)value;
}

/* ABI: vm_assist(cmd, type). */
HYPERCALL(vm_assist)
{
    struct domain *dom = current_domain();

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (a != VMASST_CMD_enable && a != VMASST_CMD_disable)
        return -XEN_ENOSYS;
    if (b >= 64 || !(VM_ASSIST_OFFERED >> b & 1))
        return refuse(dom, XEN_EINVAL, "vm_assist: no type %lu", b);
    if (a == VMASST_CMD_enable)
        __atomic_or_fetch(&dom->vm_assist, 1UL << b, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(&dom->vm_assist, ~(1UL << b), __ATOMIC_SEQ_CST);
    return 0;
}
