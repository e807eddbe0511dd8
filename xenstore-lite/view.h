/* SPDX-License-Identifier: MIT */
/*
 * A place in the tree as one request sees it: directly, or through its transaction. Requests are
 * written once, for both; what they look at is noted in the transaction, what they change lands
 * there.
 */
#ifndef XENSTORE_LITE_VIEW_H
#define XENSTORE_LITE_VIEW_H

#include "transaction.h"

struct place {
    struct store *store;
    struct store_domain *domain; /* who looks */
    struct transaction *tx;      /* NULL: directly */
    const struct path *path;
    unsigned missing;  /* components that are not there; 0: the node is */
    size_t near_end;   /* bytes of the path up to the deepest node that is there, "near" */
    struct node *near; /* in the common tree; NULL: only the transaction has it */
    /* In a transaction: */
    struct own_node *own_near, *own_missing /* first one that is not there */, *own;
};

/* Returns 0, ENOMEM or ENOSPC (quotas of the transaction), whether the node is there or not. */
int place_find(struct store_client *client, struct transaction *tx, const struct path *path,
               struct place *place);
/* Returns 0 if the node is there, and the domain may do what `need` (PERM_ bits) says. ENOENT: it
 * is not there, though it might have been told more; EACCES: it may not. */
int place_check(const struct place *place, unsigned need);
/* Is there a parent, so that something may be removed there? */
bool place_has_parent(const struct place *place);

/* Of a node that is there. */
const struct value *place_value(const struct place *place);
/* Of near. */
struct perms *place_perms(const struct place *place);
/* Calls for each child, until false is returned. */
void place_children(const struct place *place,
                    bool (*each)(void *context, const struct name *child), void *context);
/* Another number for each set of children that the node ever had. */
uint64_t place_generation(const struct place *place);

/* Changes. All return 0, ENOMEM or ENOSPC (quota; nothing has changed). */
int place_create(const struct place *place, const void *bytes, size_t length); /* it is not there */
int place_write(const struct place *place, const void *bytes, size_t length);  /* it is there */
int place_remove(const struct place *place);
/* Takes the permissions over. */
void place_set_perms(const struct place *place, struct perms *perms);

#endif
