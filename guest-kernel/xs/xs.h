/* SPDX-License-Identifier: MIT */
/*
 * A client of the store: one function a message, whatever carries it (a ring in a guest, calls in
 * dom0).
 *
 * Errors are the store's names for them, good until the next one; NULL is success. Paths that do not begin with "/" or
 * "@" are below /local/domain/<own id>.
 *
 * ABI: <xen/io/xs_wire.h>
 */
#ifndef XS_XS_H
#define XS_XS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

struct xs {
    /* Sends a request and waits for its reply, of at most XENSTORE_PAYLOAD_MAX bytes, into
     * this->reply. False: the connection broke. */
    bool (*exchange)(struct xs *xs, struct xsd_sockmsg *message, const void *payload);
    uint32_t transaction; /* of the requests to come; 0: none */
    char request[XENSTORE_PAYLOAD_MAX];
    char reply[XENSTORE_PAYLOAD_MAX + 1];
    size_t reply_size; /* a NUL stands behind it */
    char error[16];
};

/* Any request whose payload is these texts, each with its NUL but for the last where bare. The
 * answer is in xs->reply. */
const char *xs_request(struct xs *xs, uint32_t type, const char *first, const char *second, bool bare);

/* The value, cut to fit and terminated. */
const char *xs_read(struct xs *xs, const char *path, char *value, size_t size);
/* A number in decimal. "EINVAL" if it is none. */
const char *xs_read_number(struct xs *xs, const char *path, uint64_t *number);
const char *xs_write(struct xs *xs, const char *path, const char *value);
const char *xs_write_number(struct xs *xs, const char *path, uint64_t number);
const char *xs_mkdir(struct xs *xs, const char *path);
const char *xs_rm(struct xs *xs, const char *path);
/* Names, each with its NUL, in xs->reply, xs->reply_size bytes. More than a reply holds: "E2BIG". */
const char *xs_directory(struct xs *xs, const char *path);
/* The permissions as texts ("n5", "r0"), the same way. */
const char *xs_get_permissions(struct xs *xs, const char *path);
/* list: "n5 r0", blanks between. */
const char *xs_set_permissions(struct xs *xs, const char *path, const char *list);
const char *xs_watch(struct xs *xs, const char *path, const char *token);
const char *xs_unwatch(struct xs *xs, const char *path, const char *token);

/* Begins one, to which all requests up to its end belong. */
const char *xs_begin(struct xs *xs);
/* "EAGAIN": somebody else changed what was read; all is to be done again. */
const char *xs_end(struct xs *xs, bool commit);

#endif
