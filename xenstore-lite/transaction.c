/* SPDX-License-Identifier: MIT */
/* The overlay of a transaction. Its end is in commit.c. */
#include "transaction.h"
#include "quota.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Memory --- */

static bool charge(struct transaction *tx, size_t bytes)
{
    struct store_domain *domain = tx->client->domain;

    if (!quota_allows(tx->client->store, domain, STORE_QUOTA_TRANSACTION_BYTES,
                      domain->transaction_bytes + bytes))
        return false;
    domain->transaction_bytes += bytes;
    tx->bytes += bytes;
    return true;
}

static void uncharge(struct transaction *tx, size_t bytes)
{
    tx->client->domain->transaction_bytes -= bytes;
    tx->bytes -= bytes;
}

static size_t size_of_own(size_t length)
{
    return sizeof(struct own_node) + length;
}

static size_t size_of_made(const struct own_node *own)
{
    return sizeof(struct node) + own->name.length;
}

static struct own_node *own_alloc(uint64_t hash, const char *text, size_t length)
{
    struct own_node *own = malloc(size_of_own(length));

    if (!own)
        return NULL;
    *own = (struct own_node){ .name = {
                                  .hash = hash, .length = (uint32_t)length, .text = own->text } };
    memcpy(own->text, text, length);
    names_init(&own->children);
    list_init(&own->changed);
    return own;
}

/* Forgets what the transaction made of it; what was noted stays. */
static void drop_changes(struct transaction *tx, struct own_node *own)
{
    uncharge(tx, own->value.length);
    value_free(&own->value);
    perms_put(own->perms);
    own->perms = NULL;
    own->has_value = own->has_perms = false;
    own_unprepare(tx, own);
    list_remove(&own->changed);
}

static void own_free(struct transaction *tx, struct own_node *own)
{
    drop_changes(tx, own);
    uncharge(tx, size_of_own(own->name.length));
    names_free(&own->children);
    free(own);
}

/* --- Beginning and end --- */

int transaction_start(struct store_client *client, uint32_t *id)
{
    struct transaction *tx = malloc(sizeof(*tx));

    if (!tx)
        return ENOMEM;
    *tx = (struct transaction){ .client = client };
    tx->root = own_alloc(client->store->root->name.hash, "", 0);
    if (!tx->root) {
        free(tx);
        return ENOMEM;
    }
    tx->nodes = 1;
    tx->bytes = size_of_own(0);
    client->domain->transaction_bytes += tx->bytes;
    list_init(&tx->changed);
    do
        tx->id = ++client->last_transaction;
    while (!tx->id || transaction_find(client, tx->id));
    list_append(&client->transactions, &tx->in_client);
    client->domain->transactions++;
    *id = tx->id;
    return 0;
}

struct transaction *transaction_find(struct store_client *client, uint32_t id)
{
    LIST_EACH (link, &client->transactions) {
        struct transaction *tx = LIST_ENTRY(link, struct transaction, in_client);
        if (tx->id == id)
            return tx;
    }
    return NULL;
}

static struct own_node *first_child(const struct own_node *own)
{
    if (list_is_empty(&own->children.order))
        return NULL;
    return (struct own_node *)LIST_ENTRY(own->children.order.next, struct name, order);
}

void transaction_abort(struct transaction *tx)
{
    for (struct own_node *own = tx->root, *child, *parent; own; own = parent) {
        while ((child = first_child(own)))
            own = child;
        parent = own->parent;
        if (parent)
            names_remove(&parent->children, &own->name);
        own_free(tx, own);
    }
    tx->client->domain->transactions--;
    list_remove(&tx->in_client);
    free(tx);
}

/* --- The overlay --- */

int own_child(struct transaction *tx, struct own_node *parent, const struct component *component,
              struct own_node **child)
{
    struct store *store = tx->client->store;
    uint64_t hash = tree_hash(store, parent->name.hash, component->text, component->length);

    *child = (struct own_node *)names_find(&parent->children, hash, component->text,
                                           component->length, &store->counters.steps);
    if (*child)
        return 0;
    if (!quota_allows(store, tx->client->domain, STORE_QUOTA_TRANSACTION_NODES, tx->nodes + 1) ||
        !charge(tx, size_of_own(component->length)))
        return ENOSPC;
    struct own_node *own = own_alloc(hash, component->text, component->length);
    if (!own) {
        uncharge(tx, size_of_own(component->length));
        return ENOMEM;
    }
    own->parent = parent;
    own->state = parent->state == OWN_SAME ? OWN_SAME : OWN_GONE;
    names_add(&parent->children, &own->name);
    tx->nodes++;
    *child = own;
    return 0;
}

