/* SPDX-License-Identifier: MIT */
/*
 * Timers of a CPU.
 */
#include "kernel/smp.h"
#include "kernel/timer.h"

static struct timer *queues[CPU_MAX];

static void arm_first(const struct timer *first)
{
    if (first != NULL)
        arch_timer_arm(first->deadline_ns);
}

void timer_start(struct timer *timer, uint64_t deadline_ns, void (*function)(struct timer *))
{
    bool enabled = arch_irq_disable();
    struct timer **at = &queues[cpu_id()];

    timer->deadline_ns = deadline_ns;
    timer->function = function;
    while (*at != NULL && (*at)->deadline_ns <= deadline_ns)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    arm_first(queues[cpu_id()]);
    arch_irq_restore(enabled);
}

void timer_cancel(struct timer *timer)
{
    bool enabled = arch_irq_disable();
    struct timer **at = &queues[cpu_id()];

    while (*at != NULL && *at != timer)
        at = &(*at)->next;
    if (*at != NULL)
        *at = timer->next;
    if (queues[cpu_id()] == NULL)
        arch_timer_cancel();
    arch_irq_restore(enabled);
}

void timer_interrupt(void)
{
    struct timer **queue = &queues[cpu_id()];

    while (*queue != NULL && (*queue)->deadline_ns <= arch_clock_ns()) {
        struct timer *timer = *queue;

        *queue = timer->next;
        timer->function(timer);
    }
    arm_first(*queue);
}
