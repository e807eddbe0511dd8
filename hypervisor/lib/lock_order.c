/* SPDX-License-Identifier: MIT */
#include "lib/lock_order.h"
#include "lib/check.h"
#include "machine/machine.h"

#ifdef TENON_CHECKED

/* Ranks of which two may be held, and how often a rank is held at all. */
static const uint8_t most[NR_LOCK_RANKS] = {
    [LOCK_DOMAIN_LIST] = 1, [LOCK_DOMAIN_LIFE] = 2, [LOCK_GRANTS] = 1,
    [LOCK_GRANT_USE] = 1,   [LOCK_EVENTS] = 2,      [LOCK_DOMAIN_FRAMES] = 1,
    [LOCK_CLAIMS] = 1,      [LOCK_IRQ] = 1,         [LOCK_RUN_QUEUE] = 2,
    [LOCK_TIMERS] = 1,      [LOCK_FRAME_ALLOC] = 1, [LOCK_HEAP] = 1,
    [LOCK_LOG] = 1,
};

_Static_assert(NR_LOCK_RANKS <= ARRAY_SIZE(((struct cpu *)0)->held), "a place for each rank");

void lock_order_take(unsigned rank)
{
    struct cpu *cpu = this_cpu();

    for (unsigned r = rank + 1; r < NR_LOCK_RANKS; r++) {
        if (cpu->held[r])
            panic("lock order: rank %u wanted while rank %u is held", rank, r);
    }
    if (++cpu->held[rank] > most[rank])
        panic("lock order: rank %u is held %u times", rank, cpu->held[rank]);
}

void lock_order_drop(unsigned rank)
{
    struct cpu *cpu = this_cpu();

    ASSERT(cpu->held[rank]);
    cpu->held[rank]--;
}

#endif
