/* SPDX-License-Identifier: MIT */
/*
 * A store with made-up domains around it: each has a ring page and a port, and can be anything.
 *
 * Clients are named by their domid, 0 being a client within dom0. What a request is answered is
 * told as a string: what it returned, or !ENOENT and the like.
 */
#ifndef GUESTS_H
#define GUESTS_H

#include "xenstore-lite/xenstore.h"

#define NR_GUESTS 128U

struct guest {
    struct xenstore_domain_interface *page; /* of its own, so that ASan sees who goes beyond */
    enum store_life life;
    bool mapped;
    int port; /* bound; 0: none */
    unsigned notified;
    bool silent; /* it does not read its ring */
    /* What it read so far of the message that comes next. */
    char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    uint32_t have;
};

extern const struct store_port guests_port;
extern struct store *store;
extern struct guest guests[NR_GUESTS];
extern struct xsd_sockmsg reply; /* the last one */
extern char reply_payload[XENSTORE_PAYLOAD_MAX + 1];
extern char log_text[1U << 16]; /* lines of the store's log */
extern unsigned wakes;          /* of dom0's client */

/* An empty store, and all guests alive and unknown to it. NULL: usual quotas. */
void begin(const struct store_config *config);
/* The audit finds nothing, and no page or port is left. */
void end(void);
/* Introduces guests first..last, each with /local/domain/N of its own. */
void introduce(unsigned first, unsigned last);
const char *audit_now(void); /* NULL: all is well */

/* Sends a message and gives back its answer. Sizes are of payloads. */
const char *ask_bytes(unsigned who, uint32_t type, uint32_t tx, const void *payload, size_t size);
/* Payload: so many strings, each with its NUL. */
const char *ask(unsigned who, uint32_t type, uint32_t tx, unsigned nr, ...);
/* The usual ones. */
const char *get(unsigned who, uint32_t tx, const char *path);
const char *put(unsigned who, uint32_t tx, const char *path, const char *value);
const char *remove_path(unsigned who, uint32_t tx, const char *path);
const char *list(unsigned who, uint32_t tx, const char *path); /* sorted, names end in a blank */
const char *allow(unsigned who, uint32_t tx, const char *path, const char *perms); /* "n0 r1" */
const char *allowed(unsigned who, uint32_t tx, const char *path);
const char *watch(unsigned who, const char *path, const char *token);
const char *unwatch(unsigned who, const char *path, const char *token);
uint32_t start(unsigned who);                  /* a transaction */
const char *finish(unsigned who, uint32_t tx); /* commits it */

/* The watch events that came and were not asked for yet: "path token;path token;". */
const char *events(unsigned who);

/* --- A guest's side of its ring, byte by byte --- */

/* Puts what fits into the ring; returns how much. Tells nobody. */
size_t ring_put(unsigned who, const void *bytes, size_t size);
size_t message_make(void *out, uint32_t type, uint32_t tx, const void *payload, size_t size);
/* Has the store work until it has nothing to do, all guests reading meanwhile. */
void run(void);
/* Takes the next whole message, if there is one: events are kept, a reply goes to `reply`. */
bool ring_take(unsigned who);

uint64_t random_next(uint64_t *seed);

#endif
