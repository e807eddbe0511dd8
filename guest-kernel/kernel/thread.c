/* SPDX-License-Identifier: MIT */
/*
 * Threads that take turns when they say so.
 */
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/thread.h"

/* The code that was there first on each CPU is a thread as well. */
static struct thread first[CPU_MAX];
static struct thread *current[CPU_MAX];

static struct thread *current_get(unsigned cpu)
{
    if (current[cpu] == NULL) {
        current[cpu] = &first[cpu];
        first[cpu].next = &first[cpu];
    }
    return current[cpu];
}

static void thread_main(void *argument)
{
    struct thread *thread = argument;

    thread->function(thread->argument);
    thread->done = true;
    for (;;)
        thread_yield();
}

bool thread_create(struct thread *thread, void (*function)(void *), void *argument)
{
    struct thread *here = current_get(cpu_id());
    struct stack_base *stack = page_alloc_contiguous(STACK_PAGES, STACK_PAGES);

    if (stack == NULL)
        return false;
    stack->cpu = cpu_id();
    *thread = (struct thread){ .function = function, .argument = argument, .stack = stack };
    thread->sp = arch_thread_frame(stack, thread_main, thread);
    thread->next = here->next;
    here->next = thread;
    return true;
}

void thread_yield(void)
{
    unsigned cpu = cpu_id();
    struct thread *from = current_get(cpu);
    struct thread *to = from->next;

    if (to == from)
        return;
    current[cpu] = to;
    arch_context_switch(&from->sp, to->sp);
}

void thread_join(struct thread *thread)
{
    struct thread *before = thread;

    while (!thread->done)
        thread_yield();
    while (before->next != thread)
        before = before->next;
    before->next = thread->next;
    page_free_contiguous(thread->stack, STACK_PAGES);
}
