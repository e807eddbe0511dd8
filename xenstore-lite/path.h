/* SPDX-License-Identifier: MIT */
/*
 * Paths: /COMPONENT/COMPONENT of [A-Za-z0-9-_@], no empty component but for "/" itself; what does
 * not begin with a slash stands below /local/domain/DOMID; @NAME is no path of a node, but can be
 * watched.
 */
#ifndef XENSTORE_LITE_PATH_H
#define XENSTORE_LITE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#define PATH_MAX_SIZE (XENSTORE_ABS_PATH_MAX + 1)

struct path {
    size_t length;
    size_t given; /* bytes that were put before what the client wrote: 0 for an absolute path */
    char text[PATH_MAX_SIZE];
};

/* The absolute form of what a domain sent. Returns false if it is none. */
bool path_set(struct path *path, domid_t domid, const char *text);
static inline bool path_is_special(const struct path *path)
{
    return path->text[0] == '@';
}

struct component {
    const char *text;
    size_t length;
    size_t end; /* where in the path it ends */
};

/* The component that begins after `from` bytes: 0, then component->end. Returns false if there is
 * none. */
bool path_next(const struct path *path, size_t from, struct component *component);
/* Puts a component before what is there: paths of nodes are built from their end. Returns false if
 * it does not fit. */
bool path_prepend(struct path *path, const char *text, size_t length);
/* Begins and ends that. */
void path_build(struct path *path);
void path_built(struct path *path);

#endif
