/* SPDX-License-Identifier: MIT */
/* Rings of guests. ABI: <xen/io/xs_wire.h>; indices run freely, and are masked where they are used.
 */
#include "ring.h"
#include "protocol.h"
#include "quota.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES (XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR)
#define TURN     16U /* messages of one guest before the next one's turn */

static uint32_t load(const uint32_t *shared)
{
    return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *shared, uint32_t value)
{
    __atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

/* --- Connecting --- */

int ring_connect(struct store *store, struct store_domain *domain, uint64_t gfn,
                 uint32_t remote_port, struct store_client **result)
{
    struct store_client *client = client_create(store, domain);
    struct ring *ring = malloc(sizeof(*ring));
    int error = ENOMEM;

    if (!client || !ring)
        goto free_all;
    error = EINVAL;
    *ring = (struct ring){ .client = client };
    list_init(&ring->ready);
    ring->page = store->port.map_ring(store->context, domain->id, gfn);
    if (!ring->page)
        goto free_all;
    ring->port = store->port.bind_port(store->context, domain->id, remote_port);
    if (ring->port < 0)
        goto unmap;
    /* A guest that was restored goes on where it was. */
    ring->req_cons = load(&ring->page->req_cons);
    ring->rsp_prod = load(&ring->page->rsp_prod);
    publish(&ring->page->error, XENSTORE_ERROR_NONE);
    publish(&ring->page->server_features, FEATURES);
    client->ring = ring;
    ring->changed = true; /* a guest may wait for us to be there */
    ring_make_ready(ring);
    *result = client;
    return 0;

unmap:
    store->port.unmap_ring(store->context, domain->id, ring->page);
free_all:
    free(ring);
    if (client)
        client_destroy(client);
    return error;
}

int ring_rebind(struct ring *ring, uint32_t remote_port)
{
    struct store *store = ring->client->store;
    int port = store->port.bind_port(store->context, ring->client->domain->id, remote_port);

    if (port < 0)
        return EINVAL;
    store->port.unbind_port(store->context, ring->port);
    ring->port = port;
    ring->changed = true;
    ring_make_ready(ring);
    return 0;
}

void ring_disconnect(struct store_client *client)
{
    struct store *store = client->store;
    struct ring *ring = client->ring;

    client_reset(client);
    list_remove(&ring->ready);
    store->port.unbind_port(store->context, ring->port);
    store->port.unmap_ring(store->context, client->domain->id, ring->page);
    client->ring = NULL;
    free(ring);
    client_destroy(client);
}

void ring_make_ready(struct ring *ring)
{
    if (list_is_empty(&ring->ready))
        list_append(&ring->client->store->ready, &ring->ready);
}

/* Ends all that the guest has here, and tells it why. */
static void break_off(struct ring *ring, uint32_t why, const char *in_words)
{
    store_log(ring->client->store, "d%u: ring closed: %s", ring->client->domain->id, in_words);
    client_reset(ring->client);
    ring->broken = true;
    ring->in_have = 0;
    ring->out_size = 0;
    publish(&ring->page->error, why);
    ring->changed = true;
}

/* The guest asked for it: as if it had just been introduced, with an empty ring. */
static void reconnect(struct ring *ring)
{
    struct xenstore_domain_interface *page = ring->page;

    client_reset(ring->client);
    ring->broken = false;
    ring->in_have = ring->out_size = 0;
    ring->req_cons = ring->rsp_prod = 0;
    publish(&page->req_cons, 0);
    publish(&page->req_prod, 0);
    publish(&page->rsp_cons, 0);
    publish(&page->rsp_prod, 0);
    publish(&page->error, XENSTORE_ERROR_NONE);
    publish(&page->server_features, FEATURES);
    publish(&page->connection, XENSTORE_CONNECTED);
    ring->changed = true;
}

/* --- Bytes --- */

/* How many bytes lie between two indices. Returns false if no ring has that many: then it is
 * closed. */
static bool distance(struct ring *ring, uint32_t prod, uint32_t cons, uint32_t *bytes)
{
    *bytes = prod - cons;
    if (*bytes <= XENSTORE_RING_SIZE)
        return true;
    break_off(ring, XENSTORE_ERROR_RINGIDX, "indices farther apart than the ring is large");
    return false;
}

/* Sends what there is room for. Returns whether nothing is left. */
static bool push(struct ring *ring)
{
    const char *from = (const char *)&ring->out;
    uint32_t used;

    while (ring->out_sent < ring->out_size) {
        if (!distance(ring, ring->rsp_prod, load(&ring->page->rsp_cons), &used))
            return false;
        uint32_t at = MASK_XENSTORE_IDX(ring->rsp_prod), room = XENSTORE_RING_SIZE - used;
        uint32_t n = ring->out_size - ring->out_sent;
        n = n < room ? n : room;
        n = n < XENSTORE_RING_SIZE - at ? n : XENSTORE_RING_SIZE - at;
        if (!n)
            return false;
        memcpy(ring->page->rsp + at, from + ring->out_sent, n);
        ring->out_sent += n;
        ring->rsp_prod += n;
        publish(&ring->page->rsp_prod, ring->rsp_prod);
        ring->client->store->counters.bytes_out += n;
        ring->changed = true;
    }
    ring->out_size = 0;
    return true;
}

/* Takes what there is, until `in` has that many bytes. Returns whether it has. */
static bool pull(struct ring *ring, uint32_t wanted)
{
    char *to = (char *)&ring->in;
    uint32_t there;

    while (ring->in_have < wanted) {
        if (!distance(ring, load(&ring->page->req_prod), ring->req_cons, &there))
            return false;
        uint32_t at = MASK_XENSTORE_IDX(ring->req_cons), n = wanted - ring->in_have;
        n = n < there ? n : there;
        n = n < XENSTORE_RING_SIZE - at ? n : XENSTORE_RING_SIZE - at;
        if (!n)
            return false;
        memcpy(to + ring->in_have, ring->page->req + at, n);
        ring->in_have += n;
        ring->req_cons += n;
        publish(&ring->page->req_cons, ring->req_cons);
        ring->client->store->counters.bytes_in += n;
        ring->changed = true;
    }
    return true;
}

/* --- Messages --- */

static bool request_is_complete(struct ring *ring)
{
    if (!pull(ring, sizeof(ring->in.header)))
        return false;
    if (ring->in.header.len > XENSTORE_PAYLOAD_MAX) {
        break_off(ring, XENSTORE_ERROR_PROTO, "a message longer than 4096 bytes");
        return false;
    }
    return pull(ring, (uint32_t)sizeof(ring->in.header) + ring->in.header.len);
}

static void send(struct ring *ring, bool is_reply)
{
    ring->out_sent = 0;
    ring->out_size = (uint32_t)sizeof(ring->out.header) + ring->out.header.len;
    ring->reply_last = is_reply;
}

static bool next_event(struct ring *ring)
{
    if (!event_take(ring->client, &ring->out.header, ring->out.payload))
        return false;
    send(ring, false);
    return true;
}

static bool next_request(struct ring *ring)
{
    if (!request_is_complete(ring))
        return false;
    ring->in_have = 0;
    protocol_handle(ring->client, &ring->in.header, ring->in.payload, &ring->out.header,
                    ring->out.payload);
    send(ring, true);
    return true;
}

/* One message further. Returns false if the guest has to do something first, or there is nothing to
 * do. */
static bool advance(struct ring *ring)
{
    if (ring->out_size && !push(ring))
        return false;
    if (ring->reply_last && next_event(ring))
        return true;
    return next_request(ring) || (!ring->broken && next_event(ring));
}

/* It asks for more, but does not take what it has. */
static void note_stall(struct ring *ring)
{
    if (!ring->broken && load(&ring->page->req_prod) != ring->req_cons)
        quota_refuse(ring->client->store, ring->client->domain, STORE_QUOTA_OUTSTANDING, 2);
}

bool ring_serve(struct ring *ring, unsigned *budget)
{
    struct store *store = ring->client->store;
    unsigned turn = *budget < TURN ? *budget : TURN;
    bool more = true;

    if (load(&ring->page->connection) == XENSTORE_RECONNECT)
        reconnect(ring);
    while (!ring->broken && turn && (more = advance(ring))) {
        turn--;
        (*budget)--;
        if (!push(ring)) {
            note_stall(ring);
            more = false;
            break;
        }
    }
    if (ring->changed) {
        ring->changed = false;
        store->port.notify(store->context, ring->port);
    }
    return more && !ring->broken;
}
