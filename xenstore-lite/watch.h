/* SPDX-License-Identifier: MIT */
/*
 * Watches: found by the path that they watch, then by domain.
 *
 * A change looks up each prefix of its path, so it costs what the path is deep. Where a node may be
 * read by some domains only, theirs are looked up; only where all may read it, all that watch it
 * are visited: they all get an event.
 */
#ifndef XENSTORE_LITE_WATCH_H
#define XENSTORE_LITE_WATCH_H

#include "tree.h"

/* So that path, token and both their ends fit in a message. */
#define TOKEN_MAX (XENSTORE_PAYLOAD_MAX - XENSTORE_ABS_PATH_MAX - 2)

struct watched_path {
    struct name name; /* the whole path; in store->watched */
    struct names groups;
    char text[];
};

/* The watches that one domain has on one path. */
struct watch_group {
    struct name name; /* the domid's two bytes */
    domid_t domid;
    struct watched_path *path;
    struct link watches;
};

struct watch {
    struct store_client *client;
    struct watch_group *group;
    struct link in_group, in_client, overflowed;
    uint32_t events; /* that wait in the queue */
    size_t given;    /* bytes of the path that the client did not write, and does not get */
    size_t token_length;
    char token[];
};

/* Sets *watch. Returns 0, EEXIST (path and token are the same as of another), or ENOMEM. */
int watch_add(struct store_client *client, const struct path *path, const char *token,
              struct watch **watch);
/* NULL: no such watch. */
struct watch *watch_find(struct store_client *client, const struct path *path, const char *token);
void watch_remove(struct watch *watch);
void watch_remove_all(struct store_client *client);
/* The event that each watch gets once when it is made. */
void watch_fire_first(struct watch *watch);

/* The node changed: to all who watch it or something above it, and may read it by `perms`. */
void watch_fire(struct store *store, const struct node *node, const struct perms *perms);
/* The node and all below are about to be removed: as above for the node, and each node below to
 * those who watch just that. */
void watch_fire_removal(struct store *store, const struct node *node);

#endif
