/* SPDX-License-Identifier: MIT */
/*
 * Threads that take turns when they say so, each bound to the CPU that made it. One that waits at a
 * doorbell has no turn until it rings; when all wait, the CPU sleeps.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "arch/arch.h"
#include "kernel/timer.h"

/* Rings are kept until somebody waited for them; many before that are one. Zeroed: silent. */
struct doorbell {
    volatile bool rung;
};

struct thread {
    uint64_t sp;
    struct thread *next; /* ring of this CPU's threads */
    void *stack;
    void (*function)(void *);
    void *argument;
    struct doorbell *waits_at; /* NULL: it wants its turn */
    uint64_t deadline_ns;      /* when it stops to wait; 0: never */
    struct timer timer;        /* so that the CPU is awake then */
    volatile bool late;        /* it went off */
    bool done;
};

/* The thread runs at the next yield. Its memory is the caller's. False without memory for a stack.
 */
bool thread_create(struct thread *thread, void (*function)(void *), void *argument);
void thread_yield(void);
/* Yields until it has returned, then frees its stack. */
void thread_join(struct thread *thread);

/* From any thread or interrupt handler of the CPU whose thread waits there. */
void doorbell_ring(struct doorbell *bell);
/* Other threads run until it rings, if it has not rung already. */
void doorbell_wait(struct doorbell *bell);
/* The same, but not after DEADLINE_NS (arch_clock_ns). False: it did not ring. */
bool doorbell_wait_until(struct doorbell *bell, uint64_t deadline_ns);

#endif
