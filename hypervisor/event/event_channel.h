/* SPDX-License-Identifier: MIT */
/*
 * Event channels, the 2-level ABI: 4096 ports a domain, a bit each.
 *
 * ABI: event_channel_op, <xen/event_channel.h>
 */
#ifndef EVENT_EVENT_CHANNEL_H
#define EVENT_EVENT_CHANNEL_H

#include <xen/xen.h>
#include <xen/event_channel.h>
#include "lib/spinlock.h"
#include "lib/types.h"

struct domain;
struct vcpu;

#define EVENT_PORTS           4096U
#define EVENT_PORTS_PER_CHUNK 128U
#define EVENT_CHUNKS          (EVENT_PORTS / EVENT_PORTS_PER_CHUNK)

/*
 * One word: a sender reads it whole, without the lock. Changed under the lock.
 */
struct event_port {
    uint8_t state; /* EVTCHNSTAT_* */
    uint8_t virq;
    uint16_t vcpu;          /* whom it notifies */
    uint16_t remote_domain; /* interdomain: the other side; unbound: who may bind it */
    uint16_t remote_port;   /* interdomain */
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct event_port) == sizeof(uint64_t), "read as one word");

struct domain_events {
    struct spinlock lock;
    struct event_port *chunks[EVENT_CHUNKS]; /* made as needed, kept until the domain goes */
    uint32_t pollers;                        /* vCPUs that poll; atomic */
    uint64_t used[EVENT_PORTS / 64];         /* a bit for each port that is not closed */
    unsigned max_port;                       /* the highest that it may have */
    bool closing;                            /* the domain goes: no new ports */
    uint16_t virq_port[32][NR_VIRQS];        /* [vcpu][virq]: the port, 0: not bound */
};

void domain_events_init(struct domain *d);
/*
 * When a domain goes, in two steps, while domain_by_id still finds it: closes all ports, and none can be
 * opened any more; returns false if it stopped early and is to be called again. Then frees the chunks,
 * once nobody can be sending who found a port of this domain before (senders take no lock).
 */
bool domain_events_close(struct domain *d);
void domain_events_free(struct domain *d);

/* Sets the port pending for its vCPU, unless masked; wakes it. No lock needed: the caller knows that
 * the port stays bound. */
void event_set_pending(struct domain *d, unsigned port, unsigned vcpu);

/* For dumps and tests: a copy of the port's state; false: no such port. */
bool event_port_look(struct domain *d, unsigned port, struct event_port *out);

/* Is the port one that exists? (Any bound or free port below the limit; 0 never is.) */
bool event_port_exists(struct domain *d, unsigned port);

#endif
