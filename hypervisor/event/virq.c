/* SPDX-License-Identifier: MIT */
#include "event/virq.h"

static void raise_on(struct domain *d, unsigned vcpu, unsigned virq, unsigned notify)
{
    irq_state_t state = spin_lock_irq(&d->events.lock);
    unsigned port = d->events.virq_port[vcpu][virq];
    struct event_port look;

    if (port && event_port_look(d, port, &look))
        event_set_pending(d, port, virq_is_per_vcpu(virq) ? notify : look.vcpu);
    spin_unlock_irq(&d->events.lock, state);
}

void virq_raise(struct vcpu *v, unsigned virq)
{
    raise_on(v->domain, v->id, virq, v->id);
}

void virq_raise_global(unsigned virq)
{
    if (dom0)
        raise_on(dom0, 0, virq, 0);
}
