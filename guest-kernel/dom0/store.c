/* SPDX-License-Identifier: MIT */
/*
 * The store as a service of dom0: its port to rings and event channels, its thread, and dom0's own
 * client.
 *
 * ABI: GNTTAB_RESERVED_XENSTORE, <xen/grant_table.h>
 */
#include "xenstore-lite/xenstore.h"

#include <stdlib.h>
#include <string.h>

#include <xen/grant_table.h>

#include "control/control.h"
#include "dom0/budget.h"
#include "dom0/services.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "toolstack/port.h"
#include "toolstack/session.h"
#include "xs/xs.h"

#define MESSAGES_A_TURN 64
#define RINGS_MAX       4096

static struct store *store;
static struct doorbell bell;
static volatile bool domains_changed;

/* A guest's ring and port, while it has them. */
static struct ring {
    domid_t domid; /* 0: free */
    volatile bool raised;
    void *page;
    uint32_t handle;
    long port;
} rings[RINGS_MAX];
static unsigned nr_rings; /* the used ones are below */

static struct ring *ring_of(domid_t domid)
{
    for (unsigned i = 0; i < nr_rings; i++)
        if (rings[i].domid == domid)
            return &rings[i];
    return NULL;
}

/* A free one; the used ones stay below nr_rings. */
static struct ring *ring_take(void)
{
    struct ring *ring = ring_of(0);

    if (ring == NULL && nr_rings < RINGS_MAX)
        ring = &rings[nr_rings++];
    return ring;
}

/* ---- the store's port ---- */

static struct xenstore_domain_interface *map_ring(void *context, domid_t domid, uint64_t gfn)
{
    struct ring *ring = ring_of(domid);

    (void)context;
    (void)gfn; /* the grant that the builder reserved says which frame */
    if (ring == NULL)
        ring = ring_take();
    if (ring == NULL || ring->page != NULL)
        return NULL;
    ring->page = granted_map(domid, GNTTAB_RESERVED_XENSTORE, &ring->handle);
    if (ring->page != NULL)
        ring->domid = domid;
    return ring->page;
}

static void unmap_ring(void *context, domid_t domid, struct xenstore_domain_interface *page)
{
    struct ring *ring = ring_of(domid);

    (void)context;
    granted_unmap(page, ring->handle);
    *ring = (struct ring){ 0 };
}

static int bind_port(void *context, domid_t domid, uint32_t remote_port)
{
    struct ring *ring = ring_of(domid);
    long port = port_join(domid, remote_port, &ring->raised, &bell);

    (void)context;
    if (port > 0)
        ring->port = port;
    return (int)port;
}

static void unbind_port(void *context, int port)
{
    (void)context;
    port_leave(port);
}

static void notify(void *context, int port)
{
    (void)context;
    port_notify(port);
}

static enum store_life domain_life(void *context, domid_t domid)
{
    struct xen_domctl_getdomaininfo info;

    (void)context;
    if (control_info(domid, &info) != 0 || info.flags & XEN_DOMINF_dying)
        return STORE_DOMAIN_GONE;
    return info.flags & XEN_DOMINF_shutdown ? STORE_DOMAIN_STOPPED : STORE_DOMAIN_RUNNING;
}

/* Guests can make the store say something as often as they like. */
static void log_line(void *context, const char *line)
{
    static struct budget budget = { .most = 50, .per_second = 2 };
    static unsigned nr_left_out;

    (void)context;
    if (!budget_take(&budget, arch_clock_ns())) {
        nr_left_out++;
        return;
    }
    if (nr_left_out > 0)
        kprintf("store: %u lines left out\n", nr_left_out);
    nr_left_out = 0;
    kprintf("store: %s\n", line);
}

/* ---- its thread ---- */

static void look_at_rings(void)
{
    if (domains_changed) {
        domains_changed = false;
        store_domains_changed(store);
    }
    for (unsigned i = 0; i < nr_rings; i++) {
        if (!rings[i].raised)
            continue;
        rings[i].raised = false;
        port_again(rings[i].port);
        store_ring_event(store, rings[i].domid);
    }
}

