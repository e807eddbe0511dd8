/* SPDX-License-Identifier: MIT */
/* Virtual interrupts: what the hypervisor itself tells a guest. */
#ifndef EVENT_VIRQ_H
#define EVENT_VIRQ_H

#include "domain/domain.h"

/* A VIRQ of a vCPU's own (timer, debug ...). Nothing happens if it has not bound it. */
void virq_raise(struct vcpu *v, unsigned virq);
/* A VIRQ that there is one of: to dom0. */
void virq_raise_global(unsigned virq);

static inline bool virq_is_per_vcpu(unsigned virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

#endif
