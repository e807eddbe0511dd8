/* SPDX-License-Identifier: MIT */
/*
 * What brings a guest here, and what has to be done before it goes on.
 */
#include "domain/refuse.h"
#include "lib/string.h"
#include "machine/mode.h"
#include "machine/traps.h"
#include "memory/guest_copy.h"
#include "paging/descriptors.h"
#include "paging/writable.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "trap/decode.h"
#include "trap/deliver.h"
#include "trap/dispatch.h"
#include "trap/privileged.h"

#define VECTOR_SYSCALL_INT 0x80

#define ERROR_IDT 2U /* the error code names an entry of the IDT */

static mfn_t root_of_mode(const struct vcpu *v)
{
    return v->in_kernel ? v->kernel_root : v->user_root;
}

/* Would the access succeed now? Then a TLB was behind the tables, and the guest tries again. */
static bool access_allowed(mfn_t root, uint64_t va, uint32_t error_code)
{
    uint64_t entry = guest_walk(root, va);

    return entry && !((error_code & PF_WRITE) && !(entry & PTE_WRITE)) &&
           !((error_code & PF_FETCH) && (entry & PTE_NX));
}

bool guest_fault_is_spurious(uint64_t va, uint32_t error_code)
{
    /* In the tables that are loaded. A fault for a missing page is never stale. */
    return current_vcpu() && (error_code & PF_PRESENT) &&
           access_allowed(mfn_of_maddr(this_cpu()->root), va, error_code);
}

/* The page is there, but not for this access. True: the guest need not hear of it. */
static inline bool protection_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va, uint32_t error)
{
    if (unlikely(error & PF_RESERVED)) {
        domain_crash(v->domain, "vcpu %u: its tables have reserved bits set for %016lx", v->id, va);
        return true;
    }
    if ((error & (PF_WRITE | PF_FETCH)) == PF_WRITE && v->in_kernel &&
        (v->domain->vm_assist & (1U << VMASST_TYPE_writable_pagetables)) &&
        writable_table_store(v, regs, va))
        return true;
    return access_allowed(root_of_mode(v), va, error);
}

/* A fault inside the LDT's window: true if the page is there now, or the guest has been told. */
static bool ldt_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va)
{
    uint64_t offset = va - (v->window + LDT_WINDOW);

    if (offset >= LDT_WINDOW_BYTES)
        return false;
    if (offset >= v->ldt_entries * 8UL) {
        deliver_exception(v, regs, VECTOR_GP, (uint32_t)(offset & ~7UL) | 4);
        return true;
    }
    int rc = ldt_map_page(v, (unsigned)(offset / PAGE_SIZE));
    if (rc && rc != HYPERCALL_CONTINUE)
        deliver_page_fault(v, regs, v->ldt_base + offset, 0);
    return true;
}

/* Apart, so that the usual way (the page is missing, the guest is told) saves no registers. */
HOT static void __attribute__((noinline)) unusual_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
                                                             uint32_t error)
{
    if (unlikely(va >= HYPERVISOR_START && va < HYPERVISOR_END)) {
        if (!(error & PF_USER) && ldt_page_fault(v, regs, va))
            return;
    } else if (protection_fault(v, regs, va, error)) {
        return;
    }
    deliver_page_fault(v, regs, va, error);
}

static inline void page_fault(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t va = cr2_read();
    uint32_t error = regs->error_code;

    interrupts_on();
    if (unlikely(va >= HYPERVISOR_START && va < HYPERVISOR_END) || (error & (PF_PRESENT | PF_RESERVED)))
        unusual_page_fault(v, regs, va, error);
    else
        deliver_page_fault(v, regs, va, error);
}

/* INT n through a gate that ring 3 may not use: the guest's own gates decide. */
static void software_interrupt(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                               unsigned length)
{
    const struct trap_info *gate = &v->traps[vector];
    unsigned dpl = TI_GET_DPL(gate);

    if (gate->address && dpl >= (v->in_kernel ? 1U : 3U)) {
        regs->rip += length;
        deliver_exception(v, regs, vector, 0);
    } else {
        deliver_exception(v, regs, VECTOR_GP, vector << 3 | ERROR_IDT);
    }
}

/*
 * SYSENTER of guest user mode: its registers are never set up, so it is a #GP, and goes on from here to
 * the guest's callback. (AMD's processors do not know it in long mode: there it is #UD, as on Xen.) It keeps
 * neither RIP nor RSP: the frame has zeroes there.
 */
static bool sysenter_from_user(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint8_t bytes[2];

    if (v->in_kernel || !v->sysenter.address || !copy_from_guest(bytes, regs->rip, sizeof(bytes)) ||
        bytes[0] != 0x0f || bytes[1] != 0x34)
        return false;
    regs->rip = 0;
    regs->rsp = 0;
    regs->cs = 3;
    regs->ss = SEL_GUEST_DATA;
    deliver_callback(v, regs, &v->sysenter);
    return true;
}

