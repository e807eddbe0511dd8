/* SPDX-License-Identifier: MIT */
/*
 * Timers of a CPU: a list in the order of their deadlines, over the machine's one deadline.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "arch/arch.h"

struct timer {
    uint64_t deadline_ns;
    void (*function)(struct timer *timer); /* runs with interrupts off */
    struct timer *next;
};

/* For the calling CPU. The timer's memory is the caller's until it has run or was cancelled. */
void timer_start(struct timer *timer, uint64_t deadline_ns, void (*function)(struct timer *));
void timer_cancel(struct timer *timer);

/* The arch layer calls it when the deadline has passed. May come too early or twice. */
void timer_interrupt(void);

#endif
