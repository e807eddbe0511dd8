/* SPDX-License-Identifier: MIT */
/*
 * Getting and losing a type.
 *
 *                    first reference              rules hold
 *      count zero  -----------------> busy ------------------------> valid
 *          ^                         |  ^  |                            |
 *          |               put aside |  |  | a rule is broken           | last reference
 *          |                         v  | (again)                       |
 *          |                       partial |                            |
 *          |                               v                            v
 *          +------- all given back ----- doomed, in the queue  <--------+
 *
 * Going up may take four levels of recursion and no more: an entry of a table points at the level
 * below. Going down does not recurse: a table that loses its last reference joins its owner's queue.
 */
#include "paging/page_type.h"
#include "domain/refuse.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "paging/descriptors.h"

/* Entries between two looks at whether something else has to be done. */
#define PREEMPT_STRIDE 32U
_Static_assert(ENTRIES_PER_TABLE % PREEMPT_STRIDE == 0, "aligned strides end with the table");

static bool is_table(enum page_type type)
{
    return type >= TYPE_L1 && type <= TYPE_L4;
}

static unsigned level_of(enum page_type type)
{
    return (unsigned)type - TYPE_L1 + 1;
}

/* --- The queue of doomed tables ---------------------------------------------------------------- */

static void queue_push(struct frame *f)
{
    struct domain *d = domain_by_id(f->owner);
    uint32_t n = (uint32_t)mfn_of_frame(f).v;

    spin_lock(&d->paging.lock);
    f->drop_next = FRAME_NONE;
    if (d->paging.drop_head == FRAME_NONE)
        d->paging.drop_head = n;
    else
        frame_table[d->paging.drop_tail].drop_next = n;
    d->paging.drop_tail = n;
    spin_unlock(&d->paging.lock);
    if (current_vcpu())
        vcpu_request_work(current_vcpu(), VCPU_WORK_DROP);
}

static struct frame *queue_pop(struct domain *d)
{
    struct frame *f = NULL;

    spin_lock(&d->paging.lock);
    if (d->paging.drop_head != FRAME_NONE) {
        f = &frame_table[d->paging.drop_head];
        d->paging.drop_head = f->drop_next;
        __atomic_add_fetch(&d->paging.drops_running, 1, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&d->paging.lock);
    return f;
}

/* Changes flags of a word whose counts others may change at the same time. */
static void state_change(struct frame *f, uint64_t clear, uint64_t set)
{
    uint64_t seen = READ_ONCE(f->state);

    while (!frame_state_swap(f, &seen, (seen & ~clear) | set))
        ;
}

/* Gives back what entries [0, progress) hold. Returns false if it stopped early. */
static bool give_back_entries(struct frame *f, enum page_type type)
{
    const uint64_t *table = mfn_to_virt(mfn_of_frame(f));

    for (unsigned i = f->progress; i > 0;) {
        uint64_t entry = table[--i];
        if (!(entry & PTE_PRESENT) && i % ENTRIES_PER_LINE == ENTRIES_PER_LINE - 1 &&
            line_is_absent(table + i - (ENTRIES_PER_LINE - 1)))
            i -= ENTRIES_PER_LINE - 1;
        f->progress = (uint16_t)i;
        if (entry & PTE_PRESENT) {
            if (type == TYPE_L1)
                l1_entry_put(entry);
            else if (type != TYPE_L4 || !l4_slot_is_ours(i))
                table_entry_put(entry);
        }
        if (i % PREEMPT_STRIDE == 0 && i && preempt_needed())
            return false;
    }
    return true;
}

/* The last type reference goes for good. */
static void type_end(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state), to;

    f->tlb_stamp = tlb_clock_now();
    do
        to = frame_state_unused(
            (seen & ~(FRAME_VALID | FRAME_BUSY | FRAME_PARTIAL | FRAME_DOOMED)) - FRAME_COUNT_ONE);
    while (!frame_state_swap(f, &seen, to));
    if (!to)
        frame_release(f, false);
}

bool page_type_drain(struct domain *d)
{
    struct frame *f;

    while ((f = queue_pop(d))) {
        bool done = give_back_entries(f, state_type(f->state));
        if (done)
            type_end(f);
        else
            queue_push(f);
        __atomic_sub_fetch(&d->paging.drops_running, 1, __ATOMIC_SEQ_CST);
        if (!done)
            return false;
    }
    return true;
}

