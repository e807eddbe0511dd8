/* SPDX-License-Identifier: MIT */
/*
 * Unmapping granted frames: the entry goes, then TLBs forget it, then the granter is told.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "grant/mapping.h"
#include "grant/place.h"
#include "grant/use.h"
#include "hypercall/hypercall.h"

/* What is to be said to the granter once no TLB knows the frame. */
struct ended {
    struct mapping *m; /* busy, for us */
    uint32_t handle;
    uint64_t parts; /* that have gone (a word: for elements of 16 bytes gcc aligns the stack) */
};

/* Two parts were two uses: the second. */
static void __attribute__((noinline)) other_use_end(struct domain *granter, uint32_t ref, bool readonly)
{
    grant_use_end(granter, ref, readonly);
}

static inline __attribute__((always_inline)) void tell_granter(struct domain *d, struct ended e)
{
    struct mapping *m = e.m;
    struct domain *granter = domain_by_id(m->granter);
    bool readonly = m->flags & GNTMAP_readonly;

    /* A granter with frames in use lives on; without, it may be gone, and another have its id. */
    if (likely(granter && granter->serial == m->granter_serial)) {
        if (likely(e.parts))
            grant_use_end(granter, m->ref, readonly);
        if (unlikely(e.parts == MAPPING_PARTS))
            other_use_end(granter, m->ref, readonly);
    }
    mapping_settle(d->grants, m, e.handle, m->flags & MAPPING_PARTS & ~e.parts);
}

static inline __attribute__((always_inline)) void
tell_granters(struct domain *d, const struct ended *e, const struct ended *end)
{
    if (unlikely(e == end))
        return;
    tlb_flush_cpus(d->paging.dirty_cpus, 0);
    do
        tell_granter(d, *e++);
    while (e != end);
}

/* Before the usual end of a call. */
static void __attribute__((noinline))
tell_granters_early(struct domain *d, const struct ended *e, const struct ended *end)
{
    tell_granters(d, e, end);
}

static int __attribute__((noinline)) no_entry(struct domain *d, const struct mapping *m, uint64_t at)
{
    refuse(d, XEN_EINVAL, "unmap grant %u of d%u: no L1 entry for %016lx", m->ref, m->granter, at);
    return GNTST_bad_virt_addr;
}

static int __attribute__((noinline))
other_entry(struct domain *d, const struct mapping *m, uint64_t at, uint64_t entry)
{
    bool same = (entry & PTE_PRESENT) && pte_mfn(entry).v == m->mfn;

    refuse(d, XEN_EINVAL, "unmap grant %u of d%u: %016lx maps %016lx, %s", m->ref, m->granter, at, entry,
           same ? "with other rights" : "not the granted frame");
    return same ? GNTST_general_error : GNTST_bad_virt_addr;
}

/* Is that an entry which maps the granted frame, with the rights that were asked for? */
static inline bool entry_is_mapping(const struct mapping *m, uint64_t entry)
{
    uint64_t rights = m->flags & GNTMAP_readonly ? PTE_PRESENT : PTE_PRESENT | PTE_WRITE;

    return (entry & (PTE_ADDRESS | PTE_PRESENT | PTE_WRITE)) == ((uint64_t)m->mfn << PAGE_SHIFT | rights);
}

/* Takes the entry away if it is this mapping's. Returns GNTST_* or HYPERCALL_CONTINUE. */
static inline __attribute__((always_inline)) int
unmap_host(struct domain *d, struct place *place, const struct mapping *m, uint64_t at)
{
    uint64_t *entry = place_find(place, d, at, m->flags);

    if (unlikely(!entry))
        return no_entry(d, m, at);
    uint64_t old = READ_ONCE(*entry);
    if (unlikely(!entry_is_mapping(m, old)))
        return other_entry(d, m, at, old);
    if (unlikely(!entry_swap(entry, &old, 0, ENTRY_REPLACE)))
        return HYPERCALL_CONTINUE;
    frame_let_go(mfn(m->mfn), old & PTE_WRITE);
    return GNTST_okay;
}

