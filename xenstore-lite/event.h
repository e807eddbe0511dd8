/* SPDX-License-Identifier: MIT */
/*
 * Watch events that a client has not taken yet.
 *
 * An event that waits already is not queued twice: it says "look at this path", and whoever looks
 * later sees more. If there is no room (quota or memory), the watch is noted once in a list that
 * needs no memory, and in the end gets one event for its own path: "look at all of it". So nothing
 * is lost, and a client that does not read costs no more than its quota.
 */
#ifndef XENSTORE_LITE_EVENT_H
#define XENSTORE_LITE_EVENT_H

#include "list.h"
#include "path.h"
#include "watch.h"

#define NR_EVENT_BUCKETS 64U

struct event {
    struct link queue, bucket;
    struct watch *watch;
    uint64_t hash; /* of path */
    size_t length;
    char path[];
};

struct events {
    struct link queue;
    struct link overflowed; /* watches */
    struct link bucket[NR_EVENT_BUCKETS];
    size_t bytes;
};

void events_init(struct events *events);
bool events_are_waiting(const struct events *events);
/* For the watch: something happened at that path. */
void event_queue(struct watch *watch, uint64_t hash, const struct path *path);
/* Forgets what waits for a watch. */
void event_forget(struct watch *watch);
/* Takes the first one and writes its message: path NUL token NUL. Returns false if there is none.
 */
bool event_take(struct store_client *client, struct xsd_sockmsg *header, char *payload);

#endif
