/* SPDX-License-Identifier: MIT */
/*
 * One entry of a page table: which references it holds, and how it changes.
 *
 * References for the new entry are taken before it is written, those of the old one given back after:
 * at each moment the counts cover what a processor can see. The write is a compare and exchange, so no
 * lock is needed: the table cannot lose its type (the caller holds a reference), and of two changes at
 * once one sees the other.
 */
#include "domain/refuse.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "paging/page_type.h"

/* Device memory has no counts: who may map it is a question of privilege. */
static int device_entry_check(struct domain *d, uint64_t entry)
{
    mfn_t m = pte_mfn(entry);

    if (m.v == PTE_ADDRESS >> PAGE_SHIFT)
        return refuse(d, XEN_EINVAL, "frame %lx is no frame", m.v);
    if (!d->privileged || m.v >> (machine_phys_bits - PAGE_SHIFT))
        return refuse(d, XEN_EPERM, "frame %lx is device memory or does not exist", m.v);
    if (machine_keeps_frame(m, entry & PTE_WRITE))
        return refuse(d, XEN_EPERM, "frame %lx is a device of the hypervisor's", m.v);
    return 0;
}

static bool entry_has_counts(uint64_t entry)
{
    return mfn_is_ram(pte_mfn(entry));
}

static int __attribute__((noinline)) l1_target_refused(struct domain *d, domid_t fd, uint64_t entry)
{
    struct frame *f = frame_at(pte_mfn(entry));

    if (f->owner != fd)
        return refuse(d, XEN_EBUSY, "L1 entry %016lx: frame belongs to d%u, not to d%u", entry,
                      f->owner, fd);
    if (entry & PTE_WRITE)
        return refuse(d, XEN_EBUSY, "L1 entry %016lx: frame is in use as type %u, not writable",
                      entry, state_type(f->state));
    return refuse(d, XEN_EBUSY, "L1 entry %016lx: frame is free, or its count is full", entry);
}

static int __attribute__((noinline)) l1_target_get_slow(struct domain *d, domid_t fd, uint64_t entry)
{
    mfn_t m = pte_mfn(entry);

    if (m.v >= max_mfn)
        return device_entry_check(d, entry);
    struct frame *f = frame_at(m);
    if (f->owner == FRAME_OWNER_HOLE)
        return device_entry_check(d, entry);
    if (f->owner != fd)
        return l1_target_refused(d, fd, entry);
    if (!(entry & PTE_WRITE))
        return frame_get(f, fd) ? 0 : l1_target_refused(d, fd, entry);
    int rc = page_type_get(f, TYPE_WRITABLE);
    if (rc)
        return rc == HYPERCALL_CONTINUE ? rc : l1_target_refused(d, fd, entry);
    if (f->owner != fd) { /* it changed hands between the look and the reference */
        page_type_put(f);
        return l1_target_refused(d, fd, entry);
    }
    return 0;
}

/*
 * The usual case in line: RAM of the right owner that is writable already, or is mapped read-only. The
 * owner counts once the reference is held: then it cannot change any more.
 */
static inline __attribute__((always_inline)) int l1_target_get(struct domain *d, domid_t fd,
                                                               uint64_t entry)
{
    mfn_t m = pte_mfn(entry);

    if (likely(m.v < max_mfn)) {
        struct frame *f = frame_at(m);
        uint64_t seen = READ_ONCE(f->state);
        if (unlikely(f->owner != fd))
            return l1_target_get_slow(d, fd, entry);
        if (entry & PTE_WRITE) {
            if (likely(state_is_usable(seen, TYPE_WRITABLE, 0) &&
                       frame_state_swap(f, &seen, seen + FRAME_COUNT_ONE))) {
                if (likely(f->owner == fd))
                    return 0;
                page_type_put(f);
            }
        } else if (likely(state_has_room(seen) && frame_state_swap(f, &seen, seen + FRAME_REF_ONE))) {
            if (likely(f->owner == fd))
                return 0;
            frame_put(f);
        }
    }
    return l1_target_get_slow(d, fd, entry);
}

static inline void l1_target_put(uint64_t entry)
{
    if (unlikely(!entry_has_counts(entry)))
        return;
    if (entry & PTE_WRITE)
        page_type_put(frame_at(pte_mfn(entry)));
    else
        frame_put(frame_at(pte_mfn(entry)));
}

