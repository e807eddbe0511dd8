/* SPDX-License-Identifier: MIT */
/* Virtual interrupts: what the hypervisor itself tells a guest. */
#ifndef EVENT_VIRQ_H
#define EVENT_VIRQ_H

#include "domain/domain.h"

/* A VIRQ of a vCPU's own (timer, debug ...). Nothing happens if it has not bound it. */
void virq_raise(struct vcpu *v, unsigned virq);
/* A VIRQ that there is one of: to dom0, or whom it named. */
void virq_raise_global(unsigned virq);

/* That domain hears of it from now on; who dies does no more (one operation of domctl at a time). */
void virq_set_handler(struct domain *d, unsigned virq);
void virq_forget_handler(const struct domain *d);

static inline bool virq_is_per_vcpu(unsigned virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

#endif