static void serve(void *argument)
{
    (void)argument;
    for (;;) {
        doorbell_wait(&bell);
        look_at_rings();
        while (store_work(store, MESSAGES_A_TURN)) {
            thread_yield();
            look_at_rings();
        }
    }
}

void store_look_at_domains(void)
{
    domains_changed = true;
    doorbell_ring(&bell);
}

/* ---- dom0's own clients ---- */

struct own_client {
    struct xs xs;
    struct store_client *client;
};

static bool exchange(struct xs *xs, struct xsd_sockmsg *message, const void *payload)
{
    struct xsd_sockmsg request = *message;

    store_request(((struct own_client *)xs)->client, &request, payload, message, xs->reply);
    doorbell_ring(&bell); /* watches of guests may have fired */
    return true;
}

static struct own_client own = { .xs.exchange = exchange };

struct xs *port_xs(void)
{
    return &own.xs;
}

static void nobody_watches(void *context)
{
    (void)context;
}

/* ---- watching ---- */

struct watcher {
    struct own_client own; /* first: exchange finds the client by it */
    struct session *session;
};

static void wake(void *context)
{
    doorbell_ring(((struct watcher *)context)->session->bell);
}

static long print_events(struct watcher *w, long left)
{
    struct xsd_sockmsg event;

    while (left != 0 && store_take_event(w->own.client, &event, w->own.xs.reply)) {
        session_print(w->session, "%s\n", w->own.xs.reply);
        left--;
    }
    return left;
}

static int watch_until(struct watcher *w, long left)
{
    char typed[8];

    for (;;) {
        left = print_events(w, left);
        if (left == 0 || w->session->read(w->session, typed, sizeof(typed)) >= 0)
            return 0;
    }
}

int port_store_watch(struct session *session, int nr_paths, char **paths, long left)
{
    struct watcher *w = calloc(1, sizeof(*w));
    const char *error = NULL;
    int status;

    if (w == NULL)
        return session_fail(session, "dom0 has no memory left");
    w->own.xs.exchange = exchange;
    w->session = session;
    w->own.client = store_open(store, wake, w);
    if (w->own.client == NULL) {
        free(w);
        return session_fail(session, "dom0 has no memory left");
    }
    for (int i = 0; i < nr_paths && error == NULL; i++)
        error = xs_watch(&w->own.xs, paths[i], "watch");
    status = error == NULL ? watch_until(w, left) : session_fail(session, "%s", error);
    store_close(w->own.client);
    free(w);
    return status;
}

const char *port_store_audit(void)
{
    return store_audit(store);
}

void store_use(struct port_use *use)
{
    struct store_counters counters;

    store_counters(store, &counters);
    use->store_nodes = counters.nodes;
    use->store_watches = counters.watches;
    use->store_guests = counters.domains;
}

bool port_store_introduce(domid_t domid, uint64_t gfn, uint32_t guest_port)
{
    int error = store_introduce(store, domid, gfn, guest_port);

    doorbell_ring(&bell);
    return error == 0;
}

void port_store_release(domid_t domid)
{
    store_release(store, domid);
    doorbell_ring(&bell);
}

void port_store_remove(const char *path)
{
    store_remove_subtree(store, path);
    doorbell_ring(&bell);
}

void store_start(void)
{
    static const struct store_port port = { map_ring, unmap_ring,  bind_port, unbind_port,
                                            notify,   domain_life, log_line };
    static struct thread thread;
    struct store_config config = { 0 };

    port_random((uint8_t *)config.hash_key, sizeof(config.hash_key));
    store = store_create(&port, NULL, &config);
    if (store != NULL)
        own.client = store_open(store, nobody_watches, NULL);
    if (own.client == NULL)
        panic("no memory for the store");
    service_thread(&thread, serve);
}
