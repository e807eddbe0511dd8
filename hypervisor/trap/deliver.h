/* SPDX-License-Identifier: MIT */
/*
 * Entering the guest's kernel: exceptions, events and system calls all arrive as one kind of frame on
 * its stack. All of it concerns the vCPU that runs and its registers at the head of the stack.
 */
#ifndef TRAP_DELIVER_H
#define TRAP_DELIVER_H

#include "domain/domain.h"

/* Exception to the guest's handler; its domain dies if it has none, or no stack. */
void deliver_exception(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                       uint32_t error_code);
/* #PF, with the address where the guest looks for it. */
void deliver_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
                        uint32_t error_code);
void deliver_event(struct vcpu *v, struct cpu_user_regs *regs);
void deliver_nmi(struct vcpu *v, struct cpu_user_regs *regs);
void deliver_failsafe(struct vcpu *v, struct cpu_user_regs *regs);
/* Our own access to guest memory at va, for an instruction of its, failed: its #PF. */
void deliver_fault_of_copy(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va, bool write);
/* SYSCALL, SYSENTER from user mode, to a callback that the guest registered. */
void deliver_callback(struct vcpu *v, struct cpu_user_regs *regs, const struct guest_callback *to);

#endif
