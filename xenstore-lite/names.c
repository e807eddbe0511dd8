/* SPDX-License-Identifier: MIT */
/* Tables of names. */
#include "names.h"
#include <stdlib.h>
#include <string.h>

#define SMALLEST 8U /* buckets of a table */

void names_init(struct names *names)
{
    *names = (struct names){ .mask = 0 };
    list_init(&names->order);
}

void names_free(struct names *names)
{
    free(names->buckets);
    names->buckets = NULL;
}

static struct name **bucket_of(struct names *names, uint64_t hash)
{
    return names->buckets ? &names->buckets[hash & names->mask] : &names->only;
}

struct name *names_find(const struct names *names, uint64_t hash, const char *text, size_t length,
                        uint64_t *steps)
{
    struct name *name = names->buckets ? names->buckets[hash & names->mask] : names->only;

    for ((*steps)++; name; name = name->next, (*steps)++)
        if (name->hash == hash && name->length == length && memcmp(name->text, text, length) == 0)
            break;
    return name;
}

bool names_may_have(const struct names *names, uint64_t hash, uint64_t *steps)
{
    const struct name *name = names->buckets ? names->buckets[hash & names->mask] : names->only;

    for ((*steps)++; name && name->hash != hash; name = name->next)
        (*steps)++;
    return name;
}

/* To a table of another size, or, if there is no memory for it, not. */
static void resize(struct names *names, uint32_t size)
{
    struct name **buckets = calloc(size, sizeof(struct name *));

    if (!buckets)
        return;
    free(names->buckets);
    names->buckets = buckets;
    names->mask = size - 1;
    LIST_EACH (link, &names->order) {
        struct name *name = LIST_ENTRY(link, struct name, order);
        struct name **bucket = bucket_of(names, name->hash);
        name->next = *bucket;
        *bucket = name;
    }
}

/* Gives back what a table grew to, so that names that are gone hold no memory. */
static void shrink(struct names *names)
{
    if (!names->buckets)
        return;
    if (names->nr == 0) {
        names_free(names);
        names->only = NULL;
    } else if (names->mask >= SMALLEST && names->nr < names->mask / 8) {
        resize(names, (names->mask + 1) / 4);
    }
}

void names_add(struct names *names, struct name *name)
{
    if (!names->buckets && names->nr == SMALLEST / 2)
        resize(names, SMALLEST);
    else if (names->buckets && names->nr > names->mask && names->mask < UINT32_MAX / 4)
        resize(names, (names->mask + 1) * 2);
    struct name **bucket = bucket_of(names, name->hash);
    name->next = *bucket;
    *bucket = name;
    list_append(&names->order, &name->order);
    names->nr++;
}

void names_remove(struct names *names, struct name *name)
{
    struct name **at = bucket_of(names, name->hash);

    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    list_remove(&name->order);
    names->nr--;
    shrink(names);
}
