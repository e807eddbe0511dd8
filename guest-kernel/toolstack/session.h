/* SPDX-License-Identifier: MIT */
/*
 * Whoever gives commands: the shell on the console, or the host over the second serial line.
 */
#ifndef TOOLSTACK_SESSION_H
#define TOOLSTACK_SESSION_H

#include <stdbool.h>
#include <stddef.h>

struct session {
    /* Never wait for a reader: when too much waits to be read, the rest is lost. */
    void (*write)(struct session *session, const char *text, size_t size);
    void (*write_error)(struct session *session, const char *text, size_t size);
    /* NULL, or waits until most of what was written is read, or nobody reads. */
    void (*drain)(struct session *session);
    /* What somebody typed, at least one byte; waits for it. -1: the bell rang for another reason.
     * 0: nobody is there any more. */
    long (*read)(struct session *session, char *to, size_t size);
    /* Nobody is there any more: what takes long is given up. May be NULL: somebody always is. */
    bool (*gone)(struct session *session);
    struct doorbell *bell;
    const char *command; /* the one being carried out, for what it says of errors */
};

/* Does not wait: what is shared (the store's client, lists) stays as it is. */
void session_print(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Between two pieces of what may be long. Others have their turn meanwhile. */
void session_drain(struct session *session);
/* One line, "command: ..." with its end. Returns 1, the status of a command that failed. */
int session_fail(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


bool session_gone(struct session *session);

#endif
