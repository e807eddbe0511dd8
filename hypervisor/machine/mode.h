/* SPDX-License-Identifier: MIT */
/* What a change between the guest's two modes does to the processor; inlined into each entry. */
#ifndef MACHINE_MODE_H
#define MACHINE_MODE_H

#include "machine/machine.h"
#include "machine/registers.h"

/* Exchanges the two GS bases. */
static inline void gs_swap(void)
{
    __asm__ volatile("swapgs" ::: "memory");
}

/* Loads the other root of the same address space, global entries stay. Nothing if it is loaded. */
static inline void root_load_other_side(struct cpu *cpu, mfn_t root)
{
    uint64_t maddr = root.v << PAGE_SHIFT;

    if (maddr != cpu->root) {
        cpu->root = maddr;
        cr3_write(maddr);
    }
}

#endif
