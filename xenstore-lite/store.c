/* SPDX-License-Identifier: MIT */
/* A store from its beginning to its end, and its work. */
#include "store.h"
#include "client.h"
#include "quota.h"
#include "ring.h"
#include "tree.h"
#include "view.h"
#include "watch.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const special_names[NR_SPECIALS] = {
    [SPECIAL_INTRODUCE] = "@introduceDomain",
    [SPECIAL_RELEASE] = "@releaseDomain",
};

void store_log(const struct store *store, const char *format, ...)
{
    char line[160];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    store->port.log(store->context, line);
}

/* One that stands above all. */
static struct node *make_top(uint64_t hash, const char *name)
{
    struct node *node = node_alloc(hash, name, strlen(name));

    if (node)
        node->perms = perms_of_dom0();
    if (node && !node->perms) {
        node_free(node);
        node = NULL;
    }
    return node;
}

static bool make_tops(struct store *store)
{
    store->root = make_top(0, "");
    for (unsigned i = 0; i < NR_SPECIALS; i++) {
        const char *name = special_names[i];
        store->special[i] = make_top(tree_hash(store, 0, name, strlen(name)), name);
        if (!store->special[i])
            return false;
    }
    return store->root;
}

struct store *store_create(const struct store_port *port, void *context,
                           const struct store_config *config)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store)
        return NULL;
    store->port = *port;
    store->context = context;
    if (config)
        store->config = *config;
    quota_defaults(&store->config);
    list_init(&store->clients);
    list_init(&store->ready);
    names_init(&store->watched);
    domains_init(store);
    struct store_domain *dom0 = domain_get(store, 0);
    if (!dom0 || !make_tops(store)) {
        store_destroy(store);
        return NULL;
    }
    store->root->born = store->root->value_stamp = store->root->perms_stamp =
        store->root->children_stamp = ++store->stamp;
    dom0->nodes = 1;
    store->counters.nodes = 1;
    return store;
}

static void free_tree(struct store *store)
{
    if (!store->root)
        return;
    while (!list_is_empty(&store->root->children.order))
        tree_remove(
            store, (struct node *)LIST_ENTRY(store->root->children.order.next, struct name, order));
    node_free(store->root);
}

void store_destroy(struct store *store)
{
    LIST_EACH_SAFE (link, &store->clients) {
        struct store_client *client = LIST_ENTRY(link, struct store_client, all);
        if (client->ring)
            ring_disconnect(client);
        else
            client_destroy(client);
    }
    free_tree(store);
    for (unsigned i = 0; i < NR_SPECIALS; i++)
        node_free(store->special[i]);
    names_free(&store->watched);
    domains_free(store);
    free(store);
}

void store_ring_event(struct store *store, domid_t domid)
{
    struct store_domain *domain = domain_find(store, domid);

    if (domain && domain->ring)
        ring_make_ready(domain->ring->ring);
}

bool store_work(struct store *store, unsigned max_messages)
{
    while (max_messages && !list_is_empty(&store->ready)) {
        struct ring *ring = LIST_ENTRY(store->ready.next, struct ring, ready);
        list_remove(&ring->ready);
        if (ring_serve(ring, &max_messages))
            ring_make_ready(ring);
    }
    return !list_is_empty(&store->ready);
}

int store_remove_subtree(struct store *store, const char *text)
{
    if (!path_set(&store->path, 0, text) || path_is_special(&store->path) ||
        store->path.length == 1)
        return EINVAL;
    struct node *node = tree_find(store, &store->path);
    if (!node)
        return ENOENT;
    watch_fire_removal(store, node);
    tree_remove(store, node);
    return 0;
}

void store_counters(const struct store *store, struct store_counters *counters)
{
    *counters = store->counters;
}
