/* SPDX-License-Identifier: MIT */
/*
 * Threads that take turns when they say so, each bound to the CPU that made it.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "arch/arch.h"

struct thread {
    uint64_t sp;
    struct thread *next; /* ring of this CPU's threads */
    void *stack;
    void (*function)(void *);
    void *argument;
    bool done;
};

/* The thread runs at the next yield. Its memory is the caller's. False without memory for a stack.
 */
bool thread_create(struct thread *thread, void (*function)(void *), void *argument);
void thread_yield(void);
/* Yields until it has returned, then frees its stack. */
void thread_join(struct thread *thread);

#endif
