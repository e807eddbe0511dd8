/* SPDX-License-Identifier: MIT */
/*
 * The store: a tree of small values with owners, that domains read, write and watch.
 *
 * Guests speak to it through a ring page each (store_ring_event, store_work), the domain that it is
 * part of through function calls (store_open, store_request, store_take_event). Both carry the same
 * messages.
 *
 * One thread at a time may be inside a store. No function waits, and none calls back but through
 * the port. Errors are positive numbers of <errno.h>; their names are what a client sees.
 *
 * ABI: <xen/io/xs_wire.h>
 */
#ifndef XENSTORE_LITE_XENSTORE_H
#define XENSTORE_LITE_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "port.h"

struct store;
struct store_client;

/* What one unprivileged domain may have. dom0 is bound by event_bytes_dom0 and the ABI's limits
 * only. */
enum store_quota {
    STORE_QUOTA_NODES,             /* that it owns */
    STORE_QUOTA_NODE_SIZE,         /* bytes of a value */
    STORE_QUOTA_PERMISSIONS,       /* entries of one node */
    STORE_QUOTA_WATCHES,           /* registered */
    STORE_QUOTA_TRANSACTIONS,      /* open at once */
    STORE_QUOTA_TRANSACTION_NODES, /* touched by one transaction, those on the way there included */
    STORE_QUOTA_TRANSACTION_BYTES, /* of memory that its open transactions hold */
    STORE_QUOTA_PATH_LENGTH,       /* bytes of a path as sent */
    STORE_QUOTA_EVENT_BYTES,       /* of memory for watch events that it has not taken yet */
    STORE_QUOTA_EVENT_BYTES_DOM0,  /* the same for each client of dom0 */
    STORE_QUOTA_OUTSTANDING, /* unread replies: one, and it is what the ring has no room for */
    STORE_NR_QUOTAS,
};

struct store_config {
    uint32_t quota[STORE_NR_QUOTAS]; /* 0: the default. OUTSTANDING cannot be changed */
    uint64_t
        hash_key[2]; /* random, if there is randomness: guests choose names, but not collisions */
};

/* The name of a quota, as in log lines and for CONTROL's quota command. */
const char *store_quota_name(enum store_quota quota);

/* An empty store: the root, owned by dom0, readable by dom0 alone. The port is copied; config may
 * be NULL: defaults. Returns NULL if there is no memory. */
struct store *store_create(const struct store_port *port, void *context,
                           const struct store_config *config);
/* Unmaps all rings, closes all clients, frees all. */
void store_destroy(struct store *store);

/* --- Domains with rings --- */

/* What INTRODUCE does: maps the ring, binds the port, fires @introduceDomain. Of a domain that is
 * there already only the port is bound anew. Returns 0, EINVAL (domid 0 or reserved, ring or port
 * refused) or ENOMEM. */
int store_introduce(struct store *store, domid_t domid, uint64_t gfn, uint32_t remote_port);
/* What RELEASE does: the domain's client ends with its watches and transactions; @releaseDomain
 * fires. Nodes stay; if the domain is gone, permissions that named it mean nobody from now on.
 * Returns 0 or ENOENT (not introduced). */
int store_release(struct store *store, domid_t domid);
/* The domain's port was notified: its ring is to be looked at. Cheap; unknown domains are ignored.
 */
void store_ring_event(struct store *store, domid_t domid);
/* Serves rings in turn, at most max_messages requests and events in all. Returns whether there is
 * more to do: then call it again, after whatever else waits. */
bool store_work(struct store *store, unsigned max_messages);
/* A domain stopped or died (VIRQ_DOM_EXC): finds out which, ends the clients of those that are
 * gone, and fires
 * @releaseDomain once if anything changed. */
void store_domains_changed(struct store *store);
/* Removes a node and all below it, as dom0 would, and fires watches: what a toolstack does for a
 * dead domain. Returns 0, EINVAL (not a path, or the root), ENOENT or ENOMEM. */
int store_remove_subtree(struct store *store, const char *path);

/* --- Clients without a ring: dom0's own --- */

/* A client of dom0. wake is called when the first event is there to be taken; it may only note or
 * signal that. Returns NULL if there is no memory. */
struct store_client *store_open(struct store *store, void (*wake)(void *context), void *context);
/* Ends its watches and transactions, frees it. */
void store_close(struct store_client *client);
/* One message and its reply (of the same type, or XS_ERROR with the error's name). payload has
 * request->len bytes; reply_payload has room for XENSTORE_PAYLOAD_MAX, is filled with reply->len,
 * and may not overlap payload. */
void store_request(struct store_client *client, const struct xsd_sockmsg *request,
                   const void *payload, struct xsd_sockmsg *reply, void *reply_payload);
/* The next watch event: path NUL token NUL. Returns false if there is none. */
bool store_take_event(struct store_client *client, struct xsd_sockmsg *event, void *payload);

/* --- Seeing inside --- */

struct store_counters {
    uint64_t requests;
    uint64_t steps; /* table entries, nodes and watches looked at: what work costs, whatever the
                       machine */
    uint64_t events_queued, events_merged, events_overflowed;
    uint64_t commits, conflicts;
    uint64_t bytes_in, bytes_out; /* through rings */
    size_t nodes, watches, clients, domains;
};

void store_counters(const struct store *store, struct store_counters *counters);
/* Recounts what is kept as numbers. Returns NULL, or the first thing that is not as it must be. */
const char *store_audit(struct store *store);

#endif
