/* SPDX-License-Identifier: MIT */
#include "memory/frame.h"
#include "domain/domain.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "memory/frame_alloc.h"

uint64_t max_mfn;

HOT bool frame_get(struct frame *f, domid_t owner)
{
    uint64_t seen = READ_ONCE(f->state);

    do {
        if (f->owner != owner || !(seen & (FRAME_REFS | FRAME_COUNT)) ||
            (seen & FRAME_REFS) == FRAME_REFS)
            return false;
    } while (!frame_state_swap(f, &seen, seen + FRAME_REF_ONE));
    if (likely(f->owner == owner))
        return true;
    /* It changed hands between the look and the reference. */
    frame_put(f);
    return false;
}

void frame_slow_put(struct frame *f, uint64_t seen)
{
    uint64_t to;

    do {
        ASSERT(seen & FRAME_REFS);
        to = frame_state_unused(seen - FRAME_REF_ONE);
    } while (!frame_state_swap(f, &seen, to));
    if (unlikely(!to))
        frame_release(f, seen & FRAME_SPECIAL);
}

void frame_release(struct frame *f, bool special)
{
    f->tlb_stamp = tlb_clock_now();
    domain_frame_released(f, special);
    frame_free(mfn_of_frame(f), 0);
}

bool frame_drop_allocation(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    do {
        if (!(seen & FRAME_ALLOCATED))
            return false;
    } while (!frame_state_swap(f, &seen, seen & ~FRAME_ALLOCATED));
    frame_put(f);
    return true;
}
