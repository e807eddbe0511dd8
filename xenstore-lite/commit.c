/* SPDX-License-Identifier: MIT */
/*
 * The end of a transaction: is all that it read as it was? Then its changes, in the order in which
 * they were made.
 *
 * Nothing can fail once the first change is made: nodes, values and permissions were allocated when
 * they were asked for.
 */
#include "transaction.h"
#include "quota.h"
#include "watch.h"
#include <errno.h>

static bool is_as_it_was(const struct own_node *own, const struct node *base)
{
    const uint64_t now[NR_ASPECTS] = {
        [READ_PRESENCE] = base ? base->born : 0,
        [READ_VALUE] = base ? base->value_stamp : 0,
        [READ_PERMS] = base ? base->perms_stamp : 0,
        [READ_CHILDREN] = base ? base->children_stamp : 0,
    };

    if (own->has_changed)
        return false;
    for (unsigned i = 0; i < NR_ASPECTS; i++)
        if (own->noted & 1U << i && own->seen[i] != now[i])
            return false;
    return true;
}

/* A walk through overlay and tree together. */
struct both {
    struct own_node *own;
    struct node *base; /* the deepest node of the tree on the way */
    unsigned below;    /* levels that own is deeper than that */
};

static void step_down(struct store *store, struct both *at, struct name *name)
{
    const struct component component = { .text = name->text, .length = name->length };
    struct node *child = at->below ? NULL : node_child(store, at->base, &component);

    at->own = (struct own_node *)name;
    if (child)
        at->base = child;
    else
        at->below++;
}

static void step_up(struct both *at)
{
    at->own = at->own->parent;
    if (at->below)
        at->below--;
    else
        at->base = at->base->parent;
}

/* The next own node, parents first. Returns false after the last. */
static bool step(struct store *store, struct both *at)
{
    struct link *next = at->own->children.order.next, *end = &at->own->children.order;

    while (next == end) {
        if (!at->own->parent)
            return false;
        next = at->own->name.order.next;
        step_up(at);
        end = &at->own->children.order;
    }
    step_down(store, at, LIST_ENTRY(next, struct name, order));
    return true;
}

static bool all_is_as_it_was(struct transaction *tx)
{
    struct store *store = tx->client->store;
    struct both at = { tx->root, store->root, 0 };

    do
        if (!is_as_it_was(at.own, at.below ? NULL : at.base))
            return false;
    while (step(store, &at));
    return true;
}

static void path_of(const struct own_node *own, struct path *path)
{
    path_build(path);
    for (; own->parent; own = own->parent)
        path_prepend(path, own->text, own->name.length);
    path_built(path);
}

/* What is not named did come to be, but as Xen's store does it, only the path that was asked for is
 * told. */
static void make(struct store *store, struct own_node *own)
{
    struct node *node = own->made;

    path_of(own->parent, &store->path);
    own->made = NULL;
    node->perms = own->perms;
    node->value = own->value;
    own->perms = NULL;
    own->value = (struct value){ NULL, 0 };
    tree_attach(store, tree_find(store, &store->path), node);
    if (own->is_target)
        watch_fire(store, node, node->perms);
}

static void change(struct store *store, struct own_node *own, struct node *node)
{
    if (own->has_value) {
        tree_set_value(store, node, own->value);
        own->value = (struct value){ NULL, 0 };
    }
    if (own->has_perms) {
        watch_fire(store, node, node->perms); /* those who might read it till now are told, too */
        tree_set_perms(store, node, own->perms);
        own->perms = NULL;
    }
    watch_fire(store, node, node->perms);
}

static void apply(struct transaction *tx, struct own_node *own)
{
    struct store *store = tx->client->store;

    path_of(own, &store->path);
    struct node *node = own->state == OWN_SAME || own->cut ? tree_find(store, &store->path) : NULL;
    if (own->cut) {
        watch_fire_removal(store, node);
        tree_remove(store, node);
    }
    if (own->state == OWN_FRESH) {
        /* Charged as what the transaction holds; from now on it is the tree's. */
        size_t bytes = sizeof(struct node) + own->name.length + own->value.length;
        tx->bytes -= bytes;
        tx->client->domain->transaction_bytes -= bytes;
        make(store, own);
    } else if (own->state == OWN_SAME) {
        tx->bytes -= own->value.length;
        tx->client->domain->transaction_bytes -= own->value.length;
        change(store, own, node);
    }
}

static bool owns(const struct transaction *tx, const struct perms *perms)
{
    return perms_owner(tx->client->store, perms) == tx->client->domain;
}

/* By how many nodes the client will own more than before. No two removals overlap. */
static int64_t nodes_more(struct transaction *tx)
{
    struct store *store = tx->client->store;
    int64_t more = 0;

    LIST_EACH (link, &tx->changed) {
        const struct own_node *own = LIST_ENTRY(link, struct own_node, changed);
        more += own->state == OWN_FRESH && owns(tx, own->perms);
        if (!own->cut)
            continue;
        path_of(own, &store->path);
        const struct node *top = tree_find(store, &store->path);
        for (const struct node *node = top; node; node = tree_walk(top, node))
            more -= owns(tx, node->perms);
    }
    return more;
}

static bool has_quota(struct transaction *tx)
{
    struct store_domain *domain = tx->client->domain;

    if (domain->privileged)
        return true;
    int64_t more = nodes_more(tx);
    return more <= 0 || quota_allows(tx->client->store, domain, STORE_QUOTA_NODES,
                                     domain->nodes + (uint64_t)more);
}

int transaction_commit(struct transaction *tx)
{
    struct store *store = tx->client->store;
    int error = 0;

    if (!all_is_as_it_was(tx))
        error = EAGAIN;
    else if (!has_quota(tx))
        error = ENOSPC;
    else
        LIST_EACH (link, &tx->changed)
            apply(tx, LIST_ENTRY(link, struct own_node, changed));
    store->counters.commits += !error;
    store->counters.conflicts += error == EAGAIN;
    transaction_abort(tx);
    return error;
}