/* The frame is in use as something else, at least by what the books say: but its user may be a table
 * that waits to be taken apart, and then it is as good as free, as after a guest's unpin. Returns 0 to
 * look again. */
static int in_use_otherwise(struct frame *f, uint64_t seen)
{
    struct domain *d = domain_by_id(f->owner);

    if (!d || !doomed_tables_left(d))
        return READ_ONCE(f->state) == seen ? -XEN_EINVAL : 0;
    if (!page_type_drain(d) || READ_ONCE(d->paging.drops_running))
        return HYPERCALL_CONTINUE; /* the rest, or what another processor works on */
    return 0;
}

void page_type_slow_put(struct frame *f, uint64_t seen)
{
    for (;;) {
        ASSERT(seen & FRAME_COUNT);
        uint64_t to = seen - FRAME_COUNT_ONE;
        bool last = !(to & FRAME_COUNT);
        bool doom = last && is_table(state_type(seen));

        /*
         * The note of the time must be younger than every use. Between it and the end another processor may
         * use the frame and stop using it, and the word would look as before: so it is marked first.
         */
        if (last && !doom && !(seen & FRAME_ENDING)) {
            if (frame_state_swap(f, &seen, seen | FRAME_ENDING))
                seen |= FRAME_ENDING;
            continue;
        }
        to &= ~FRAME_ENDING;
        if (doom)
            to = (seen & ~FRAME_VALID) | FRAME_PARTIAL | FRAME_DOOMED;
        else if (last)
            f->tlb_stamp = tlb_clock_now();
        if (last && state_type(seen) == TYPE_DESCRIPTOR)
            to &= ~FRAME_VALID;
        to = frame_state_unused(to);
        if (!frame_state_swap(f, &seen, to))
            continue;
        if (doom) {
            f->progress = ENTRIES_PER_TABLE;
            queue_push(f);
        } else if (!to) {
            frame_release(f, seen & FRAME_SPECIAL);
        }
        return;
    }
}

int frame_hold_slow(mfn_t m, domid_t owner, bool write)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), owner))
        return -XEN_EACCES;
    struct frame *f = frame_at(m);
    int rc = READ_ONCE(f->state) & FRAME_SPECIAL ? -XEN_EACCES : write ? page_type_get(f, TYPE_WRITABLE) : 0;
    if (rc || write)
        frame_put(f);
    return rc;
}

void page_type_doom_partial(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    while ((seen & (FRAME_PARTIAL | FRAME_DOOMED)) == FRAME_PARTIAL) {
        if (frame_state_swap(f, &seen, seen | FRAME_DOOMED)) {
            queue_push(f);
            return;
        }
    }
}

/* --- Validation -------------------------------------------------------------------------------- */

static int validate_l1(struct domain *d, struct frame *f)
{
    uint64_t *table = mfn_to_virt(mfn_of_frame(f));

    while (f->progress < ENTRIES_PER_TABLE) {
        unsigned from = f->progress, to = ROUND_DOWN(from, PREEMPT_STRIDE) + PREEMPT_STRIDE;
        int rc = l1_entries_get(d, table, &from, to);
        ASSERT(from <= ENTRIES_PER_TABLE);
        f->progress = (uint16_t)from;
        if (rc)
            return rc;
        if (to < ENTRIES_PER_TABLE && preempt_needed())
            return HYPERCALL_CONTINUE;
    }
    return 0;
}

static int validate_entry(struct domain *d, unsigned level, uint64_t *entry)
{
    int rc = table_entry_get(d, level, *entry);

    if (!rc)
        *entry = table_entry_stored(level, *entry);
    return rc;
}