static void general_protection(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint8_t bytes[INSN_BUFFER];
    struct insn insn;

    interrupts_on();
    if (regs->error_code & ERROR_IDT) {
        /* The instruction names the vector: QEMU 7.2 gives a wrong one in the error code. */
        if (insn_decode(bytes, insn_fetch(regs->rip, bytes), &insn) && !insn.two_byte &&
            insn.opcode == 0xcd) {
            software_interrupt(v, regs, insn.immediate & 0xff, insn.length);
            return;
        }
    } else if (regs->error_code == 0 &&
               (privileged_emulate(v, regs) || sysenter_from_user(v, regs))) {
        return;
    }
    deliver_exception(v, regs, VECTOR_GP, regs->error_code);
}

static void invalid_opcode(struct vcpu *v, struct cpu_user_regs *regs)
{
    interrupts_on();
    if (!cpuid_forced(v, regs))
        deliver_exception(v, regs, VECTOR_UD, 0);
}

static void device_not_available(struct vcpu *v, struct cpu_user_regs *regs)
{
    fpu_set_ts(false);
    if (!v->ts)
        return;
    v->ts = false; /* the handler need not clear it (ABI) */
    deliver_exception(v, regs, VECTOR_NM, 0);
}

static void debug_exception(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t hits = dr6_read();

    /* Bits stick until someone clears them: start the next hit afresh. */
    dr6_write(DR6_DEFAULT);
    v->dr[6] = (v->dr[6] & ~0xfUL) | ((hits ^ DR6_DEFAULT) & (0xf | DR6_BS | DR6_BD)) | DR6_DEFAULT;
    deliver_exception(v, regs, VECTOR_DB, 0);
}

static void __attribute__((noinline)) other_exception(struct vcpu *v, struct cpu_user_regs *regs)
{
    if (regs->entry_vector >= 32 && regs->entry_vector != VECTOR_SYSCALL_INT) {
        machine_interrupt(regs->entry_vector);
        return;
    }
    switch (regs->entry_vector) {
    case VECTOR_GP:
        general_protection(v, regs);
        break;
    case VECTOR_UD:
        invalid_opcode(v, regs);
        break;
    case VECTOR_NM:
        device_not_available(v, regs);
        break;
    case VECTOR_DB:
        debug_exception(v, regs);
        break;
    case VECTOR_SYSCALL_INT:
        regs->rip -= 2;
        software_interrupt(v, regs, VECTOR_SYSCALL_INT, 2);
        break;
    default:
        deliver_exception(v, regs, regs->entry_vector, regs->error_code);
    }
}

HOT void guest_exception(struct cpu_user_regs *regs)
{
    struct vcpu *v = container_of(regs, struct cpu, guest_regs)->current;

    /* A guest may set AC, and no gate clears it: with it, SMAP would be off for us. */
    guest_access_end(machine_has_smap);
    if (likely(regs->entry_vector == VECTOR_PF))
        page_fault(v, regs);
    else
        other_exception(v, regs);
}

void guest_iret_fault(unsigned vector, uint32_t error_code)
{
    struct vcpu *v = current_vcpu();
    struct cpu_user_regs *regs = &this_cpu()->guest_regs;

    uint64_t va = cr2_read();

    if (vector == VECTOR_PF && va >= HYPERVISOR_START && va < HYPERVISOR_END) {
        /* A selector of an LDT whose page is not in the window yet: then try again. */
        interrupts_on();
        bool known = ldt_page_fault(v, regs, va);
        interrupts_off();
        if (known)
            return;
    }
    /* The frame cannot be used as it is: the fault is reported at the same place, with selectors that
     * can be pushed. */
    deliver_exception(v, regs, vector, error_code);
}

void guest_debug_registers_lost(void)
{
    if (current_vcpu())
        vcpu_request_work(current_vcpu(), VCPU_WORK_DEBUG);
}

/* --- SYSCALL ----------------------------------------------------------------------------------- */

static void syscall_from_user(struct vcpu *v, struct cpu_user_regs *regs,
                              const struct guest_callback *callback)
{
    if (likely(callback->address)) {
        deliver_callback(v, regs, callback);
    } else {
        regs->rip -= 2;
        deliver_exception(v, regs, VECTOR_UD, 0);
    }
}

/* The callback may have had no stack: then there is more to do. */
static inline void deliver_event_and_look(struct vcpu *v, struct cpu_user_regs *regs)
{
    deliver_event(v, regs);
    if (unlikely(READ_ONCE(v->work)))
        guest_exit();
}

HOT bool guest_syscall(struct cpu_user_regs *regs)
{
    struct cpu *cpu = container_of(regs, struct cpu, guest_regs);
    struct vcpu *v = cpu->current;

    if (likely(v->in_kernel)) {
        interrupts_on();
        hypercall_from_guest(v, regs);
        interrupts_off();
    } else {
        syscall_from_user(v, regs, &v->syscall);
    }
    if (unlikely(READ_ONCE(cpu->work) | READ_ONCE(v->work)))
        guest_exit();
    else if (vcpu_event_deliverable(v))
        deliver_event_and_look(v, regs);
    /* SYSRET to an address that is not canonical faults in ring 0, on the guest's stack. IRET does
     * not. A marked frame wants RCX and R11 back, or other selectors. */
    return likely(!regs->entry_vector) && likely(address_is_canonical(regs->rip));
}

