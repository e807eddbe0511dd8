/* SPDX-License-Identifier: MIT */
/*
 * One processor's state, found from the stack pointer: each stack stands in its processor's area.
 */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <xen/xen.h>
#include "lib/types.h"
#include "machine/layout.h"

struct vcpu;

/* Work to do before this processor returns to a guest; set by interrupts and by other processors. */
#define WORK_SCHEDULE   0x1UL /* the run queue has something better to do */
#define WORK_TIMERS     0x2UL /* the timer interrupt came */
#define WORK_RENDEZVOUS 0x4UL /* stop with the others, at a point where nothing is half done */
#define WORK_CONSOLE    0x8UL /* characters came in */
#define WORK_LOG        0x10UL /* there are lines to send */

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

struct cpu {
    uint64_t pad; /* makes the stack's head 16-aligned, as hardware does before it pushes */
    struct cpu_user_regs guest_regs;
    struct vcpu *current; /* whose registers guest_regs are; NULL while idle */
    uint64_t work;        /* WORK_*; changed atomically */
    uint32_t id;          /* ours: 0 is the processor that booted */
    uint32_t apic_id;
    uint64_t tlb_time; /* the flush clock at this processor's last full flush */
    uint64_t root;     /* what CR3 holds */
    uint64_t global_root; /* user root whose global entries may be in the TLB; 0: none since a flush */
    uint64_t cr4;      /* what CR4 holds */
    uint32_t held[16]; /* locks held, by rank (checked builds) */
    struct tss tss;
};

_Static_assert(offsetof(struct cpu, guest_regs) == CPU_REGS, "CPU_REGS");
_Static_assert(offsetof(struct cpu, guest_regs.rip) == CPU_REGS_RIP, "CPU_REGS_RIP");
_Static_assert(offsetof(struct cpu, guest_regs.rsp) == CPU_REGS_RSP, "CPU_REGS_RSP");
_Static_assert(offsetof(struct cpu, guest_regs.es) == CPU_STACK_TOP, "CPU_STACK_TOP");
_Static_assert(CPU_STACK_TOP % 16 == 0, "stack head");
_Static_assert(sizeof(struct cpu) <= CPU_GDT_PAGE - CPU_STRUCT, "struct cpu fits its area");

static inline struct cpu *cpu_of_stack(uint64_t sp)
{
    return (struct cpu *)((sp & ~(CPU_AREA_SIZE - 1UL)) + CPU_STRUCT);
}

static inline struct cpu *this_cpu(void)
{
    uint64_t sp;

    __asm__("movq %%rsp, %0" : "=r"(sp));
    return cpu_of_stack(sp);
}

/* The same, but found where it stands: not before the loop around it, to be kept in a register meanwhile. */
static inline struct cpu *this_cpu_anew(void)
{
    uint64_t sp;

    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
    return cpu_of_stack(sp);
}

static inline struct cpu *cpu_of(unsigned id)
{
    return (struct cpu *)(CPU_AREA_BASE + (uint64_t)id * CPU_AREA_SIZE + CPU_STRUCT);
}

static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}

static inline void cpu_request_work(struct cpu *cpu, uint64_t work)
{
    __atomic_or_fetch(&cpu->work, work, __ATOMIC_SEQ_CST);
}

#endif
