/* SPDX-License-Identifier: MIT */
/*
 * Transactions: what one has read and changed, beside the common tree.
 *
 * An overlay mirrors the part of the tree that the transaction touched. Each of its nodes notes
 * what was read of the common tree's node of that path (that it is there or not, its value, its
 * permissions, its children's names), with the stamp seen, and holds what the transaction made of
 * it. The end compares each note with the tree as it is then: if all are as they were, the
 * transaction could have run at this very moment, and its changes are made. Nothing is locked.
 */
#ifndef XENSTORE_LITE_TRANSACTION_H
#define XENSTORE_LITE_TRANSACTION_H

#include "client.h"
#include "tree.h"

enum own_state {
    OWN_SAME,  /* as in the common tree, but for own value and permissions */
    OWN_FRESH, /* made by the transaction; what the common tree has there is not seen */
    OWN_GONE,  /* removed by the transaction, or below something that was */
};

enum aspect { READ_PRESENCE, READ_VALUE, READ_PERMS, READ_CHILDREN, NR_ASPECTS };

struct own_node {
    struct name name; /* hash of the whole path, as in the tree */
    struct own_node *parent;
    struct names children;
    enum own_state state;
    bool cut;       /* the common tree's node is to be removed first */
    bool is_target; /* a request named it; else it was made on the way, and fires no watches */
    bool has_value, has_perms;
    bool has_changed; /* what it noted was not the same at all times: it cannot be committed */
    uint8_t noted;    /* a bit an aspect */
    uint64_t seen[NR_ASPECTS]; /* stamps; of presence: when it came to be, 0: absent */
    uint64_t children_stamp;   /* of our last change to the set of its children */
    struct value value;        /* if has_value, or FRESH */
    struct perms *perms;       /* if has_perms, or FRESH */
    struct node *made;   /* if FRESH: what will go into the tree, so that the end cannot fail */
    struct link changed; /* in the transaction's list, in the order of first changes */
    char text[];
};

struct transaction {
    struct store_client *client;
    struct link in_client;
    uint32_t id;
    uint32_t nodes; /* in the overlay */
    size_t bytes;   /* of memory */
    struct own_node *root;
    struct link changed;
};

/* Sets *id. Returns 0 or ENOMEM. */
int transaction_start(struct store_client *client, uint32_t *id);
/* NULL: the client has none of that number. */
struct transaction *transaction_find(struct store_client *client, uint32_t id);
/* Ends it. Returns 0, or without any effect: EAGAIN (something that it read has changed) or ENOSPC
 * (quota). */
int transaction_commit(struct transaction *tx);
void transaction_abort(struct transaction *tx);

/* --- For the view --- */

/* The overlay's node below one; made if need be. Returns 0, ENOMEM, or ENOSPC (quota). */
int own_child(struct transaction *tx, struct own_node *parent, const struct component *component,
              struct own_node **child);
/* `base` is what the common tree has there, or NULL. Only what is still the common tree's is noted.
 */
void own_note(struct own_node *own, const struct node *base, enum aspect aspect);
/* Gets ready to be made FRESH: nothing changes yet. Returns 0, ENOMEM or ENOSPC. */
int own_prepare(struct transaction *tx, struct own_node *own);
void own_unprepare(struct transaction *tx, struct own_node *own);
/* Now it is there, empty. Takes the permissions over. `before` is the link before which it stands
 * in the list. */
void own_make(struct transaction *tx, struct own_node *own, struct perms *perms,
              struct link *before);
void own_remove(struct transaction *tx, struct own_node *own, const struct node *base);
/* Returns 0, ENOMEM or ENOSPC. */
int own_set_value(struct transaction *tx, struct own_node *own, const void *bytes, size_t length);
/* Takes the permissions over. */
void own_set_perms(struct transaction *tx, struct own_node *own, struct perms *perms);

#endif
