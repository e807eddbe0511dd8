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

/* A load of CR3 forgets all but what is global; CR4.PGE going off and on forgets that too. */
/* root 0: the one that is loaded. */
HOT static void flush_with_root(uint64_t root)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST);
    irq_state_t state = interrupts_save();

    if (!root)
        root = cpu->root; /* an interrupt may have changed it until now */

    bool globals = cpu->cr4 & CR4_PGE;
    if (globals)
        cr4_write(cpu->cr4 & ~CR4_PGE);
    if (!globals || root != cpu->root) {
        cpu->root = root;
        cr3_write(root);
    }
    if (globals)
        cr4_write(cpu->cr4);
    cpu->tlb_time = now;
    cpu->global_root = 0;
    interrupts_restore(state);
}

void tlb_flush_all(void)
{
    flush_with_root(0);
}

HOT void root_load(mfn_t root)
{
    flush_with_root(root.v << PAGE_SHIFT);
}

static void flush_here(void *va)
{
    if (va)
        tlb_invalidate_page((uint64_t)va);
    else
        tlb_flush_all();
}

HOT void tlb_flush_cpus(uint64_t mask, uint64_t va)
{
    uint64_t self = 1UL << this_cpu()->id;

    mask &= cpus_online;
    if (mask == self)
        flush_here((void *)va);
    else if (mask)
        cpus_call(mask, flush_here, (void *)va);
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
