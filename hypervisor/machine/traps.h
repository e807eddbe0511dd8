/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_TRAPS_H
#define MACHINE_TRAPS_H

#include "machine/cpu.h"

void own_exception(struct cpu_user_regs *regs);
void ist_exception(struct cpu_user_regs *regs);
/* Handles a hardware interrupt and acknowledges it. */
void machine_interrupt(unsigned vector);
/* Reports the registers and stops the machine. */
void fatal_exception(const struct cpu_user_regs *regs) __attribute__((noreturn));

#endif
