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
    stack->mark = STACK_MARK;
    *thread = (struct thread){ .function = function, .argument = argument, .stack = stack };
    thread->sp = arch_thread_frame(stack, thread_main, thread);
    thread->next = here->next;
    here->next = thread;
    return true;
}

static bool is_ready(const struct thread *thread)
{
    if (thread->waits_at == NULL || thread->waits_at->rung || thread->late)
        return true;
    return thread->deadline_ns != 0 && arch_clock_ns() >= thread->deadline_ns;
}

/* Whose turn is next, FROM being the last to be asked; NULL: all wait. */
static struct thread *next_ready(struct thread *from)
{
    for (struct thread *thread = from->next;; thread = thread->next) {
        if (is_ready(thread))
            return thread;
        if (thread == from)
            return NULL;
    }
}

/* Looking and falling asleep may not be apart, or a ring in between wakes nobody. */
static struct thread *wait_for_ready(struct thread *from)
{
    struct thread *next;

    for (;;) {
        bool enabled = arch_irq_disable();

        next = next_ready(from);
        if (next == NULL)
            arch_cpu_wait();
        arch_irq_restore(enabled);
        if (next != NULL)
            return next;
    }
}

void thread_yield(void)
{
    unsigned cpu = cpu_id();
    struct thread *from = current_get(cpu);
    struct thread *to;

    if (from->stack != NULL && ((struct stack_base *)from->stack)->mark != STACK_MARK)
        panic("a thread used more than its stack");
    if (from->next == from && from->waits_at == NULL)
        return;
    to = wait_for_ready(from);
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

void doorbell_ring(struct doorbell *bell)
{
    bell->rung = true;
}

void doorbell_wait(struct doorbell *bell)
{
    doorbell_wait_until(bell, 0);
}

/* It goes off once: whoever looks at the clock a little later may not be the only one to tell. */
static void deadline_passed(struct timer *timer)
{
    ((struct thread *)((char *)timer - offsetof(struct thread, timer)))->late = true;
}

bool doorbell_wait_until(struct doorbell *bell, uint64_t deadline_ns)
{
    struct thread *here = current_get(cpu_id());
    bool rung;

    here->waits_at = bell;
    here->deadline_ns = deadline_ns;
    here->late = false;
    if (deadline_ns != 0)
        timer_start(&here->timer, deadline_ns, deadline_passed);
    thread_yield();
    if (deadline_ns != 0)
        timer_cancel(&here->timer);
    here->waits_at = NULL;
    rung = bell->rung;
    bell->rung = false;
    return rung;
}
