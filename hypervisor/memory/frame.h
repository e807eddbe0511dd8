/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor knows of each machine frame: who owns it, how often it is used, and as what.
 *
 * All of a frame's use is one word, so that taking and giving back a reference is one compare and
 * exchange:
 *
 *        61      60      58     57      56        55        54      53     52..50    49..28       27..0
 *     | pinned | alloc | busy | doomed | partial | special | ending | valid | type | type count | references |
 *
 * - A reference says "this frame is in use, whatever as": a read-only mapping, a grant, the owner's
 *   allocation (alloc holds one).
 * - A type reference says "it is in use as this": a writable mapping, an entry of a table one level up,
 *   a root in use, a pin (pinned holds one), a descriptor table. Counted apart from references.
 * - A frame goes back to the allocator when both counts are zero, and changes type only at type count
 *   zero. type stays behind then, so that we know what may linger in a TLB.
 * - valid: the type's rules hold for its content. Tables get there step by step: while one processor
 *   works on it the frame is busy; work put aside makes it partial. Entries [0, progress) of a busy or
 *   partial table hold references. doomed: they are being given back, and the table waits in its
 *   owner's queue (paging/page_type.c). busy and partial frames have type count one.
 * - ending: whoever gives back the last type reference is about to note the time for TLBs. A new type
 *   reference clears it, and the note has to be made again.
 * - special: ours, shared with the owner (shared_info): may be mapped, never be a table, never be freed
 *   by the guest.
 *
 * All that a further type reference depends on stands side by side: see state_is_usable.
 *
 * Locks: none for the word. next and prev belong to the list that the frame is on.
 */
#ifndef MEMORY_FRAME_H
#define MEMORY_FRAME_H

#include <xen/xen.h>
#include "lib/types.h"
#include "machine/layout.h"

enum page_type {
    TYPE_NONE,
    TYPE_WRITABLE,
    TYPE_L1,
    TYPE_L2,
    TYPE_L3,
    TYPE_L4,
    TYPE_DESCRIPTOR,
};

struct frame {
    uint64_t state;
    uint64_t tlb_stamp; /* flush clock when its last use ended: older TLBs may still know it */
    uint32_t next, prev; /* frame numbers, in a free list or the owner's list; FRAME_NONE ends */
    uint32_t drop_next;  /* in the owner's queue of doomed tables */
    uint16_t owner;      /* domid; FRAME_OWNER_* */
    uint16_t progress;   /* entries of a busy or partial table that hold references; free: its order */
};
_Static_assert(sizeof(struct frame) == 32, "frames are indexed by a shift");

#define FRAME_NONE 0xffffffffU

#define FRAME_OWNER_US   DOMID_XEN /* the hypervisor's, or free */
#define FRAME_OWNER_HOLE DOMID_IO  /* no RAM there */

#define FRAME_REF_ONE     (1UL << 0)
#define FRAME_REFS        0x000000000fffffffUL
#define FRAME_COUNT_SHIFT 28
#define FRAME_COUNT_ONE   (1UL << FRAME_COUNT_SHIFT)
#define FRAME_COUNT       0x0003fffff0000000UL
#define FRAME_TYPE_SHIFT  50
#define FRAME_TYPE        (7UL << FRAME_TYPE_SHIFT)
#define FRAME_VALID       (1UL << 53)
#define FRAME_ENDING      (1UL << 54)
#define FRAME_SPECIAL     (1UL << 55)
#define FRAME_PARTIAL     (1UL << 56)
#define FRAME_DOOMED      (1UL << 57)
#define FRAME_BUSY        (1UL << 58)
#define FRAME_ALLOCATED   (1UL << 60)
#define FRAME_PINNED      (1UL << 61)

#define FRAME_TYPE_BITS(t) ((uint64_t)(t) << FRAME_TYPE_SHIFT)

static inline enum page_type state_type(uint64_t state)
{
    return (enum page_type)((state & FRAME_TYPE) >> FRAME_TYPE_SHIFT);
}

static inline uint64_t state_count(uint64_t state)
{
    return (state & FRAME_COUNT) / FRAME_COUNT_ONE;
}

/* Count, type, and what stands above them but for alloc and pinned. */
static inline uint32_t state_use(uint64_t state)
{
    return (uint32_t)(state >> FRAME_COUNT_SHIFT);
}
_Static_assert(FRAME_BUSY >> FRAME_COUNT_SHIFT < 1UL << 31 && FRAME_ALLOCATED >> FRAME_COUNT_SHIFT > UINT32_MAX,
               "32 bits of the word");

/* Valid as this type, nothing in the way (ending, special), the count not less than min and not full: in one
 * comparison, since each of them is a range of the same number. */
static inline bool state_is_usable(uint64_t state, enum page_type type, uint32_t min)
{
    uint32_t first = state_use(FRAME_TYPE_BITS(type) | FRAME_VALID) + min;

    return state_use(state) - first < state_use(FRAME_COUNT) - min;
}

/* Is it referenced already, and not as often as can be? */
static inline bool state_has_room(uint64_t state)
{
    return (state + FRAME_REF_ONE) & (FRAME_REFS & ~FRAME_REF_ONE);
}

#define frame_table ((struct frame *)FRAME_TABLE_BASE)

extern uint64_t max_mfn; /* one more than the last frame of RAM */

static inline struct frame *frame_at(mfn_t m)
{
    return &frame_table[m.v];
}

static inline mfn_t mfn_of_frame(const struct frame *f)
{
    return mfn((uint64_t)(f - frame_table));
}

/* Is there a frame of RAM with this number? */
static inline bool mfn_is_ram(mfn_t m)
{
    return m.v < max_mfn && frame_at(m)->owner != FRAME_OWNER_HOLE;
}

static inline bool frame_state_swap(struct frame *f, uint64_t *seen, uint64_t to)
{
    return __atomic_compare_exchange_n(&f->state, seen, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* What the word becomes when a count was taken down: nothing at all, if that was its last use. So a frame
 * with a type is in use, or its owner may still use it. */
static inline uint64_t frame_state_unused(uint64_t to)
{
    return to & (FRAME_REFS | FRAME_COUNT) ? to : 0;
}

/*
 * Takes a reference to a frame that this domain owns. Returns false if it does not, or if the count is
 * full (2^28 - 1). Give it back with frame_put.
 */
bool frame_get(struct frame *f, domid_t owner);
void frame_slow_put(struct frame *f, uint64_t seen);
static inline void frame_put(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    while (likely(seen & (FRAME_REFS & ~FRAME_REF_ONE))) { /* it is not the last */
        if (likely(frame_state_swap(f, &seen, seen - FRAME_REF_ONE)))
            return;
    }
    frame_slow_put(f, seen);
}

/* The last use of a frame ended (special: its word said so): notes the time and gives it back to its owner's
 * quota and to the allocator. Internal to memory/ and paging/. */
void frame_release(struct frame *f, bool special);

/* The owner gives up the frame: alloc goes, with its reference. Returns false if it was gone already. */
bool frame_drop_allocation(struct frame *f);

#endif
