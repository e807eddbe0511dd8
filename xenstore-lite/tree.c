/* SPDX-License-Identifier: MIT */
/* The common tree. Nothing here recurses: paths may have 1,500 components. */
#include "tree.h"
#include "hash.h"
#include <stdlib.h>
#include <string.h>

bool value_set(struct value *value, const void *bytes, size_t length)
{
    char *copy = NULL;

    if (length) {
        copy = malloc(length);
        if (!copy)
            return false;
        memcpy(copy, bytes, length);
    }
    value_free(value);
    *value = (struct value){ copy, (uint32_t)length };
    return true;
}

void value_free(struct value *value)
{
    free(value->bytes);
    *value = (struct value){ NULL, 0 };
}

struct node *node_alloc(uint64_t hash, const char *text, size_t length)
{
    struct node *node = malloc(sizeof(*node) + length);

    if (!node)
        return NULL;
    *node =
        (struct node){ .name = { .hash = hash, .length = (uint32_t)length, .text = node->text } };
    memcpy(node->text, text, length);
    names_init(&node->children);
    return node;
}

void node_free(struct node *node)
{
    if (!node)
        return;
    names_free(&node->children);
    perms_put(node->perms);
    value_free(&node->value);
    free(node);
}

uint64_t tree_hash(const struct store *store, uint64_t parent, const char *text, size_t length)
{
    return hash_name(store->config.hash_key, parent, text, length);
}

uint64_t tree_hash_path(const struct store *store, const struct path *path)
{
    struct component component = { .end = 0 };
    uint64_t hash = 0;

    if (path_is_special(path))
        return tree_hash(store, 0, path->text, path->length);
    while (path_next(path, component.end, &component))
        hash = tree_hash(store, hash, component.text, component.length);
    return hash;
}

struct node *node_child(struct store *store, const struct node *node,
                        const struct component *component)
{
    uint64_t hash = tree_hash(store, node->name.hash, component->text, component->length);

    return (struct node *)names_find(&node->children, hash, component->text, component->length,
                                     &store->counters.steps);
}

struct node *tree_find(struct store *store, const struct path *path)
{
    struct component component = { .end = 0 };
    struct node *node = store->root;

    while (node && path_next(path, component.end, &component))
        node = node_child(store, node, &component);
    return node;
}

void tree_path_of(const struct node *node, struct path *path)
{
    path_build(path);
    if (node->name.length && node->text[0] == '@' && !node->parent) {
        path->length = node->name.length;
        memcpy(path->text, node->text, path->length);
        path->text[path->length] = 0;
        return;
    }
    for (; node->parent; node = node->parent)
        path_prepend(path, node->text, node->name.length);
    path_built(path);
}

/* The owner's count follows its nodes. Nobody's nodes are not counted. */
static void account(const struct store *store, const struct perms *perms, uint32_t change)
{
    struct store_domain *owner = perms_owner(store, perms);

    if (owner)
        owner->nodes += change;
}

void tree_attach(struct store *store, struct node *parent, struct node *node)
{
    uint64_t stamp = ++store->stamp;

    node->parent = parent;
    node->born = node->value_stamp = node->perms_stamp = node->children_stamp = stamp;
    names_add(&parent->children, &node->name);
    parent->children_stamp = stamp;
    account(store, node->perms, 1);
    store->counters.nodes++;
}

void tree_set_value(struct store *store, struct node *node, struct value value)
{
    value_free(&node->value);
    node->value = value;
    node->value_stamp = ++store->stamp;
}

void tree_set_perms(struct store *store, struct node *node, struct perms *perms)
{
    account(store, node->perms, UINT32_MAX);
    account(store, perms, 1);
    perms_put(node->perms);
    node->perms = perms;
    node->perms_stamp = ++store->stamp;
}

static struct node *first_child(const struct node *node)
{
    if (list_is_empty(&node->children.order))
        return NULL;
    return (struct node *)LIST_ENTRY(node->children.order.next, struct name, order);
}

struct node *tree_walk(const struct node *top, const struct node *node)
{
    struct node *child = first_child(node);

    if (child)
        return child;
    for (; node != top; node = node->parent) {
        struct link *next = node->name.order.next;
        if (next != &node->parent->children.order)
            return (struct node *)LIST_ENTRY(next, struct name, order);
    }
    return NULL;
}

void tree_remove(struct store *store, struct node *node)
{
    struct node *top_parent = node->parent;

    top_parent->children_stamp = ++store->stamp;
    for (struct node *child, *parent = NULL; parent != top_parent; node = parent) {
        while ((child = first_child(node)))
            node = child;
        parent = node->parent;
        names_remove(&parent->children, &node->name);
        account(store, node->perms, UINT32_MAX);
        node_free(node);
        store->counters.nodes--;
        store->counters.steps++;
    }
}
