/* SPDX-License-Identifier: MIT */
/* A place in the tree, directly or through a transaction. */
#include "view.h"
#include "quota.h"
#include "watch.h"
#include <errno.h>

static void find_directly(struct place *place)
{
    struct component component = { .end = 0 };

    place->near = place->store->root;
    while (path_next(place->path, component.end, &component)) {
        struct node *child =
            place->missing ? NULL : node_child(place->store, place->near, &component);
        if (child) {
            place->near = child;
            place->near_end = component.end;
        } else {
            place->missing++;
        }
    }
}

static int find_through(struct place *place)
{
    struct component component = { .end = 0 };
    struct node *base = place->store->root;

    place->near = base;
    place->own = place->own_near = place->tx->root;
    while (path_next(place->path, component.end, &component)) {
        int error = own_child(place->tx, place->own, &component, &place->own);
        if (error)
            return error;
        base = base ? node_child(place->store, base, &component) : NULL;
        bool same = place->own->state == OWN_SAME;
        if (!place->missing && (same ? base != NULL : place->own->state == OWN_FRESH)) {
            place->near = same ? base : NULL;
            place->own_near = place->own;
            place->near_end = component.end;
        } else if (!place->missing++) {
            place->own_missing = place->own;
        }
    }
    return 0;
}

int place_find(struct store_client *client, struct transaction *tx, const struct path *path,
               struct place *place)
{
    *place =
        (struct place){ .store = client->store, .domain = client->domain, .tx = tx, .path = path };
    if (tx)
        return find_through(place);
    find_directly(place);
    return 0;
}

static void note(const struct place *place, enum aspect aspect)
{
    if (place->tx)
        own_note(place->own_near, place->near, aspect);
}

/* That it is not there. Where the answer also depends on how far the path goes, that as well. */
static void note_missing(const struct place *place, bool how_far)
{
    if (!place->tx || !place->missing)
        return;
    own_note(place->own, NULL, READ_PRESENCE);
    if (how_far)
        own_note(place->own_missing, NULL, READ_PRESENCE);
}

int place_check(const struct place *place, unsigned need)
{
    bool privileged = place->domain->privileged;

    note_missing(place, !privileged);
    if (!privileged &&
        (perms_allow(place->store, place_perms(place), place->domain) & need) != need)
        return EACCES;
    if (place->missing)
        return ENOENT;
    note(place, READ_PRESENCE);
    return 0;
}

bool place_has_parent(const struct place *place)
{
    if (place->missing == 1)
        note(place, READ_PRESENCE);
    else if (place->tx) /* the one that would be the parent is not there */
        own_note(place->own->parent, NULL, READ_PRESENCE);
    return place->missing == 1;
}

const struct value *place_value(const struct place *place)
{
    if (place->tx && (place->own->has_value || place->own->state == OWN_FRESH))
        return &place->own->value;
    note(place, READ_VALUE);
    return &place->near->value;
}

struct perms *place_perms(const struct place *place)
{
    if (place->tx && place->own_near->perms)
        return place->own_near->perms;
    note(place, READ_PERMS);
    return place->near->perms;
}

/* What the transaction made or removed there is told apart from what all see. */
static const struct own_node *own_of(const struct place *place, const struct name *child)
{
    if (!place->tx)
        return NULL;
    return (struct own_node *)names_find(&place->own->children, child->hash, child->text,
                                         child->length, &place->store->counters.steps);
}

void place_children(const struct place *place,
                    bool (*each)(void *context, const struct name *child), void *context)
{
    note(place, READ_CHILDREN);
    if (place->near)
        LIST_EACH (link, &place->near->children.order) {
            const struct name *child = LIST_ENTRY(link, struct name, order);
            const struct own_node *own = own_of(place, child);
            place->store->counters.steps++;
            if ((!own || own->state == OWN_SAME) && !each(context, child))
                return;
        }
    if (place->tx)
        LIST_EACH (link, &place->own->children.order) {
            const struct name *child = LIST_ENTRY(link, struct name, order);
            place->store->counters.steps++;
            if (((const struct own_node *)child)->state == OWN_FRESH && !each(context, child))
                return;
        }
}

