/* SPDX-License-Identifier: MIT */
/*
 * Roots and TLBs.
 *
 * The flush clock counts full flushes of all processors. Whoever takes a frame away from its old use
 * notes the clock; before its new use begins, those processors flush whose last full flush is not
 * younger than the note. So most flushes that other reasons caused anyway are not made again.
 */
#include "machine/machine.h"
#include "machine/registers.h"

static uint64_t flush_clock = 1;

uint64_t tlb_clock_now(void)
{
    return __atomic_load_n(&flush_clock, __ATOMIC_SEQ_CST);
}

/* A load of CR3 forgets all but what is global; CR4.PGE going off and on forgets that too. root 0: the one that is
 * loaded. In line, where the answers to both are known. */
static inline __attribute__((always_inline)) void flush_with_root(struct cpu *cpu, uint64_t root)
{
    uint64_t now = __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST);
    irq_state_t state = interrupts_save(); /* until now, an interrupt may change the root */
    bool globals = cpu->cr4 & CR4_PGE;

    if (globals)
        cr4_write(cpu->cr4 & ~CR4_PGE);
    if (root && root != cpu->root) {
        cpu->root = root;
        cr3_write(root);
    } else if (!globals) {
        cr3_write(cpu->root);
    }
    if (globals)
        cr4_write(cpu->cr4);
    cpu->tlb_time = now;
    cpu->global_root = 0;
    interrupts_restore(state);
}

HOT void tlb_flush_all(void)
{
    flush_with_root(this_cpu(), 0);
}

HOT void root_load(mfn_t root)
{
    flush_with_root(this_cpu(), root.v << PAGE_SHIFT);
}

static inline __attribute__((always_inline)) void flush_here(struct cpu *cpu, uint64_t va)
{
    if (va)
        tlb_invalidate_page(va);
    else
        flush_with_root(cpu, 0);
}

static void flush_when_called(void *va)
{
    flush_here(this_cpu(), (uint64_t)va);
}

HOT void tlb_flush_cpus(uint64_t mask, uint64_t va)
{
    struct cpu *cpu = this_cpu();

    mask &= cpus_online;
    if (likely(mask == 1UL << cpu->id))
        flush_here(cpu, va);
    else if (mask)
        cpus_call(mask, flush_when_called, (void *)va);
}

void tlb_flush_since(uint64_t mask, uint64_t stamp)
{
    uint64_t stale = 0;

    for (mask &= cpus_online; mask; mask &= mask - 1) {
        unsigned id = (unsigned)__builtin_ctzl(mask);
        if (READ_ONCE(cpu_of(id)->tlb_time) <= stamp)
            stale |= 1UL << id;
    }
    if (stale)
        tlb_flush_cpus(stale, 0);
}
