/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_REPORT_H
#define DOMAIN_REPORT_H

#include "domain/domain.h"

/* Prints a vCPU's registers and the top of its stack. */
void report_vcpu(struct vcpu *v, const struct cpu_user_regs *regs);

/* Debug keys, on the serial line and by sysctl. */
void report_key(char key);

/* Audits with all processors stopped; prints "audit: N frames, E errors". */
void report_audit(void);

#endif
