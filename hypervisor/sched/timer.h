/* SPDX-License-Identifier: MIT */
/*
 * Timers: each processor has a heap of its own, and programs its interrupt for the first.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "lib/types.h"

struct timer {
    uint64_t when; /* ns since boot */
    void (*fn)(void *arg);
    void *arg;
    struct timer *child, *next, *prev; /* pairing heap: prev is the left sibling, or the parent */
    unsigned cpu;                      /* in whose heap it is, while active */
    bool active;
    bool moving; /* one processor at a time sets it */
};

static inline void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){ .fn = fn, .arg = arg };
}

/* Calls fn(arg) at that time, or soon after, on this processor, with interrupts off and no lock held.
 * An active timer is moved. */
void timer_set(struct timer *t, uint64_t when_ns);
void timer_stop(struct timer *t);

/* Runs what is due on this processor and programs the next interrupt. Interrupts off. */
void timers_run(void);

#endif
