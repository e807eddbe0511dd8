/* SPDX-License-Identifier: MIT */
#include "sched/timer.h"
#include "lib/spinlock.h"
#include "machine/machine.h"

static struct {
    struct spinlock lock;
    struct timer *first;
    uint64_t programmed; /* for when the interrupt is; ~0: for nothing */
} heaps[NR_CPUS] = { [0 ... NR_CPUS - 1] = { SPINLOCK(LOCK_TIMERS), NULL, ~0UL } };

/* Joins two heaps, given by their roots. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->when < a->when) {
        struct timer *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Joins a list of siblings: in pairs from the left, then the pairs from the right. */
static struct timer *meld_siblings(struct timer *t)
{
    struct timer *pairs = NULL, *heap = NULL;

    while (t) {
        struct timer *a = t, *b = t->next;
        t = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        struct timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct timer *next = pairs->next;
        pairs->next = NULL;
        heap = meld(heap, pairs);
        pairs = next;
    }
    if (heap)
        heap->prev = heap->next = NULL;
    return heap;
}

static void take_out(struct timer *t)
{
    struct timer *children = meld_siblings(t->child);

    if (heaps[t->cpu].first == t) {
        heaps[t->cpu].first = children;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        heaps[t->cpu].first = meld(heaps[t->cpu].first, children);
    }
    t->child = t->next = t->prev = NULL;
    t->active = false;
}

void timer_stop(struct timer *t)
{
    while (READ_ONCE(t->active)) {
        unsigned cpu = READ_ONCE(t->cpu);
        irq_state_t state = spin_lock_irq(&heaps[cpu].lock);
        if (t->active && t->cpu == cpu)
            take_out(t);
        spin_unlock_irq(&heaps[cpu].lock, state);
    }
}

void timer_set(struct timer *t, uint64_t when_ns)
{
    irq_state_t state = interrupts_save();
    unsigned cpu = this_cpu()->id;

    while (__atomic_exchange_n(&t->moving, true, __ATOMIC_ACQUIRE))
        cpu_relax();
    timer_stop(t);
    spin_lock(&heaps[cpu].lock);
    t->when = when_ns;
    t->cpu = cpu;
    t->active = true;
    heaps[cpu].first = meld(heaps[cpu].first, t);
    if (heaps[cpu].first == t && when_ns < heaps[cpu].programmed) {
        heaps[cpu].programmed = when_ns;
        timer_program(when_ns);
    }
    spin_unlock(&heaps[cpu].lock);
    __atomic_store_n(&t->moving, false, __ATOMIC_RELEASE);
    interrupts_restore(state);
}

void timers_run(void)
{
    unsigned cpu = this_cpu()->id;

    spin_lock(&heaps[cpu].lock);
    for (;;) {
        struct timer *t = heaps[cpu].first;
        if (!t || t->when > time_now())
            break;
        take_out(t);
        spin_unlock(&heaps[cpu].lock);
        t->fn(t->arg);
        spin_lock(&heaps[cpu].lock);
    }
    uint64_t when = heaps[cpu].first ? heaps[cpu].first->when : ~0UL;
    heaps[cpu].programmed = when;
    timer_program(when);
    spin_unlock(&heaps[cpu].lock);
}
