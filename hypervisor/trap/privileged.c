/* SPDX-License-Identifier: MIT */
/*
 * Instructions that fault in ring 3 and that guests use nonetheless. Few: whoever knows the ABI asks by
 * hypercall. Everything that is not here is the guest's #GP.
 */
#include "trap/privileged.h"
#include "domain/refuse.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/root.h"
#include "trap/deliver.h"
#include "trap/decode.h"

#define CR0_SEEN (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)
#define CR4_WRITABLE (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)

struct emulation {
    struct vcpu *v;
    struct cpu_user_regs *regs;
    struct insn insn;
};

static void skip_instruction(struct emulation *e)
{
    e->regs->rip += e->insn.length;
}

/* --- Ports --- */

static bool port_to_register(struct emulation *e, unsigned port, bool in)
{
    unsigned size = e->insn.size;

    if (!io_port_permitted(e->v, port, size))
        return false;
    if (!in) {
        io_port_write(e->v, port, size, (uint32_t)(e->regs->rax & size_mask(size)));
    } else {
        uint64_t value = io_port_read(e->v, port, size) & size_mask(size);
        e->regs->rax = size == 4 ? value : (e->regs->rax & ~size_mask(size)) | value;
    }
    skip_instruction(e);
    return true;
}

/* INS and OUTS, an element a time. */
static bool port_to_memory(struct emulation *e, bool in)
{
    struct cpu_user_regs *regs = e->regs;
    unsigned size = e->insn.size, port = regs->rdx & 0xffff;
    uint64_t step = regs->rflags & EFLAGS_DF ? -(uint64_t)size : size;
    uint64_t at = in ? regs->rdi : regs->rsi;
    bool repeat = e->insn.rep || e->insn.repne;
    uint32_t value = 0;

    if (!io_port_permitted(e->v, port, size))
        return false;
    if (repeat && !regs->rcx) {
        skip_instruction(e);
        return true;
    }
    if (in) {
        value = io_port_read(e->v, port, size);
        if (!copy_to_guest(at, &value, size)) {
            deliver_fault_of_copy(e->v, regs, at, true);
            return true;
        }
        regs->rdi += step;
    } else {
        if (!copy_from_guest(&value, at, size)) {
            deliver_fault_of_copy(e->v, regs, at, false);
            return true;
        }
        io_port_write(e->v, port, size, value);
        regs->rsi += step;
    }
    if (!repeat || --regs->rcx == 0)
        skip_instruction(e);
    return true;
}

static bool emulate_port(struct emulation *e)
{
    unsigned op = e->insn.opcode, dx = e->regs->rdx & 0xffff, immediate = e->insn.immediate & 0xff;

    switch (op & 0xfe) {
    case 0x6c:
        return port_to_memory(e, true);
    case 0x6e:
        return port_to_memory(e, false);
    case 0xe4:
        return port_to_register(e, immediate, true);
    case 0xe6:
        return port_to_register(e, immediate, false);
    case 0xec:
        return port_to_register(e, dx, true);
    case 0xee:
        return port_to_register(e, dx, false);
    case 0xfa: /* cli, sti: a guest with the right to ports may say it; events have their own mask */
        if (e->v->iopl < (e->v->in_kernel ? 1U : 3U))
            return false;
        skip_instruction(e);
        return true;
    }
    return false;
}

/* --- Control and debug registers --- */

static bool read_control(struct emulation *e, uint64_t *value)
{
    struct vcpu *v = e->v;

    switch (e->insn.reg) {
    case 0:
        *value = CR0_SEEN | (v->ts ? CR0_TS : 0);
        return true;
    case 2:
        *value = v->info->arch.cr2;
        return true;
    case 3:
        *value = v->kernel_root.v << PAGE_SHIFT;
        return true;
    case 4:
        *value = v->cr4;
        return true;
    }
    return false;
}

static void set_ts(struct vcpu *v, bool ts)
{
    v->ts = ts;
    fpu_set_ts(ts);
}

static bool write_cr4(struct vcpu *v, uint64_t value)
{
    struct cpu *cpu = this_cpu();
    uint64_t wanted = value & CR4_WRITABLE;

    if (((value ^ v->cr4) & ~CR4_WRITABLE) && value >> 32)
        return false;
    if (!machine_has_fsgsbase)
        wanted &= ~CR4_FSGSBASE;
    if (!fpu_xcr0_allowed())
        wanted &= ~CR4_OSXSAVE;
    v->cr4 = (v->cr4 & ~CR4_WRITABLE) | wanted;
    cpu->cr4 = (cpu->cr4 & ~(CR4_TSD | CR4_FSGSBASE)) | (wanted & (CR4_TSD | CR4_FSGSBASE));
    cr4_write(cpu->cr4);
    return true;
}

static bool write_control(struct emulation *e, uint64_t value)
{
    struct vcpu *v = e->v;

    switch (e->insn.reg) {
    case 0:
        if ((value ^ CR0_SEEN) & ~CR0_TS)
            return false;
        set_ts(v, value & CR0_TS);
        return true;
    case 2:
        v->info->arch.cr2 = value;
        return true;
    case 3: {
        int rc = root_set_kernel(v, mfn_of_maddr(value));
        if (rc == HYPERCALL_CONTINUE)
            e->regs->rip -= e->insn.length; /* once more; what runs in between is not the guest */
        return rc == 0 || rc == HYPERCALL_CONTINUE;
    }
    case 4:
        return write_cr4(v, value);
    }
    return false;
}