/* A device's part has no entry. */
static int __attribute__((noinline)) unmap_device(const struct mapping *m, uint64_t device)
{
    if (device >> PAGE_SHIFT != m->mfn)
        return GNTST_bad_dev_addr;
    frame_let_go(mfn(m->mfn), !(m->flags & GNTMAP_readonly));
    return GNTST_okay;
}

static int __attribute__((noinline)) bad_handle(struct domain *d, uint32_t handle)
{
    refuse(d, XEN_EINVAL, "unmap: %u is no handle", handle);
    return GNTST_bad_handle;
}

/* Notes what the granter is to be told, if it is a handle. Returns GNTST_* or HYPERCALL_CONTINUE. */
static inline __attribute__((always_inline)) int
unmap_one(struct domain *d, struct place *place, const struct gnttab_unmap_grant_ref *op, struct ended *e)
{
    struct mapping *m = mapping_take(d->grants, op->handle);
    unsigned parts = 0;
    int status = GNTST_okay;

    if (unlikely(!m))
        return GNTST_bad_handle;
    e->m = m;
    e->handle = op->handle;
    if (likely(op->host_addr && (m->flags & GNTMAP_host_map))) {
        status = unmap_host(d, place, m, op->host_addr);
        if (likely(status == GNTST_okay))
            parts = GNTMAP_host_map;
    }
    if (unlikely(op->dev_bus_addr) && status == GNTST_okay && (m->flags & GNTMAP_device_map)) {
        status = unmap_device(m, op->dev_bus_addr);
        if (status == GNTST_okay)
            parts |= GNTMAP_device_map;
    }
    e->parts = parts;
    return status;
}

/* The handle may be busy for us: another operation of this call took its other part away. What has ended so far is
 * told, and the operation tried once more; nothing of the call's own state is shared, so that it stays in registers. */
static int __attribute__((noinline)) unmap_after_flush(struct domain *d, struct gnttab_unmap_grant_ref op,
                                                       struct ended *ended, const struct ended *end)
{
    struct place place = { .name = PLACE_NONE };
    int status;

    tell_granters_early(d, ended, end);
    status = unmap_one(d, &place, &op, ended);
    place_close(&place);
    return status == GNTST_bad_handle ? bad_handle(d, op.handle) : status;
}

HOT long grant_unmap(struct domain *d, uint64_t at, uint64_t count)
{
    union {
        struct gnttab_unmap_grant_ref op;
        uint64_t words[3];
    } u;
    _Static_assert(sizeof(u.op) == sizeof(u.words), "whole words");
    struct place place;
    struct ended ended[GRANT_BATCH], *next = ended;
    long rc = -XEN_EFAULT;

    place.name = PLACE_NONE;
    while (likely(guest_load_words(at, u.words, 3))) {
        int status = unmap_one(d, &place, &u.op, next);
        if (unlikely(status == GNTST_bad_handle)) {
            status = unmap_after_flush(d, u.op, ended, next);
            next = ended;
        }
        next += status != GNTST_bad_handle;
        if (unlikely(status == HYPERCALL_CONTINUE)) {
            rc = status;
            break;
        }
        u.op.status = (int16_t)status;
        if (unlikely(!guest_store64(at + 16, u.words[2])))
            break;
        at += sizeof(u.op);
        if (!--count) {
            place_close(&place);
            tell_granters(d, ended, next);
            return 0;
        }
        if (unlikely(preempt_needed())) {
            rc = HYPERCALL_CONTINUE;
            break;
        }
        if (next == ended + GRANT_BATCH) {
            tell_granters_early(d, ended, next);
            next = ended;
        }
    }
    place_close(&place);
    tell_granters_early(d, ended, next);
    return rc == HYPERCALL_CONTINUE ? hypercall_again(3, GNTTABOP_unmap_grant_ref, at, count, 0) : rc;
}

/* --- Unmapping with another mapping in its place ------------------------------------------------ */

static int replace_refused(struct domain *d, const struct gnttab_unmap_and_replace *op)
{
    refuse(d, XEN_EINVAL, "unmap and replace: %016lx maps the granted frame itself", op->new_addr);
    return GNTST_general_error;
}