void guest_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current_vcpu();

    if (v->in_kernel) {
        regs->rip -= 2;
        deliver_exception(v, regs, VECTOR_UD, 0); /* 32-bit kernels are not offered */
    } else {
        syscall_from_user(v, regs, &v->syscall32);
    }
}

/* --- Before a guest runs on ---------------------------------------------------------------------- */

/* The areas are the kernel's addresses. */
static void publish_areas(struct vcpu *v)
{
    if (!v->in_kernel)
        root_load_other_side(this_cpu(), v->kernel_root);
    runstate_publish(v);
    time_area_publish(v);
    if (!v->in_kernel)
        root_load_other_side(this_cpu(), v->user_root);
}

/*
 * A selector could not be loaded when this vCPU came here. One of the LDT, whose page is not in the window:
 * it is shown, and all is loaded once more (the guest has not run since, so it is what was saved). If it
 * still cannot be, it stays null and the guest hears of it.
 */
static void load_selectors_again(struct vcpu *v, struct cpu_user_regs *regs)
{
    const uint16_t selectors[] = { v->segments.ds, v->segments.es, v->segments.fs, v->segments.gs };
    bool again = false;

    interrupts_on();
    for (unsigned i = 0; i < ARRAY_SIZE(selectors); i++) {
        if (v->bad_selectors >> i & 1)
            again |= ldt_map_selector(v, selectors[i]) == HYPERCALL_CONTINUE;
    }
    interrupts_off();
    v->bad_selectors = segments_load(&v->segments);
    if (v->bad_selectors && again)
        vcpu_request_work(v, VCPU_WORK_FAILSAFE);
    else if (v->bad_selectors)
        deliver_failsafe(v, regs);
}

static void do_vcpu_work(struct vcpu *v, struct cpu_user_regs *regs, uint32_t work)
{
    if (work & VCPU_WORK_STOP) {
        schedule();
        return;
    }
    if (work & VCPU_WORK_DROP) {
        __atomic_and_fetch(&v->work, ~VCPU_WORK_DROP, __ATOMIC_SEQ_CST);
        interrupts_on();
        /*
         * An event that waits stops it every few entries, and is delivered only when all is taken apart: so
         * this comes back until then. Each time goes on a stride, and the processor's work has its turn in
         * between, another vCPU's among it. What there is to do is what this domain's vCPUs let go.
         */
        if (!page_type_drain(v->domain))
            vcpu_request_work(v, VCPU_WORK_DROP);
        interrupts_off();
    }
    if (work & VCPU_WORK_RUNSTATE) {
        __atomic_and_fetch(&v->work, ~VCPU_WORK_RUNSTATE, __ATOMIC_SEQ_CST);
        publish_areas(v);
    }
    if (work & VCPU_WORK_DEBUG) {
        __atomic_and_fetch(&v->work, ~VCPU_WORK_DEBUG, __ATOMIC_SEQ_CST);
        debug_registers_load(v->dr);
    }
    if (work & VCPU_WORK_FAILSAFE) {
        __atomic_and_fetch(&v->work, ~VCPU_WORK_FAILSAFE, __ATOMIC_SEQ_CST);
        load_selectors_again(v, regs);
    }
    if ((work & VCPU_WORK_NMI) && !v->nmi_masked) {
        __atomic_and_fetch(&v->work, ~VCPU_WORK_NMI, __ATOMIC_SEQ_CST);
        deliver_nmi(v, regs);
    }
}

static bool nothing_to_do(const struct vcpu *v)
{
    uint32_t work = READ_ONCE(v->work);

    return likely(!work) || (work == VCPU_WORK_NMI && v->nmi_masked);
}

static void __attribute__((noinline)) guest_exit_with_work(void)
{
    for (;;) {
        struct cpu *cpu = this_cpu();
        struct vcpu *v = cpu->current;

        if (READ_ONCE(cpu->work)) {
            cpu_do_work(); /* may not come back: another vCPU, or none, goes on */
            continue;
        }
        if (!nothing_to_do(v)) {
            do_vcpu_work(v, &cpu->guest_regs, READ_ONCE(v->work));
            continue;
        }
        if (!vcpu_event_deliverable(v))
            return;
        deliver_event(v, &cpu->guest_regs);
        /* Another vCPU may clear the mask again and again: others get their turn in between. */
        interrupts_on();
        interrupts_off();
    }
}

HOT void guest_exit(void)
{
    struct cpu *cpu = this_cpu();

    if (unlikely(READ_ONCE(cpu->work) | READ_ONCE(cpu->current->work)) ||
        vcpu_event_deliverable(cpu->current))
        guest_exit_with_work();
}
