/* SPDX-License-Identifier: MIT */
/*
 * The store, as a guest reaches it: a ring shared with dom0.
 *
 * ABI: struct xenstore_domain_interface, <xen/io/xs_wire.h>
 */
#ifndef DRIVERS_FRONT_XENBUS_H
#define DRIVERS_FRONT_XENBUS_H

#include "kernel/thread.h"
#include "xs/xs.h"

/* Makes xs a client by the ring. Each thread has its own; requests take turns. False: this domain
 * has no ring (dom0, or nobody gave it one). */
bool xenbus_open(struct xs *xs);

/* The bell rings whenever a watch fired. Which one is not told: look again at what you wait for. */
void xenbus_on_change(struct doorbell *bell);

#endif
