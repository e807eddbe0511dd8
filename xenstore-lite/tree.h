/* SPDX-License-Identifier: MIT */
/*
 * The common tree: what all see that are in no transaction, and what commits change.
 *
 * Each node has stamps of when it came to be, and of the last change of its value, of its
 * permissions and of the set of its children's names. No two changes have the same stamp, so equal
 * stamps mean that nothing was changed.
 */
#ifndef XENSTORE_LITE_TREE_H
#define XENSTORE_LITE_TREE_H

#include "permission.h"
#include "store.h"

struct value {
    char *bytes; /* malloc'ed; NULL if there are none */
    uint32_t length;
};

struct node {
    struct name name; /* its hash is that of the whole path */
    struct node *parent;
    struct names children;
    struct perms *perms;
    struct value value;
    uint64_t born, value_stamp, perms_stamp, children_stamp;
    char text[];
};

/* Copies. Returns false if there is no memory. */
bool value_set(struct value *value, const void *bytes, size_t length);
void value_free(struct value *value);

/* A node in no tree, without permissions. NULL: no memory. */
struct node *node_alloc(uint64_t hash, const char *text, size_t length);
/* It is in no tree, and has no children. */
void node_free(struct node *node);

struct node *node_child(struct store *store, const struct node *node,
                        const struct component *component);
/* The node at that path, or NULL. */
struct node *tree_find(struct store *store, const struct path *path);
uint64_t tree_hash(const struct store *store, uint64_t parent, const char *text, size_t length);
/* The hash of a whole path, special ones included. */
uint64_t tree_hash_path(const struct store *store, const struct path *path);
/* Where a node is. */
void tree_path_of(const struct node *node, struct path *path);

/* Changes. Those that take a value or permissions take them over. None can fail. */
void tree_attach(struct store *store, struct node *parent,
                 struct node *node); /* it has its perms */
void tree_set_value(struct store *store, struct node *node, struct value value);
void tree_set_perms(struct store *store, struct node *node, struct perms *perms);
/* The node and all below. */
void tree_remove(struct store *store, struct node *node);

/* All nodes from top downwards, parents first; NULL after the last. */
struct node *tree_walk(const struct node *top, const struct node *node);

#endif
