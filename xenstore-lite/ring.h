/* SPDX-License-Identifier: MIT */
/*
 * A guest's ring page. All in it is written by the guest at any moment: each byte is copied once
 * and judged in the copy; of the indices that are ours, only our own record counts.
 *
 * One message in each direction is under way at most: a request is read when nothing waits to be
 * sent. So a guest that does not take its replies costs two buffers, and is not served until it
 * does.
 */
#ifndef XENSTORE_LITE_RING_H
#define XENSTORE_LITE_RING_H

#include "client.h"

struct ring_message {
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX];
};

struct ring {
    struct store_client *client;
    struct xenstore_domain_interface *page;
    int port;
    struct link ready;
    bool broken;     /* the guest broke the protocol: nothing is read until it reconnects */
    bool reply_last; /* what was sent last: replies and events take turns */
    bool changed;    /* since the guest was notified */
    uint32_t req_cons, rsp_prod;
    uint32_t in_have;            /* bytes of `in` */
    uint32_t out_sent, out_size; /* bytes of `out`; out_size 0: nothing is on its way */
    struct ring_message in, out;
};

/* The domain's client with its ring, ready to be served. Sets *client. Returns 0, EINVAL or ENOMEM.
 */
int ring_connect(struct store *store, struct store_domain *domain, uint64_t gfn,
                 uint32_t remote_port, struct store_client **client);
/* Binds another port. Returns 0 or EINVAL; then the old one is still bound. */
int ring_rebind(struct ring *ring, uint32_t remote_port);
void ring_disconnect(struct store_client *client);
void ring_make_ready(struct ring *ring);
/* Serves it, at most *budget messages, which is counted down. Returns whether there is more to do
 * at once. */
bool ring_serve(struct ring *ring, unsigned *budget);

#endif