static bool emulate_moves(struct emulation *e)
{
    uint64_t *reg = insn_register(e->regs, e->insn.rm);
    uint64_t value;

    switch (e->insn.opcode) {
    case 0x20:
        if (!read_control(e, &value))
            return false;
        *reg = value;
        break;
    case 0x21:
        if (debug_register_get(e->v, e->insn.reg, &value))
            return false;
        *reg = value;
        break;
    case 0x22:
        if (!write_control(e, *reg))
            return false;
        break;
    default:
        if (debug_register_set(e->v, e->insn.reg, *reg))
            return false;
    }
    skip_instruction(e);
    return true;
}

/* --- The rest --- */

static bool emulate_xsetbv(struct emulation *e)
{
    uint64_t value = (e->regs->rdx & 0xffffffff) << 32 | (e->regs->rax & 0xffffffff);

    if (!(e->v->cr4 & CR4_OSXSAVE)) {
        deliver_exception(e->v, e->regs, VECTOR_UD, 0);
        return true;
    }
    if ((uint32_t)e->regs->rcx != 0 || !(value & 1) || (value & ~fpu_xcr0_allowed()) ||
        ((value & 4) && !(value & 2)))
        return false;
    e->v->xcr0 = value;
    fpu_xcr0_set(value);
    skip_instruction(e);
    return true;
}

static bool emulate_wrmsr(struct emulation *e)
{
    struct cpu_user_regs *regs = e->regs;
    uint64_t value = (regs->rdx & 0xffffffff) << 32 | (regs->rax & 0xffffffff);
    int rc = msr_write_for_guest(e->v, (uint32_t)regs->rcx, value);

    if (rc == HYPERCALL_CONTINUE)
        return true; /* once more; what runs in between is not the guest */
    if (rc)
        return false;
    skip_instruction(e);
    return true;
}

static bool emulate_rdmsr(struct vcpu *v, struct cpu_user_regs *regs, unsigned length)
{
    uint64_t value;

    if (!msr_read_for_guest(v, (uint32_t)regs->rcx, &value))
        return false;
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
    regs->rip += length;
    return true;
}

static bool emulate_two_byte(struct emulation *e)
{
    switch (e->insn.opcode) {
    case 0x01:
        return e->insn.mod == 3 && (e->insn.reg & 7) == 2 && (e->insn.rm & 7) == 1 &&
               emulate_xsetbv(e);
    case 0x06:
        set_ts(e->v, false);
        break;
    case 0x09:
        if (e->v->domain->privileged)
            __asm__ volatile("wbinvd" ::: "memory");
        break;
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
        return emulate_moves(e);
    case 0x30:
        return emulate_wrmsr(e);
    case 0x32:
        return emulate_rdmsr(e->v, e->regs, e->insn.length);
    case 0x31: { /* the guest asked for this by CR4.TSD; its own kernel may still read it */
        uint64_t tsc = tsc_now();
        e->regs->rax = (uint32_t)tsc;
        e->regs->rdx = tsc >> 32;
        break;
    }
    default:
        return false;
    }
    skip_instruction(e);
    return true;
}

bool privileged_emulate(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint8_t bytes[INSN_BUFFER];
    unsigned nr = insn_fetch(regs->rip, bytes);

    /* Bare: Linux reads a base by it at each switch of processes, and there is nothing to decode. */
    if (likely(nr >= 2 && bytes[0] == 0x0f && bytes[1] == 0x32))
        return v->in_kernel && emulate_rdmsr(v, regs, 2);
    struct emulation e = { v, regs, { 0 } };
    if (!insn_decode(bytes, nr, &e.insn))
        return false;
    if (!e.insn.two_byte)
        return emulate_port(&e);
    return v->in_kernel && emulate_two_byte(&e);
}

long debug_register_set(struct vcpu *v, unsigned n, uint64_t value)
{
    if (n == 4 || n == 5) {
        if (v->cr4 & CR4_DE)
            return -XEN_ENODEV;
        n += 2;
    }
    switch (n) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (!guest_address_ok(value))
            return refuse(v->domain, XEN_EPERM, "breakpoint at %016lx", value);
        break;
    case 6:
        if (value >> 32)
            return -XEN_EINVAL;
        value = (value & ~0x1000UL) | DR6_DEFAULT;
        break;
    case 7:
        if (value >> 32)
            return -XEN_EINVAL;
        if (value & DR7_GD)
            return -XEN_EPERM;
        for (unsigned i = 0; i < 4; i++) {
            if ((value >> (16 + 4 * i) & 3) == 2 && !(v->cr4 & CR4_DE))
                return -XEN_EPERM;
        }
        value = (value & ~0xd800UL) | DR7_DEFAULT;
        break;
    default:
        return -XEN_ENODEV;
    }
    v->dr[n] = value;
    if (v == current_vcpu())
        debug_registers_load(v->dr);
    return 0;
}

long debug_register_get(struct vcpu *v, unsigned n, uint64_t *value)
{
    if (n == 4 || n == 5) {
        if (v->cr4 & CR4_DE)
            return -XEN_ENODEV;
        n += 2;
    }
    if (n > 7)
        return -XEN_ENODEV;
    *value = v->dr[n];
    return 0;
}
