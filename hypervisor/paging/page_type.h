/* SPDX-License-Identifier: MIT */
/*
 * Page types: no frame is a table and writable at once.
 *
 * All of it runs with interrupts on and no lock held. Long work stops when the processor has something
 * better to do and returns HYPERCALL_CONTINUE: the same request, made again, goes on where it stopped.
 */
#ifndef PAGING_PAGE_TYPE_H
#define PAGING_PAGE_TYPE_H

#include <xen/errno.h>
#include "domain/domain.h"
#include "machine/paging_bits.h"
#include "memory/frame.h"

/* Beside error codes: call again with the same arguments. Never leaves the hypervisor. */
#define HYPERCALL_CONTINUE (-0x7fff)

void page_type_slow_put(struct frame *f, uint64_t seen);
int page_type_slow_get(struct frame *f, enum page_type type);

/*
 * Takes a type reference to a frame that is in use; whoever holds no reference checks the owner before
 * and after. If the frame has
 * another type at count zero, it is turned into this one: a table is validated with all that it points
 * at, a descriptor page descriptor by descriptor.
 * Returns 0, -XEN_EINVAL (in use as something else, free, or its content breaks a rule),
 * -XEN_EBUSY (count full) or HYPERCALL_CONTINUE.
 */
static inline int page_type_get(struct frame *f, enum page_type type)
{
    uint64_t seen = READ_ONCE(f->state);

    while (likely(state_is_usable(seen, type, 0))) {
        if (likely(frame_state_swap(f, &seen, seen + FRAME_COUNT_ONE)))
            return 0;
    }
    return page_type_slow_get(f, type);
}

/*
 * Takes a type reference only if the frame is a valid table of that type and owner now. For those who
 * found it by walking: what they read on the way may be stale, this look is not.
 */
static inline bool page_type_get_existing(struct frame *f, enum page_type type, domid_t owner)
{
    uint64_t seen = READ_ONCE(f->state), used;

    do {
        used = seen & ~FRAME_ENDING;
        if (unlikely(!state_is_usable(used, type, 1) || f->owner != owner))
            return false;
    } while (unlikely(!frame_state_swap(f, &seen, used + FRAME_COUNT_ONE)));
    if (likely(f->owner == owner))
        return true;
    page_type_slow_put(f, READ_ONCE(f->state)); /* it changed hands before we had the reference */
    return false;
}

/* Gives a type reference back. The last one of a table dooms it: page_type_drain does the work. */
static inline void page_type_put(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    while (likely(seen & (FRAME_COUNT & ~FRAME_COUNT_ONE))) { /* it is not the last */
        if (likely(frame_state_swap(f, &seen, seen - FRAME_COUNT_ONE)))
            return;
    }
    page_type_slow_put(f, seen);
}

static inline void frame_let_go(mfn_t m, bool write)
{
    if (write)
        page_type_put(frame_at(m));
    else
        frame_put(frame_at(m));
}

int frame_hold_slow(mfn_t m, domid_t owner, bool write);

/* The usual case: RAM of this owner's that is writable already, or is only read. False: perhaps not. The caller looks
 * at the owner once more: as the reference is held, it cannot change any more. */
static inline __attribute__((always_inline)) bool frame_hold_fast(mfn_t m, domid_t owner, bool write)
{
    if (unlikely(m.v >= max_mfn))
        return false;
    struct frame *f = frame_at(m);
    uint64_t seen = READ_ONCE(f->state);
    if (unlikely(f->owner != owner))
        return false;
    if (write)
        return likely(state_is_usable(seen, TYPE_WRITABLE, 0) && frame_state_swap(f, &seen, seen + FRAME_COUNT_ONE));
    return likely(!(seen & FRAME_SPECIAL) && state_has_room(seen) && frame_state_swap(f, &seen, seen + FRAME_REF_ONE));
}

/*
 * Takes what a mapping holds of its frame: a type reference to write, else a reference. frame_let_go gives it back.
 * Returns 0, -XEN_EACCES (it is not owner's, or a page of ours), -XEN_EINVAL or -XEN_EBUSY as page_type_get,
 * or HYPERCALL_CONTINUE.
 */
static inline __attribute__((always_inline)) int frame_hold(mfn_t m, domid_t owner, bool write)
{
    if (unlikely(!frame_hold_fast(m, owner, write)))
        return frame_hold_slow(m, owner, write);
    if (likely(frame_at(m)->owner == owner))
        return 0;
    frame_let_go(m, write);
    return -XEN_EACCES;
}

/* Is there any that waits to be taken apart, or that somebody is at? */
static inline bool doomed_tables_left(const struct domain *d)
{
    return READ_ONCE(d->paging.drop_head) != FRAME_NONE || READ_ONCE(d->paging.drops_running);
}

/*
 * Takes doomed tables of a domain apart until there are none. Returns false if it stopped early, with
 * tables left. A vCPU with VCPU_WORK_DROP calls it before it runs in the guest again.
 */
bool page_type_drain(struct domain *d);

/* Begins to give back what an abandoned validation holds. For domain teardown. */
void page_type_doom_partial(struct frame *f);

/* --- one entry: paging/entry.c ----------------------------------------------------------------- */