static int validate_upper(struct domain *d, struct frame *f, unsigned level)
{
    uint64_t *table = mfn_to_virt(mfn_of_frame(f));

    for (unsigned i = f->progress; i < ENTRIES_PER_TABLE;) {
        uint64_t entry = table[i];
        if (!(entry & PTE_PRESENT)) {
            i += absent_from(table, i);
        } else {
            int rc = level == 4 && l4_slot_is_ours(i) ? 0 : validate_entry(d, level, table + i);
            if (rc)
                return rc;
            i++;
        }
        f->progress = (uint16_t)i;
        if (i % PREEMPT_STRIDE == 0 && i < ENTRIES_PER_TABLE && preempt_needed())
            return HYPERCALL_CONTINUE;
    }
    if (level == 4)
        __builtin_memcpy(table + HYPERVISOR_SLOT_FIRST, root_hypervisor_entries(),
                         HYPERVISOR_SLOTS * sizeof(uint64_t));
    return 0;
}

static int validate(struct frame *f, enum page_type type)
{
    struct domain *d = domain_by_id(f->owner);

    switch (type) {
    case TYPE_NONE:
    case TYPE_WRITABLE:
        return 0;
    case TYPE_L1:
        return validate_l1(d, f);
    case TYPE_L2:
    case TYPE_L3:
    case TYPE_L4:
        return validate_upper(d, f, level_of(type));
    case TYPE_DESCRIPTOR:
        return descriptors_validate(d, mfn_to_virt(mfn_of_frame(f)));
    }
    ASSERT(false);
}

/* We hold the frame busy, with count one. */
static int validate_and_settle(struct frame *f, enum page_type type)
{
    int rc = validate(f, type);

    if (rc == 0) {
        state_change(f, FRAME_BUSY, FRAME_VALID);
    } else if (rc == HYPERCALL_CONTINUE) {
        state_change(f, FRAME_BUSY, FRAME_PARTIAL);
    } else if (is_table(type)) {
        state_change(f, FRAME_BUSY, FRAME_PARTIAL | FRAME_DOOMED);
        queue_push(f);
    } else {
        type_end(f);
    }
    return rc;
}

/* The first reference of a type: nobody else sees the frame as valid before old TLB entries are gone. */
static int first_reference(struct frame *f, enum page_type type, enum page_type before)
{
    f->progress = 0;
    if (before != type && before != TYPE_NONE)
        tlb_flush_since(cpus_online, f->tlb_stamp);
    return validate_and_settle(f, type);
}

int page_type_slow_get(struct frame *f, enum page_type type)
{
    uint64_t seen = READ_ONCE(f->state);

    for (;;) {
        enum page_type is = state_type(seen);
        uint64_t base = seen & ~(FRAME_TYPE | FRAME_VALID);

        if (!(seen & (FRAME_REFS | FRAME_COUNT)))
            return -XEN_EINVAL;
        if (!(seen & FRAME_COUNT)) {
            if ((seen & FRAME_SPECIAL) && type != TYPE_WRITABLE)
                return -XEN_EINVAL;
            if (is == type && (seen & FRAME_VALID)) {
                if (frame_state_swap(f, &seen, seen + FRAME_COUNT_ONE))
                    return 0;
                continue;
            }
            if (frame_state_swap(f, &seen,
                                 (base | FRAME_TYPE_BITS(type) | FRAME_BUSY) + FRAME_COUNT_ONE))
                return first_reference(f, type, is);
            continue;
        }
        if (seen & FRAME_DOOMED) {
            if (!page_type_drain(domain_by_id(f->owner)) || (READ_ONCE(f->state) & FRAME_BUSY))
                return HYPERCALL_CONTINUE;
            /* Another processor may be taking it apart: come again. */
            uint64_t now = READ_ONCE(f->state);
            if (now == seen)
                return HYPERCALL_CONTINUE;
            seen = now;
            continue;
        }
        if (is != type) {
            int rc = in_use_otherwise(f, seen);
            if (rc)
                return rc;
            seen = READ_ONCE(f->state);
            continue;
        }
        if (seen & FRAME_BUSY)
            return HYPERCALL_CONTINUE;
        if (seen & FRAME_PARTIAL) {
            if (frame_state_swap(f, &seen, (seen & ~FRAME_PARTIAL) | FRAME_BUSY))
                return validate_and_settle(f, type);
            continue;
        }
        if ((seen & FRAME_COUNT) == FRAME_COUNT)
            return -XEN_EBUSY;
        if (frame_state_swap(f, &seen, (seen & ~FRAME_ENDING) + FRAME_COUNT_ONE))
            return 0;
    }
}
