/* SPDX-License-Identifier: MIT */
#ifndef TRAP_PRIVILEGED_H
#define TRAP_PRIVILEGED_H

#include "domain/domain.h"

/* #GP(0) in the guest: does what the instruction at its RIP means, if a guest may use it, and moves
 * past it. Returns false if the guest is to get its #GP. */
bool privileged_emulate(struct vcpu *v, struct cpu_user_regs *regs);

/* #UD in the guest: is it the prefix that asks for an emulated CPUID (ABI: XEN_CPUID)? Then does it. */
bool cpuid_forced(struct vcpu *v, struct cpu_user_regs *regs);

/* What CPUID tells a guest. */
void cpuid_for_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* RDMSR and WRMSR of a guest kernel. False, or an error: #GP. HYPERCALL_CONTINUE: the instruction is to be
 * run again. */
bool msr_read_for_guest(struct vcpu *v, uint32_t msr, uint64_t *value);
int msr_write_for_guest(struct vcpu *v, uint32_t msr, uint64_t value);

/* May the vCPU, in its present mode, use these ports at all? */
bool io_port_permitted(const struct vcpu *v, unsigned port, unsigned size);
uint32_t io_port_read(struct vcpu *v, unsigned port, unsigned size);
void io_port_write(struct vcpu *v, unsigned port, unsigned size, uint32_t value);

/* Debug registers, as the ABI lets guests have them. Return 0, -XEN_EINVAL, -XEN_EPERM, -XEN_ENODEV. */
long debug_register_set(struct vcpu *v, unsigned n, uint64_t value);
long debug_register_get(struct vcpu *v, unsigned n, uint64_t *value);

#endif
