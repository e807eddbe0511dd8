/* SPDX-License-Identifier: MIT */
/*
 * Event channels to other domains.
 *
 * ABI: EVTCHNOP_bind_interdomain, EVTCHNOP_alloc_unbound, EVTCHNOP_send, <xen/event_channel.h>
 */
#ifndef DRIVERS_FRONT_PORT_H
#define DRIVERS_FRONT_PORT_H

#include <xen/xen.h>

#include "kernel/thread.h"

/* From now on an event sets the flag and rings the bell. Then the port is silent until port_again: who sends all the
 * time keeps nobody from working. Without a flag (NULL) each event rings, and there is no need of port_again. */
void port_listen(long port, volatile bool *flag, struct doorbell *bell);
void port_again(long port);
/* Joins a port of ours with one that the other allocated for us, and listens. Returns it, or a
 * negative error. */
long port_join(domid_t domid, uint32_t remote_port, volatile bool *flag, struct doorbell *bell);
/* A port that waits for one of the other's. Returns it, or a negative error. */
long port_alloc(domid_t domid);
void port_leave(long port);
void port_notify(long port);
/* How many ports of ours are in use, whatever for. */
unsigned ports_count(void);

#endif