static uint64_t stamp_of(const struct node *base, enum aspect aspect)
{
    if (!base)
        return 0;
    switch (aspect) {
    case READ_PRESENCE:
        return base->born;
    case READ_VALUE:
        return base->value_stamp;
    case READ_PERMS:
        return base->perms_stamp;
    case READ_CHILDREN:
        return base->children_stamp;
    case NR_ASPECTS:
        break;
    }
    return 0;
}

/* What was seen first counts. Who sees something else later has seen two states of the store, even
 * if the first one comes back. */
static void note(struct own_node *own, const struct node *base, enum aspect aspect)
{
    uint64_t stamp = stamp_of(base, aspect);

    if (!(own->noted & 1U << aspect)) {
        own->noted = (uint8_t)(own->noted | 1U << aspect);
        own->seen[aspect] = stamp;
    } else if (own->seen[aspect] != stamp) {
        own->has_changed = true;
    }
}

void own_note(struct own_node *own, const struct node *base, enum aspect aspect)
{
    if (own->state != OWN_SAME)
        return;
    note(own, base, READ_PRESENCE);
    note(own, base, aspect);
}

int own_prepare(struct transaction *tx, struct own_node *own)
{
    if (own->made)
        return 0; /* made below what somebody else removed since: the end will fail */
    if (!charge(tx, size_of_made(own)))
        return ENOSPC;
    own->made = node_alloc(own->name.hash, own->name.text, own->name.length);
    if (!own->made) {
        uncharge(tx, size_of_made(own));
        return ENOMEM;
    }
    return 0;
}

void own_unprepare(struct transaction *tx, struct own_node *own)
{
    if (!own->made)
        return;
    uncharge(tx, size_of_made(own));
    node_free(own->made);
    own->made = NULL;
}

void own_make(struct transaction *tx, struct own_node *own, struct perms *perms,
              struct link *before)
{
    own->state = OWN_FRESH;
    perms_put(own->perms); /* of a node that somebody else removed since: the end will fail */
    own->perms = perms;
    own->parent->children_stamp = ++tx->client->store->stamp;
    if (list_is_empty(&own->changed))
        list_insert_before(before, &own->changed);
}

static void own_changed(struct transaction *tx, struct own_node *own)
{
    own->is_target = true;
    if (list_is_empty(&own->changed))
        list_append(&tx->changed, &own->changed);
}

/* Those below go with it. What they noted is still what was read. */
static void remove_below(struct transaction *tx, struct own_node *top)
{
    struct own_node *own = top;

    while (own) {
        struct own_node *next = first_child(own);
        if (own != top) {
            drop_changes(tx, own);
            own->state = OWN_GONE;
            own->cut = false;
        }
        for (; !next && own != top; own = own->parent)
            if (own->name.order.next != &own->parent->children.order)
                next = (struct own_node *)LIST_ENTRY(own->name.order.next, struct name, order);
        own = next;
    }
}

void own_remove(struct transaction *tx, struct own_node *own, const struct node *base)
{
    remove_below(tx, own);
    if (own->state == OWN_SAME) {
        own_note(own, base, READ_PRESENCE);
        own->cut = true;
    }
    drop_changes(tx, own);
    own->state = OWN_GONE;
    own->parent->children_stamp = ++tx->client->store->stamp;
    if (own->cut)
        own_changed(tx, own);
}

int own_set_value(struct transaction *tx, struct own_node *own, const void *bytes, size_t length)
{
    size_t before = own->value.length;

    if (length > before && !charge(tx, length - before))
        return ENOSPC;
    if (!value_set(&own->value, bytes, length)) {
        if (length > before)
            uncharge(tx, length - before);
        return ENOMEM;
    }
    if (length < before)
        uncharge(tx, before - length);
    own->has_value = true;
    own_changed(tx, own);
    return 0;
}

void own_set_perms(struct transaction *tx, struct own_node *own, struct perms *perms)
{
    perms_put(own->perms);
    own->perms = perms;
    own->has_perms = true;
    own_changed(tx, own);
}