static int __attribute__((noinline)) l1_flags_refused(struct domain *d, uint64_t entry)
{
    return refuse(d, XEN_EINVAL, "L1 entry %016lx: flags %lx are not a guest's to set", entry,
                  entry & ~d->paging.l1_allowed);
}

int l1_entries_get(struct domain *d, uint64_t *table, unsigned *from, unsigned to)
{
    const uint64_t forbidden = ~d->paging.l1_allowed;

    for (unsigned i = *from; i < to;) {
        uint64_t entry = table[i];
        int rc;
        if (!(entry & PTE_PRESENT)) {
            i += absent_from(table, i);
            continue;
        }
        rc = unlikely(entry & forbidden) ? l1_flags_refused(d, entry)
                                         : l1_target_get(d, d->id, entry);
        if (unlikely(rc)) {
            *from = i;
            return rc;
        }
        table[i++] = l1_entry_stored(entry);
    }
    *from = to;
    return 0;
}

void l1_entry_put(uint64_t entry)
{
    l1_target_put(entry);
}

HOT int l1_entry_change(struct domain *d, domid_t fd, uint64_t *entry, uint64_t old, uint64_t to,
                    enum entry_write how)
{
    bool new_target = false;

    if (to & PTE_PRESENT) {
        if (unlikely(to & ~d->paging.l1_allowed))
            return l1_flags_refused(d, to);
        to = l1_entry_stored(to);
        new_target = !(old & PTE_PRESENT) || ((old ^ to) & (PTE_ADDRESS | PTE_WRITE));
        if (new_target) {
            int rc = l1_target_get(d, fd, to);
            if (unlikely(rc))
                return rc;
        }
    }
    if (unlikely(!entry_swap(entry, &old, to, how))) {
        if (new_target)
            l1_target_put(to);
        return HYPERCALL_CONTINUE;
    }
    if ((old & PTE_PRESENT) && (new_target || !(to & PTE_PRESENT)))
        l1_target_put(old);
    return 0;
}

int table_entry_get(struct domain *d, unsigned level, uint64_t entry)
{
    mfn_t m = pte_mfn(entry);

    if (entry & ~TABLE_FLAGS_ALLOWED)
        return refuse(d, XEN_EINVAL, "L%u entry %016lx: flags %lx are not a guest's to set", level,
                      entry, entry & ~TABLE_FLAGS_ALLOWED);
    if (!mfn_is_ram(m) || frame_at(m)->owner != d->id)
        return refuse(d, XEN_EINVAL, "L%u entry %016lx: the table's frame is not d%u's", level, entry,
                      d->id);
    struct frame *f = frame_at(m);
    if (!frame_get(f, d->id))
        return refuse(d, XEN_EINVAL, "L%u entry %016lx: the table's frame is free", level, entry);
    int rc = page_type_get(f, (enum page_type)(TYPE_L1 + level - 2));
    frame_put(f);
    if (rc && rc != HYPERCALL_CONTINUE)
        return refuse(d, -rc, "L%u entry %016lx: frame is type %u, count %lu, not a valid L%u", level,
                      entry, state_type(f->state), state_count(f->state), level - 1);
    return rc;
}

void table_entry_put(uint64_t entry)
{
    page_type_put(frame_at(pte_mfn(entry)));
}

int table_entry_change(struct domain *d, unsigned level, uint64_t *entry, uint64_t to,
                       enum entry_write how)
{
    uint64_t old = READ_ONCE(*entry);
    bool new_target = false;

    if (to & PTE_PRESENT) {
        new_target = !(old & PTE_PRESENT) || ((old ^ to) & PTE_ADDRESS);
        if (new_target) {
            int rc = table_entry_get(d, level, to);
            if (rc)
                return rc;
        } else if (to & ~TABLE_FLAGS_ALLOWED) {
            return refuse(d, XEN_EINVAL, "L%u entry %016lx: flags %lx are not a guest's to set",
                          level, to, to & ~TABLE_FLAGS_ALLOWED);
        }
        to = table_entry_stored(level, to);
    }
    if (!entry_swap(entry, &old, to, how)) {
        if (new_target)
            table_entry_put(to);
        return HYPERCALL_CONTINUE;
    }
    if ((old & PTE_PRESENT) && (new_target || !(to & PTE_PRESENT)))
        table_entry_put(old);
    return 0;
}
