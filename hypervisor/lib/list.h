/* SPDX-License-Identifier: MIT */
/* Circular doubly linked lists whose nodes live inside what they link. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

/* Takes the node out; it may be taken out again, or asked whether it is empty, without harm. */
static inline void list_remove(struct list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}

#define list_first(head, type, member) container_of((head)->next, type, member)

#define list_for_each(var, head, member)                                                           \
    for (var = container_of((head)->next, __typeof__(*var), member); &var->member != (head);       \
         var = container_of(var->member.next, __typeof__(*var), member))

#endif
