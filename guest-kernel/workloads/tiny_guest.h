/* SPDX-License-Identifier: MIT */
/*
 * The smallest guest: eight pages, a few instructions (tiny_code.S), one vCPU. dom0 makes it as a builder would:
 * pages, page tables, a pin, a context.
 */
#ifndef WORKLOADS_TINY_GUEST_H
#define WORKLOADS_TINY_GUEST_H

#include "control/control.h"
#include "workloads/workload.h"

#define TINY_BASE 0x1000000UL

/* Its pages, by its own numbers. */
enum tiny_page { TINY_L4, TINY_L3, TINY_L2, TINY_L1, TINY_CODE, TINY_STACK, TINY_SHARED, TINY_SPARE, TINY_PAGES };

/* What it does: the entry's RDI. */
enum tiny_task {
    TINY_SHUT_DOWN, /* at once, with the reason in shared[0] */
    TINY_SPIN,      /* counts up shared[1] for ever */
    TINY_FAULT,     /* reads where nothing is, with no handler */
    TINY_ECHO,      /* waits on port shared[2], counts shared[3], sends to it, and spins */
    TINY_BLOCK,     /* sleeps for ever */
};

struct tiny {
    domid_t id;
    xen_pfn_t frames[TINY_PAGES];
};

/* Built and ready, but paused. False: a check failed, and nothing is left of it. */
bool tiny_create(struct tiny *t, enum tiny_task task);
/* Its page seen from here (read and write); the same address each time. */
volatile uint64_t *tiny_map(const struct tiny *t, enum tiny_page page);
void tiny_unmap(enum tiny_page page);
/* Waits, in bounded time, until it has shut down; returns the reason, or -1. */
int tiny_wait_shut_down(const struct tiny *t);
/* Destroys it and waits, in bounded time, until its id is free. */
bool tiny_destroy(const struct tiny *t);

#endif
