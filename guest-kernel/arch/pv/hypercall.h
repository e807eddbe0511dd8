/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: one function each, through the page that the hypervisor filled.
 *
 * Arguments may come back changed (a call that was interrupted and continued rewrites them), so
 * every register that carries one is an output too.
 *
 * ABI: <xen/xen.h>, section "HYPERCALLS"
 */
#ifndef ARCH_PV_HYPERCALL_H
#define ARCH_PV_HYPERCALL_H

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

/* A hypercall whose number is known when compiling: a call into the hypercall page. */
#define HYPERCALL_STUB(nr, a1, a2, a3, a4, a5)                                                     \
    ({                                                                                             \
        register unsigned long rdi_ asm("rdi") = (unsigned long)(a1);                              \
        register unsigned long rsi_ asm("rsi") = (unsigned long)(a2);                              \
        register unsigned long rdx_ asm("rdx") = (unsigned long)(a3);                              \
        register unsigned long r10_ asm("r10") = (unsigned long)(a4);                              \
        register unsigned long r8_ asm("r8") = (unsigned long)(a5);                                \
        long rax_;                                                                                 \
        asm volatile("call hypercall_page + %c[offset]"                                            \
                     : "=a"(rax_), "+r"(rdi_), "+r"(rsi_), "+r"(rdx_), "+r"(r10_), "+r"(r8_)       \
                     : [offset] "i"((nr)*32)                                                       \
                     : "rcx", "r11", "memory", "cc");                                              \
        rax_;                                                                                      \
    })

/* A hypercall whose number is computed: the instruction itself, which may stand anywhere. */
static inline long hypercall_any(unsigned long nr, unsigned long a1, unsigned long a2,
                                 unsigned long a3, unsigned long a4, unsigned long a5)
{
    register unsigned long r10 asm("r10") = a4;
    register unsigned long r8 asm("r8") = a5;
    long result;

    asm volatile("syscall"
                 : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                 : "0"(nr)
                 : "rcx", "r11", "memory", "cc");
    return result;
}

static inline long hypercall_set_trap_table(const struct trap_info *table)
{
    return HYPERCALL_STUB(__HYPERVISOR_set_trap_table, table, 0, 0, 0, 0);
}

static inline long hypercall_mmu_update(const mmu_update_t *list, unsigned count, unsigned *done,
                                        domid_t foreign)
{
    return HYPERCALL_STUB(__HYPERVISOR_mmu_update, list, count, done, foreign, 0);
}

static inline long hypercall_set_gdt(const unsigned long *frames, unsigned entries)
{
    return HYPERCALL_STUB(__HYPERVISOR_set_gdt, frames, entries, 0, 0, 0);
}

static inline long hypercall_stack_switch(unsigned long ss, unsigned long sp)
{
    return HYPERCALL_STUB(__HYPERVISOR_stack_switch, ss, sp, 0, 0, 0);
}

static inline long hypercall_fpu_taskswitch(int set)
{
    return HYPERCALL_STUB(__HYPERVISOR_fpu_taskswitch, set, 0, 0, 0, 0);
}

static inline long hypercall_set_debugreg(int reg, unsigned long value)
{
    return HYPERCALL_STUB(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0);
}

static inline long hypercall_get_debugreg(int reg)
{
    return HYPERCALL_STUB(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0);
}

static inline long hypercall_update_descriptor(uint64_t maddr, uint64_t descriptor)
{
    return HYPERCALL_STUB(__HYPERVISOR_update_descriptor, maddr, descriptor, 0, 0, 0);
}

static inline long hypercall_memory_op(unsigned op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_memory_op, op, arg, 0, 0, 0);
}

static inline long hypercall_multicall(multicall_entry_t *list, unsigned count)
{
    return HYPERCALL_STUB(__HYPERVISOR_multicall, list, count, 0, 0, 0);
}

static inline long hypercall_update_va_mapping(unsigned long va, uint64_t pte, unsigned long flags)
{
    return HYPERCALL_STUB(__HYPERVISOR_update_va_mapping, va, pte, flags, 0, 0);
}

static inline long hypercall_set_timer_op(uint64_t deadline_ns)
{
    return HYPERCALL_STUB(__HYPERVISOR_set_timer_op, deadline_ns, 0, 0, 0, 0);
}

static inline long hypercall_xen_version(unsigned op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_xen_version, op, arg, 0, 0, 0);
}

static inline long hypercall_console_io(unsigned op, unsigned count, void *buffer)
{
    return HYPERCALL_STUB(__HYPERVISOR_console_io, op, count, buffer, 0, 0);
}

static inline long hypercall_vm_assist(unsigned cmd, unsigned type)
{
    return HYPERCALL_STUB(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

static inline long hypercall_vcpu_op(int op, unsigned vcpu, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_vcpu_op, op, vcpu, arg, 0, 0);
}

static inline long hypercall_set_segment_base(int which, unsigned long base)
{
    return HYPERCALL_STUB(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static inline long hypercall_mmuext_op(struct mmuext_op *list, unsigned count, unsigned *done,
                                       domid_t foreign)
{
    return HYPERCALL_STUB(__HYPERVISOR_mmuext_op, list, count, done, foreign, 0);
}

static inline long hypercall_sched_op(int op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_sched_op, op, arg, 0, 0, 0);
}

static inline long hypercall_callback_op(int op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_callback_op, op, arg, 0, 0, 0);
}

static inline long hypercall_event_channel_op(int op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_event_channel_op, op, arg, 0, 0, 0);
}

static inline long hypercall_grant_table_op(unsigned op, void *list, unsigned count)
{
    return HYPERCALL_STUB(__HYPERVISOR_grant_table_op, op, list, count, 0, 0);
}

static inline long hypercall_physdev_op(int op, void *arg)
{
    return HYPERCALL_STUB(__HYPERVISOR_physdev_op, op, arg, 0, 0, 0);
}

#endif
