/* SPDX-License-Identifier: MIT */
/*
 * What the store asks of the kernel it is linked into. None of these may call back into the store.
 */
#ifndef XENSTORE_LITE_PORT_H
#define XENSTORE_LITE_PORT_H

#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/xs_wire.h>

enum store_life {
    STORE_DOMAIN_RUNNING,
    STORE_DOMAIN_STOPPED, /* shut down or crashed, but still there: may be resumed */
    STORE_DOMAIN_GONE,    /* dying, or no such domain */
};

struct store_port {
    /* The ring page of a domain, by the guest frame number that INTRODUCE named (or by the reserved
     * grant reference, GNTTAB_RESERVED_XENSTORE): readable and writable until unmap_ring. NULL:
     * cannot be mapped. */
    struct xenstore_domain_interface *(*map_ring)(void *context, domid_t domid, uint64_t gfn);
    /* Also called when the domain is gone already. */
    void (*unmap_ring)(void *context, domid_t domid, struct xenstore_domain_interface *page);

    /* Joins a local port with the domain's; what arrives there is to end in store_ring_event(store,
     * domid). Returns the local port, or a negative number: refused. */
    int (*bind_port)(void *context, domid_t domid, uint32_t remote_port);
    void (*unbind_port)(void *context, int local_port);
    void (*notify)(void *context, int local_port);

    enum store_life (*domain_life)(void *context, domid_t domid);

    /* One line, without a newline, for whoever runs the machine. Limited in rate by the store. */
    void (*log)(void *context, const char *line);
};

#endif
