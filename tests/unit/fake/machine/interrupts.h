/* SPDX-License-Identifier: MIT */
/* Interrupts of the made-up machine: a flag that tests can look at. */
#ifndef MACHINE_INTERRUPTS_H
#define MACHINE_INTERRUPTS_H

#include "lib/types.h"

typedef uint64_t irq_state_t;

#define EFLAGS_IF 0x200UL

extern _Thread_local bool fake_interrupts;

static inline void interrupts_off(void)
{
    fake_interrupts = false;
}

static inline void interrupts_on(void)
{
    fake_interrupts = true;
}

static inline irq_state_t interrupts_save(void)
{
    irq_state_t state = fake_interrupts ? EFLAGS_IF : 0;

    fake_interrupts = false;
    return state;
}

static inline void interrupts_restore(irq_state_t state)
{
    if (state & EFLAGS_IF)
        fake_interrupts = true;
}

static inline bool interrupts_are_on(void)
{
    return fake_interrupts;
}

/* Nobody else runs: a lock that one waits for is never given back. */
void cpu_relax(void);

#endif
