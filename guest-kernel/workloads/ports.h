/* SPDX-License-Identifier: MIT */
/*
 * Event channel operations as functions, and pairs of ports that end in this same domain.
 */
#ifndef WORKLOADS_PORTS_H
#define WORKLOADS_PORTS_H

#include "arch/pv/pv.h"

/* Sending on NEAR raises FAR and the other way round. */
struct port_pair {
    evtchn_port_t near, far;
};

/* All return a port, 0, or a negative error. */
long port_alloc_unbound(domid_t domain, domid_t remote);
long port_bind_interdomain(domid_t remote, evtchn_port_t remote_port);
long port_send(evtchn_port_t port);
long port_close(evtchn_port_t port);
long port_bind_vcpu(evtchn_port_t port, unsigned vcpu);
long port_unmask(evtchn_port_t port);
/* Returns the state (EVTCHNSTAT_*) or a negative error. */
long port_status(evtchn_port_t port, struct evtchn_status *status);

/* The domain's own number. */
domid_t port_own_domid(void);

long port_pair_open(struct port_pair *pair);
void port_pair_close(const struct port_pair *pair);

#endif
