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

/* Who hears of a global VIRQ; NULL: dom0. */
static struct domain *handlers[NR_VIRQS];

void virq_raise_global(unsigned virq)
{
    struct domain *d = __atomic_load_n(&handlers[virq], __ATOMIC_ACQUIRE);

    if (!d)
        d = dom0;
    if (d)
        raise_on(d, 0, virq, 0);
}

void virq_set_handler(struct domain *d, unsigned virq)
{
    __atomic_store_n(&handlers[virq], d, __ATOMIC_RELEASE);
}

void virq_forget_handler(const struct domain *d)
{
    for (unsigned i = 0; i < NR_VIRQS; i++) {
        if (handlers[i] == d)
            virq_set_handler(NULL, i);
    }
}
