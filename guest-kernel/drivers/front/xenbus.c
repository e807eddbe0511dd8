/* SPDX-License-Identifier: MIT */
/*
 * The store, as a guest reaches it.
 *
 * One request is under way at a time. Whoever waits for its reply reads all that comes; watch events
 * among it only ring bells.
 */
#include "drivers/front/xenbus.h"

#include "arch/pv/page_table.h"
#include "drivers/front/port.h"
#include "kernel/panic.h"
#include "kernel/string.h"

#define BELLS_MAX 4

static struct xenstore_domain_interface *ring; /* NULL: not looked for yet, or none */
static struct doorbell raised;
static bool busy; /* a request is under way, and its sender reads what comes */
static struct doorbell idle;
static struct doorbell *bells[BELLS_MAX];
static unsigned nr_bells;

/* What came of the message that is arriving. */
static struct {
    struct xsd_sockmsg header;
    char body[XENSTORE_PAYLOAD_MAX];
    size_t used;
} incoming;

static void kick(void)
{
    port_notify(start_info->store_evtchn);
}

static void watch_fired(void)
{
    for (unsigned i = 0; i < nr_bells; i++)
        doorbell_ring(bells[i]);
}

/* ---- bytes ---- */

static void send(const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        XENSTORE_RING_IDX prod = ring->req_prod, cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);

        if (prod - cons == sizeof(ring->req)) {
            doorbell_wait(&raised);
            continue;
        }
        while (size > 0 && prod - cons < sizeof(ring->req)) {
            ring->req[MASK_XENSTORE_IDX(prod++)] = *from++;
            size--;
        }
        __atomic_store_n(&ring->req_prod, prod, __ATOMIC_RELEASE);
        kick();
    }
}

/* Takes up to size bytes; returns how many there were. */
static size_t take(void *to, size_t size)
{
    XENSTORE_RING_IDX cons = ring->rsp_cons, prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
    char *at = to;

    while (cons != prod && at < (char *)to + size)
        *at++ = ring->rsp[MASK_XENSTORE_IDX(cons++)];
    if (at != to) {
        __atomic_store_n(&ring->rsp_cons, cons, __ATOMIC_RELEASE);
        kick();
    }
    return (size_t)(at - (char *)to);
}

/* ---- messages ---- */

/* True: incoming is whole. */
static bool receive(void)
{
    size_t got;

    do {
        bool in_header = incoming.used < sizeof(incoming.header);
        size_t end = sizeof(incoming.header) + (in_header ? 0 : incoming.header.len);

        if (!in_header && incoming.header.len > sizeof(incoming.body))
            panic("the store sends %u bytes", incoming.header.len);
        got = take((char *)&incoming + incoming.used, end - incoming.used);
        incoming.used += got;
        if (incoming.used == end && !in_header)
            return true;
        if (incoming.used == sizeof(incoming.header) && incoming.header.len == 0)
            return true;
    } while (got > 0);
    return false;
}

static void wait_for_reply(void)
{
    for (;;) {
        while (!receive())
            doorbell_wait(&raised);
        incoming.used = 0;
        if (incoming.header.type != XS_WATCH_EVENT)
            return;
        watch_fired();
    }
}

static bool exchange(struct xs *xs, struct xsd_sockmsg *message, const void *payload)
{
    while (busy)
        thread_yield();
    busy = true;
    send(message, sizeof(*message));
    send(payload, message->len);
    wait_for_reply();
    *message = incoming.header;
    memcpy(xs->reply, incoming.body, incoming.header.len);
    busy = false;
    doorbell_ring(&idle);
    doorbell_ring(&raised); /* an event may have come behind the reply: its interrupt was ours */
    return true;
}

/* While nobody waits for a reply, watch events are taken by this thread. */
static void listen(void *argument)
{
    (void)argument;
    for (;;) {
        if (busy) {
            doorbell_ring(&raised); /* it was for the sender */
            doorbell_wait(&idle);
        } else if (receive()) {
            incoming.used = 0;
            watch_fired();
        } else {
            doorbell_wait(&raised);
        }
    }
}

bool xenbus_open(struct xs *xs)
{
    static struct thread listener;

    if (ring == NULL) {
        if (start_info->flags & SIF_INITDOMAIN || start_info->store_evtchn == 0)
            return false;
        ring = mfn_to_address(start_info->store_mfn);
        port_listen(start_info->store_evtchn, NULL, &raised);
        if (!thread_create(&listener, listen, NULL))
            panic("no memory for the stack of the store's listener");
    }
    *xs = (struct xs){ .exchange = exchange };
    return true;
}

void xenbus_on_change(struct doorbell *bell)
{
    if (nr_bells == BELLS_MAX)
        panic("too many who wait for changes");
    bells[nr_bells++] = bell;
}
