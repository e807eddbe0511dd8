/* SPDX-License-Identifier: MIT */
/*
 * The CPUs: who am I, starting the others, giving them work.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include "arch/arch.h"

/* The number of the CPU is at the base of every stack, so no register or segment is needed for it.
 */
static inline unsigned cpu_id(void)
{
    return (unsigned)((struct stack_base *)(arch_stack_pointer() & ~(STACK_SIZE - 1)))->cpu;
}

/* Starts all CPUs that the machine has; returns how many run. */
unsigned smp_boot(void);
unsigned smp_nr_running(void);

/* Runs FUNCTION on another CPU, which must be idle. */
void smp_run(unsigned cpu, void (*function)(void *), void *argument);
/* Waits until it has returned; gives up (false) after TIMEOUT_NS. */
bool smp_wait(unsigned cpu, uint64_t timeout_ns);

#endif