uint64_t place_generation(const struct place *place)
{
    uint64_t base = place->near ? place->near->children_stamp : 0;

    if (place->tx && place->own->children_stamp > base)
        return place->own->children_stamp;
    return base;
}

/* --- Changes, directly --- */

/* The nodes that are missing, parents first. */
static bool make_chain(const struct place *place, struct perms *perms, struct link *chain)
{
    struct component component = { .end = place->near_end };
    uint64_t hash = place->near->name.hash;

    while (path_next(place->path, component.end, &component)) {
        hash = tree_hash(place->store, hash, component.text, component.length);
        struct node *node = node_alloc(hash, component.text, component.length);
        if (!node)
            return false;
        node->perms = perms_get(perms);
        list_append(chain, &node->name.order);
    }
    return true;
}

static struct node *node_of(struct link *link)
{
    return (struct node *)LIST_ENTRY(link, struct name, order);
}

static void free_chain(struct link *chain)
{
    LIST_EACH_SAFE (link, chain)
        node_free(node_of(link));
}

static void attach_chain(const struct place *place, struct link *chain)
{
    struct node *parent = place->near;

    while (!list_is_empty(chain)) {
        struct node *node = node_of(chain->next);
        list_remove(chain->next);
        tree_attach(place->store, parent, node);
        parent = node;
    }
}

static int create_directly(const struct place *place, struct perms *perms, const void *bytes,
                           size_t length)
{
    struct link chain;

    if (!quota_allows(place->store, place->domain, STORE_QUOTA_NODES,
                      place->domain->nodes + (uint64_t)place->missing))
        return ENOSPC;
    list_init(&chain);
    if (!make_chain(place, perms, &chain) ||
        !value_set(&node_of(chain.prev)->value, bytes, length)) {
        free_chain(&chain);
        return ENOMEM;
    }
    struct node *node = node_of(chain.prev);
    attach_chain(place, &chain);
    watch_fire(place->store, node, node->perms);
    return 0;
}

/* --- Changes, through a transaction --- */

/* All that is allocated before anything changes; what was is given back if the rest cannot be. */
static int prepare(const struct place *place, const void *bytes, size_t length)
{
    struct own_node *own;
    int error = 0;

    for (own = place->own; own != place->own_near; own = own->parent) {
        error = own_prepare(place->tx, own);
        if (error)
            break;
    }
    if (!error)
        error = own_set_value(place->tx, place->own, bytes, length);
    if (error)
        for (struct own_node *done = place->own; done != own; done = done->parent)
            own_unprepare(place->tx, done);
    return error;
}

static int create_through(const struct place *place, struct perms *perms, const void *bytes,
                          size_t length)
{
    int error = prepare(place, bytes, length);

    if (error)
        return error;
    note_missing(place, true);
    struct link *before = &place->tx->changed;
    for (struct own_node *own = place->own; own != place->own_near; own = own->parent) {
        own_make(place->tx, own, perms_get(perms), before);
        before = &own->changed;
    }
    return 0;
}

int place_create(const struct place *place, const void *bytes, size_t length)
{
    struct perms *perms = perms_inherit(place->store, place_perms(place), place->domain);

    if (!perms)
        return ENOMEM;
    int error = place->tx ? create_through(place, perms, bytes, length)
                          : create_directly(place, perms, bytes, length);
    perms_put(perms);
    return error;
}

int place_write(const struct place *place, const void *bytes, size_t length)
{
    struct value value = { NULL, 0 };

    if (place->tx)
        return own_set_value(place->tx, place->own, bytes, length);
    if (!value_set(&value, bytes, length))
        return ENOMEM;
    tree_set_value(place->store, place->near, value);
    watch_fire(place->store, place->near, place->near->perms);
    return 0;
}

int place_remove(const struct place *place)
{
    if (place->tx) {
        own_remove(place->tx, place->own, place->near);
        return 0;
    }
    watch_fire_removal(place->store, place->near);
    tree_remove(place->store, place->near);
    return 0;
}

void place_set_perms(const struct place *place, struct perms *perms)
{
    if (place->tx) {
        own_set_perms(place->tx, place->own, perms);
        return;
    }
    watch_fire(place->store, place->near,
               place->near->perms); /* those who might read it till now */
    tree_set_perms(place->store, place->near, perms);
    watch_fire(place->store, place->near, place->near->perms);
}