/* The entry of new_addr moves to where the grant was mapped. It is one of the domain's own frames: were it the
 * mapping itself, it would stay if another vCPU touched it before it goes from new_addr. */
static int replace_with(struct domain *d, const struct gnttab_unmap_and_replace *op, const struct mapping *m,
                        uint64_t *from, uint64_t *entry)
{
    uint64_t old = READ_ONCE(*entry), moved = READ_ONCE(*from);

    if ((moved & PTE_PRESENT) && pte_mfn(moved).v == m->mfn)
        return replace_refused(d, op);
    if (!entry_is_mapping(m, old))
        return other_entry(d, m, op->host_addr, old);
    int rc = l1_entry_change(d, d->id, entry, old, moved, ENTRY_REPLACE);
    if (rc)
        return rc == HYPERCALL_CONTINUE ? rc : GNTST_general_error;
    /* Another vCPU may have changed it meanwhile: then it keeps what that one put there. */
    (void)!l1_entry_change(d, d->id, from, moved, 0, ENTRY_EXACT);
    return GNTST_okay;
}

static int replace_one(struct domain *d, const struct gnttab_unmap_and_replace *op, const struct mapping *m)
{
    struct place to = { .name = PLACE_NONE }, from = { .name = PLACE_NONE };
    int status = GNTST_general_error;

    if (!(m->flags & GNTMAP_host_map))
        return GNTST_bad_virt_addr;
    uint64_t *moved = place_find(&from, d, op->new_addr, 0);
    if (moved && !(m->flags & GNTMAP_contains_pte)) {
        uint64_t *entry = place_find(&to, d, op->host_addr, 0);
        status = entry ? replace_with(d, op, m, moved, entry) : no_entry(d, m, op->host_addr);
    }
    place_close(&to);
    place_close(&from);
    return status;
}

/* Returns as replace_one. */
static int replace_and_tell(struct domain *d, const struct gnttab_unmap_and_replace *op)
{
    struct mapping *m = mapping_take(d->grants, op->handle);

    if (!m)
        return bad_handle(d, op->handle);
    int status = replace_one(d, op, m);
    tlb_flush_cpus(d->paging.dirty_cpus, 0);
    tell_granter(d, (struct ended){ m, op->handle, status == GNTST_okay ? GNTMAP_host_map : 0 });
    return status;
}

long grant_unmap_and_replace(struct domain *d, uint64_t at, uint64_t count)
{
    struct gnttab_unmap_and_replace op;

    for (;; at += sizeof(op)) {
        if (!copy_from_guest(&op, at, sizeof(op)))
            return -XEN_EFAULT;
        int status = replace_and_tell(d, &op);
        if (status != HYPERCALL_CONTINUE) {
            op.status = (int16_t)status;
            if (!copy_to_guest(at, &op, sizeof(op)))
                return -XEN_EFAULT;
            if (!--count)
                return 0;
        }
        if (status == HYPERCALL_CONTINUE || preempt_needed())
            return hypercall_again(3, GNTTABOP_unmap_and_replace,
                                   status == HYPERCALL_CONTINUE ? at : at + sizeof(op), count, 0);
    }
}

/* --- A user dies -------------------------------------------------------------------------------- */

static void release_one(struct domain *d, uint32_t handle)
{
    struct mapping *m = mapping_take(d->grants, handle);

    if (!m)
        return;
    unsigned parts = m->flags & MAPPING_PARTS; /* its tables give the host's references back */
    if (parts & GNTMAP_device_map)
        frame_let_go(mfn(m->mfn), !(m->flags & GNTMAP_readonly));
    tell_granter(d, (struct ended){ m, handle, parts });
}

bool grant_table_release(struct domain *d, uint32_t *progress)
{
    while (*progress < d->grants->nr_mapping_frames * MAPPINGS_PER_FRAME) {
        release_one(d, (*progress)++);
        if (*progress % 64 == 0 && preempt_needed())
            return false;
    }
    return true;
}
