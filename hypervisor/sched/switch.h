/* SPDX-License-Identifier: MIT */
/* A vCPU's registers: into this processor, and out of it. Interrupts off. */
#ifndef SCHED_SWITCH_H
#define SCHED_SWITCH_H

#include "domain/domain.h"

void vcpu_state_save(struct vcpu *v);
void vcpu_state_load(struct vcpu *v);

/* The processor that a vCPU ran on last forgets its root and registers. It is paused. Interrupts on. */
void vcpu_unload(struct vcpu *v);

/* The processors of a mask forget the domain's roots and registers: none of its vCPUs runs. */
void domain_forget_roots(struct domain *d);

#endif
