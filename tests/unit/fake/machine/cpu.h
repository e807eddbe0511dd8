/* SPDX-License-Identifier: MIT */
/*
 * Processors of the made-up machine. The real header finds them from the stack pointer; its
 * functions get other names here, and the struct stays.
 */
#ifndef FAKE_MACHINE_CPU_H
#define FAKE_MACHINE_CPU_H

#define this_cpu      this_cpu_by_stack
#define this_cpu_anew this_cpu_anew_by_stack
#define cpu_of        cpu_of_area
#define current_vcpu  current_vcpu_by_stack
#include_next "machine/cpu.h"
#undef this_cpu
#undef this_cpu_anew
#undef cpu_of
#undef current_vcpu

/* Which one the test says that we are. Work may turn up whenever it is asked (fake_preempt). */
struct cpu *this_cpu(void);
struct cpu *cpu_of(unsigned id);

static inline struct cpu *this_cpu_anew(void)
{
    return this_cpu();
}

static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}

#endif
