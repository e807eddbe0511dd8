/* SPDX-License-Identifier: MIT */
/* Doubly linked lists. A link that is in no list points at itself. */
#ifndef XENSTORE_LITE_LIST_H
#define XENSTORE_LITE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define LIST_EACH(it, head)            for (struct link *it = (head)->next; it != (head); it = it->next)
/* The body may remove the link that it is given, and no other. */
#define LIST_EACH_SAFE(it, head)                                                                   \
    for (struct link *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct link *link)
{
    link->prev = link->next = link;
}

static inline bool list_is_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct link *place, struct link *link)
{
    link->prev = place->prev;
    link->next = place;
    place->prev->next = link;
    place->prev = link;
}

static inline void list_append(struct link *head, struct link *link)
{
    list_insert_before(head, link);
}

static inline void list_remove(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#endif
