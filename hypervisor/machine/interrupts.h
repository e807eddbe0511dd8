/* SPDX-License-Identifier: MIT */
/* Interrupts of this processor, on and off. */
#ifndef MACHINE_INTERRUPTS_H
#define MACHINE_INTERRUPTS_H

#include "lib/types.h"

typedef uint64_t irq_state_t;

#define EFLAGS_IF 0x200UL

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline irq_state_t interrupts_save(void)
{
    irq_state_t state;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(state)::"memory");
    return state;
}

static inline void interrupts_restore(irq_state_t state)
{
    if (state & EFLAGS_IF)
        interrupts_on();
}

static inline bool interrupts_are_on(void)
{
    irq_state_t state;

    __asm__ volatile("pushfq; popq %0" : "=r"(state)::"memory");
    return state & EFLAGS_IF;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
