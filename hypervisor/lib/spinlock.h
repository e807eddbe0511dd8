/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks, fair between processors.
 *
 * The plain pair is for locks that no interrupt handler takes. A lock that one takes is held with
 * interrupts off everywhere: the _irq pair returns and restores the caller's state.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/check.h"
#include "lib/lock_order.h"
#include "machine/interrupts.h"

struct spinlock {
    uint16_t next;    /* ticket to draw */
    uint16_t serving; /* ticket that holds the lock */
    uint8_t rank;     /* enum lock_rank */
};

#define SPINLOCK(r) { .rank = (r) }

static inline void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK((uint8_t)rank);
}

static inline void spin_lock(struct spinlock *lock)
{
    lock_order_take(lock->rank);
    uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (unlikely(__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket))
        cpu_relax();
}

static inline void spin_unlock(struct spinlock *lock)
{
    /* Only the holder writes it: the addition need not be locked. x86 keeps stores in order, so it releases. */
    __asm__ volatile("incw %0" : "+m"(lock->serving)::"memory");
    lock_order_drop(lock->rank);
}

static inline irq_state_t spin_lock_irq(struct spinlock *lock)
{
    irq_state_t state = interrupts_save();
    spin_lock(lock);
    return state;
}

static inline void spin_unlock_irq(struct spinlock *lock, irq_state_t state)
{
    spin_unlock(lock);
    interrupts_restore(state);
}

#endif
