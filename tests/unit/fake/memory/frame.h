/* SPDX-License-Identifier: MIT */
/*
 * The word of a frame, which processors share: between the look at it and the change another may come in
 * (fake_at_swap).
 */
#ifndef FAKE_MEMORY_FRAME_H
#define FAKE_MEMORY_FRAME_H

#define frame_state_swap frame_state_swap_at_once
#include_next "memory/frame.h"
#undef frame_state_swap

/* Runs once before the next change: what another processor does meanwhile. */
extern void (*fake_at_swap)(void);

static inline bool frame_state_swap(struct frame *f, uint64_t *seen, uint64_t to)
{
    void (*fn)(void) = fake_at_swap;

    if (unlikely(fn)) {
        fake_at_swap = NULL;
        fn();
    }
    return frame_state_swap_at_once(f, seen, to);
}

#endif
