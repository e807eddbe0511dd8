/* SPDX-License-Identifier: MIT */
/*
 * A table of things that have names: the children of a node, the paths that are watched.
 *
 * A hash table with chains through the entries themselves, so that adding cannot fail: if there is
 * no memory for a larger table, chains get longer. Entries are also in a list, oldest first.
 */
#ifndef XENSTORE_LITE_NAMES_H
#define XENSTORE_LITE_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include "list.h"

struct name {
    struct name *next; /* in its bucket */
    struct link order;
    uint64_t hash;
    uint32_t length;
    const char *text; /* not terminated */
};

struct names {
    struct name **buckets; /* a power of two of them; NULL: `only` is the one bucket */
    struct name *only;
    uint32_t nr, mask;
    struct link order;
};

void names_init(struct names *names);
/* Frees the table; its entries are the caller's. */
void names_free(struct names *names);
/* The entry with this name, or NULL. `hash` is the name's; what was looked at is added to *steps.
 */
struct name *names_find(const struct names *names, uint64_t hash, const char *text, size_t length,
                        uint64_t *steps);
/* Is there one with this hash? Then it is nearly always the one. */
bool names_may_have(const struct names *names, uint64_t hash, uint64_t *steps);
/* hash, text and length are set; no entry has that name. */
void names_add(struct names *names, struct name *name);
void names_remove(struct names *names, struct name *name);

#endif