/* What an entry of a table holds of its target. fd: whose frames it may point at. */
void l1_entry_put(uint64_t entry);
/* Takes what entries [*from, to) of an L1 table hold, and stores them as we keep them. "to" ends a line. Stops at the
 * first that breaks a rule, or wants another try, with *from there. */
int l1_entries_get(struct domain *d, uint64_t *table, unsigned *from, unsigned to);
int table_entry_get(struct domain *d, unsigned level, uint64_t entry);
void table_entry_put(uint64_t entry);

/* Entries of a table that are looked at together: those of a cache line. */
#define ENTRIES_PER_LINE 8U

/* Is none of a line's entries present? So it is with most lines of most tables: one look for all. */
static inline bool line_is_absent(const uint64_t *line)
{
    uint64_t any = 0;

#pragma GCC unroll 8
    for (unsigned i = 0; i < ENTRIES_PER_LINE; i++)
        any |= line[i];
    return !(any & PTE_PRESENT);
}

/* Entry i is not present: how many from it on, upwards, need no look. */
static inline unsigned absent_from(const uint64_t *table, unsigned i)
{
    return i % ENTRIES_PER_LINE == 0 && line_is_absent(table + i) ? ENTRIES_PER_LINE : 1;
}

/* The bits that we store beside those that the guest asked for. */
static inline uint64_t l1_entry_stored(uint64_t entry)
{
    if (!(entry & PTE_USER))
        entry |= PTE_USER | PTE_GUEST_KERNEL;
    if (!(entry & PTE_GUEST_KERNEL))
        entry |= PTE_GLOBAL;
    return entry;
}

static inline uint64_t table_entry_stored(unsigned level, uint64_t entry)
{
    return entry | PTE_USER | (level == 4 ? PTE_ACCESSED : 0);
}

#define L1_FLAGS_ALWAYS                                                                            \
    (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_AVAIL |      \
     PTE_AVAIL_HIGH | PTE_NX | PTE_ADDRESS)
#define L1_FLAGS_DEVICES (PTE_PWT | PTE_PCD | PTE_PAT)
#define TABLE_FLAGS_ALLOWED                                                                        \
    (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_AVAIL | PTE_AVAIL_HIGH |  \
     PTE_NX | PTE_ADDRESS)

static inline bool l4_slot_is_ours(unsigned slot)
{
    return slot >= HYPERVISOR_SLOT_FIRST && slot < HYPERVISOR_SLOT_FIRST + HYPERVISOR_SLOTS;
}

/*
 * Changes an entry of a valid table (the caller holds a type reference to it), with all counts.
 * old is what the caller read there. Returns 0, -XEN_EINVAL (a flag, a type or an owner is wrong), -XEN_EPERM, or
 * HYPERCALL_CONTINUE
 * (it has changed since).
 */
enum entry_write {
    ENTRY_REPLACE, /* whatever A and D are */
    ENTRY_KEEP_AD, /* A and D that the processor sets meanwhile survive */
    ENTRY_EXACT,   /* only if nothing changed, A and D included: for emulated read-modify-write */
};

/* Writes the entry if it still is what the caller took it for, but for A and D, which processors set. old becomes what
 * was there. False: it has changed. */
static inline bool entry_swap(uint64_t *entry, uint64_t *old, uint64_t to, enum entry_write how)
{
    uint64_t before = *old;

    for (;;) {
        uint64_t next = how == ENTRY_KEEP_AD ? to | (*old & (PTE_ACCESSED | PTE_DIRTY)) : to;
        if (likely(__atomic_compare_exchange_n(entry, old, next, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST)))
            return true;
        if (how == ENTRY_EXACT || ((*old ^ before) & ~(PTE_ACCESSED | PTE_DIRTY)))
            return false;
    }
}

int l1_entry_change(struct domain *d, domid_t fd, uint64_t *entry, uint64_t old, uint64_t to,
                    enum entry_write how);
int table_entry_change(struct domain *d, unsigned level, uint64_t *entry, uint64_t to,
                       enum entry_write how);

/* The L1 table that maps a guest address, if it really is one of this domain's: takes a type reference to it (give it
 * back with l1_table_put). NULL if there is none. root: L4 to begin at. */
uint64_t *l1_table_find(struct domain *d, mfn_t root, uint64_t va);

static inline void l1_table_put(const uint64_t *table)
{
    page_type_put(frame_at(virt_to_mfn(table)));
}

static inline uint64_t *l1_entry_of(uint64_t *table, uint64_t va)
{
    return &table[va >> PAGE_SHIFT & (ENTRIES_PER_TABLE - 1)];
}

/* Reads a guest's bitmap of its vCPUs and turns it into processors on which those run or ran last.
 * Returns 0 or -XEN_EFAULT. */
int vcpu_bitmap_to_cpus(struct domain *d, uint64_t guest_bitmap, uint64_t *cpus);

/* What the processor would use now for va; 0 if it is not mapped. Rights of all levels are joined: W
 * only if all levels have it, NX if any has. */
uint64_t guest_walk(mfn_t root, uint64_t va);

/* --- the auditor: paging/audit.c --------------------------------------------------------------- */

/* Recomputes all counts from tables, roots, pins and queues and compares. All processors are stopped
 * where nothing is half done. Prints each difference (some), and a summary. Returns how many. */
unsigned paging_audit(void);

#endif
