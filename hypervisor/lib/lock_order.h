/* SPDX-License-Identifier: MIT */
/*
 * The one order in which locks are taken: from a low rank to a high one. Ranks that are marked with
 * "two" may be taken twice in a row, in the order that the comment names.
 */
#ifndef LIB_LOCK_ORDER_H
#define LIB_LOCK_ORDER_H

enum lock_rank {
    LOCK_DOMAIN_LIST = 1, /* changes to the list of domains */
    LOCK_DOMAIN_LIFE,     /* one domain's create, pause, destroy; two: lower domid first */
    LOCK_GRANTS,          /* a domain's handles, and the length of its grant table */
    LOCK_GRANT_USE,       /* one entry of a grant table */
    LOCK_EVENTS,          /* event channels of a domain; two: lower domid first; interrupts off */
    LOCK_DOMAIN_FRAMES,   /* a domain's list of frames and its queue of tables to take apart */
    LOCK_CLAIMS,          /* memory that domains were promised */
    LOCK_IRQ,             /* physical interrupts; interrupts off */
    LOCK_RUN_QUEUE,       /* of a processor; two: lower processor first; interrupts off */
    LOCK_TIMERS,          /* of a processor; interrupts off */
    LOCK_FRAME_ALLOC,     /* interrupts off */
    LOCK_HEAP,            /* interrupts off */
    LOCK_LOG,             /* interrupts off */
    NR_LOCK_RANKS
};

#ifdef TENON_CHECKED
/* Stops if a lock of this rank may not be taken now, else notes it as held by this processor. */
void lock_order_take(unsigned rank);
void lock_order_drop(unsigned rank);
#else
static inline void lock_order_take(unsigned rank)
{
    (void)rank;
}
static inline void lock_order_drop(unsigned rank)
{
    (void)rank;
}
#endif

#endif
