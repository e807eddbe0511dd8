/* SPDX-License-Identifier: MIT */
/*
 * A store that knows only the rules: one list of nodes, searched from end to end. Its answers have
 * the form that guests.h gives those of the real one.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Only the root, dom0's. */
void model_begin(void);
/* What domain `who` is answered to READ, WRITE, MKDIR, RM, DIRECTORY, GET_PERMS or SET_PERMS of an
 * absolute path; `text` is the value or the permissions ("n0 r1"). */
const char *model_do(unsigned who, uint32_t type, const char *path, const char *text);

/* Watches, which are told what happened: sorted, each once, "path token;". */
void model_watch(unsigned who, const char *path, const char *token);
bool model_unwatch(unsigned who, const char *path, const char *token);
bool model_watches(unsigned who, const char *path, const char *token);
const char *model_events(unsigned who);
/* The same form for what really came. */
const char *sorted_events(const char *text);

/* Paths that were changed, made or removed, in order. */
size_t model_nr_changes(void);
const char *model_change(size_t i);

/* Calls for each node. */
void model_each(void (*each)(const char *path, const char *value, const char *perms));

#endif
