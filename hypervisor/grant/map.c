/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames, and unmapping them.
 *
 * The mapping is an ordinary entry of an L1 table that points at another domain's frame: l1_entry_change takes and
 * gives back its references, whoever changes the entry, by whatever call. What grants add is the right to make it.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "grant/mapping.h"
#include "lib/check.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"

#define PTE_AVAIL_SHIFT 9U

/* What a handle remembers of the flags that it was made with. */
#define MAPPING_KEPT (MAPPING_PARTS | GNTMAP_readonly | GNTMAP_application_map | GNTMAP_contains_pte)

static struct domain *live_domain(domid_t id)
{
    struct domain *d = domain_by_id(id);

    return d && !d->dying ? d : NULL;
}

/* The entry that an operation names, by address or by the entry's own place, with a reference to its table. */
static inline uint64_t *find_entry(struct domain *d, uint64_t at, unsigned flags, struct frame **table)
{
    if (!(flags & GNTMAP_contains_pte))
        return guest_address_ok(at) ? l1_entry_find(d, current_vcpu()->kernel_root, at, table) : NULL;
    mfn_t m = mfn_of_maddr(at);
    if (at % 8 || !mfn_is_ram(m) || !page_type_get_existing(frame_at(m), TYPE_L1, d->id))
        return NULL;
    *table = frame_at(m);
    return (uint64_t *)mfn_to_virt(m) + at / 8 % ENTRIES_PER_TABLE;
}

static inline uint64_t entry_for(const struct grant *g, unsigned flags)
{
    uint64_t entry = g->mfn.v << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NX;

    entry |= (flags >> _GNTMAP_guest_avail0 & 7UL) << PTE_AVAIL_SHIFT;
    if (flags & GNTMAP_application_map)
        entry |= PTE_USER;
    if (!g->readonly)
        entry |= PTE_WRITE;
    return entry;
}

/* A device's use has no entry: the reference is taken and given back by itself. */
static int device_get(const struct grant *g)
{
    struct frame *f = frame_at(g->mfn);

    if (g->readonly)
        return frame_get(f, g->granter->id) ? 0 : -XEN_EINVAL;
    if (!frame_get(f, g->granter->id))
        return -XEN_EINVAL;
    int rc = page_type_get(f, TYPE_WRITABLE);
    frame_put(f);
    return rc;
}

static void device_put(mfn_t m, bool readonly)
{
    if (readonly)
        frame_put(frame_at(m));
    else
        page_type_put(frame_at(m));
}

/* What a grant may be about: RAM of the granter's, not what it shares with us. */
static bool frame_may_be_granted(const struct grant *g)
{
    return mfn_is_ram(g->mfn) && frame_at(g->mfn)->owner == g->granter->id &&
           !(READ_ONCE(frame_at(g->mfn)->state) & FRAME_SPECIAL);
}

static inline int map_host(struct domain *d, const struct gnttab_map_grant_ref *op, const struct grant *g)
{
    struct frame *table;
    uint64_t *entry = find_entry(d, op->host_addr, op->flags, &table);

    if (unlikely(!entry))
        return refuse(d, XEN_EINVAL, "map grant %u of d%u: no L1 entry for %016lx", op->ref, op->dom,
                      op->host_addr);
    int rc = l1_entry_change(d, g->granter->id, entry, READ_ONCE(*entry), entry_for(g, op->flags),
                             ENTRY_REPLACE);
    page_type_put(table);
    return rc;
}

/* Both kinds of mapping, or neither. */
static inline int map_parts(struct domain *d, const struct gnttab_map_grant_ref *op, const struct grant *g)
{
    int rc = 0;

    if (op->flags & GNTMAP_device_map)
        rc = device_get(g);
    if (!rc && (op->flags & GNTMAP_host_map)) {
        rc = map_host(d, op, g);
        if (unlikely(rc) && (op->flags & GNTMAP_device_map))
            device_put(g->mfn, g->readonly);
    }
    return rc;
}

/* One use for each part. */
static int begin_uses(struct domain *d, struct grant *g, unsigned flags)
{
    int status = grant_use_begin(d, g);

    if (status == GNTST_okay && (flags & MAPPING_PARTS) == MAPPING_PARTS) {
        status = grant_use_begin(d, g);
        if (status != GNTST_okay)
            grant_use_end(g);
    }
    return status;
}

static void end_uses(const struct grant *g, unsigned parts)
{
    grant_use_end(g);
    if ((parts & MAPPING_PARTS) == MAPPING_PARTS)
        grant_use_end(g);
}

/* Returns 0 with a status in op, or HYPERCALL_CONTINUE with nothing done. */
static inline int map_one(struct domain *d, struct gnttab_map_grant_ref *op)
{
    struct grant g = { .granter = live_domain(op->dom), .ref = op->ref,
                       .readonly = op->flags & GNTMAP_readonly };

    op->status = GNTST_bad_domain;
    if (unlikely(!g.granter)) {
        refuse(d, XEN_ESRCH, "map grant %u of d%u: no such domain", op->ref, op->dom);
        return 0;
    }
    op->status = GNTST_bad_gntref;
    if (unlikely(!(op->flags & MAPPING_PARTS))) {
        refuse(d, XEN_EINVAL, "map grant %u of d%u: neither for a device nor for itself", op->ref, op->dom);
        return 0;
    }
    op->status = (int16_t)begin_uses(d, &g, op->flags);
    if (unlikely(op->status != GNTST_okay))
        return 0;
    const struct mapping content = { .granter_serial = g.granter->serial, .ref = op->ref,
                                     .mfn = (uint32_t)g.mfn.v, .granter = op->dom,
                                     .flags = (uint16_t)((op->flags & MAPPING_KEPT) | MAPPING_BUSY) };
    uint32_t handle = MAPPING_NONE;
    int rc = 0;
    if (unlikely(!frame_may_be_granted(&g))) {
        refuse(d, XEN_EINVAL, "map grant %u of d%u: frame %lx is not its to grant", op->ref, op->dom,
               g.mfn.v);
        op->status = GNTST_bad_page;
    } else if (unlikely((handle = mapping_alloc(d, &content)) == MAPPING_NONE)) {
        refuse(d, XEN_ENOSPC, "map grant %u of d%u: it has no handle left", op->ref, op->dom);
        op->status = GNTST_no_space;
    } else {
        rc = map_parts(d, op, &g);
        if (likely(!rc)) {
            mapping_made(d, handle);
            op->handle = handle;
            op->dev_bus_addr = g.mfn.v << PAGE_SHIFT;
            return 0;
        }
        mapping_settle(d, handle, 0);
        op->status = GNTST_general_error;
    }
    end_uses(&g, op->flags);
    return rc == HYPERCALL_CONTINUE ? rc : 0;
}

HOT int grant_map(struct domain *d, uint64_t array, uint64_t count, uint64_t *done)
{
    union {
        struct gnttab_map_grant_ref op;
        uint64_t words[4];
    } u;
    _Static_assert(sizeof(u.op) == sizeof(u.words), "whole words");

    for (; *done < count; ++*done) {
        uint64_t at = array + *done * sizeof(u.op);
        if (*done && unlikely(preempt_needed()))
            return HYPERCALL_CONTINUE;
        if (unlikely(!guest_load_words(at, u.words, 4)))
            return -XEN_EFAULT;
        int rc = map_one(d, &u.op);
        if (unlikely(rc))
            return rc;
        /* domid, status and handle are one word. If the handle cannot be told, it is lost until d dies. */
        if (unlikely(!guest_store_words(at + 16, &u.words[2], 2)))
            return -XEN_EFAULT;
    }
    return 0;
}

/* --- Unmapping ---------------------------------------------------------------------------------- */

/* What is to be said to the granter once no TLB knows the frame. */
struct ended {
    struct mapping m;
    uint32_t handle;
    unsigned parts; /* that have gone */
};

static void tell_granter(struct domain *d, const struct ended *e)
{
    struct grant g = { .granter = domain_by_id(e->m.granter), .ref = e->m.ref,
                       .readonly = e->m.flags & GNTMAP_readonly };

    /* A granter with frames in use lives on; without, it may be gone, and another have its id. */
    if (likely(g.granter && g.granter->serial == e->m.granter_serial && e->parts))
        end_uses(&g, e->parts);
    mapping_settle(d, e->handle, e->m.flags & MAPPING_PARTS & ~e->parts);
}

static void tell_granters(struct domain *d, const struct ended *ended, unsigned nr)
{
    if (nr)
        tlb_flush_cpus(d->paging.dirty_cpus, 0);
    for (unsigned i = 0; i < nr; i++)
        tell_granter(d, &ended[i]);
}

/* Takes the entry away if it is this mapping's. by: what takes its place (0: nothing). Returns GNTST_* or
 * HYPERCALL_CONTINUE. */
static inline int unmap_host(struct domain *d, const struct mapping *m, uint64_t at, uint64_t by)
{
    struct frame *table;
    uint64_t *entry = find_entry(d, at, m->flags, &table);

    if (unlikely(!entry)) {
        refuse(d, XEN_EINVAL, "unmap grant %u of d%u: no L1 entry for %016lx", m->ref, m->granter, at);
        return GNTST_bad_virt_addr;
    }
    uint64_t old = READ_ONCE(*entry);
    int rc = GNTST_bad_virt_addr;
    if (unlikely((old & PTE_PRESENT) && pte_mfn(old).v == m->mfn &&
                 !(old & PTE_WRITE) != !!(m->flags & GNTMAP_readonly))) {
        refuse(d, XEN_EINVAL, "unmap grant %u of d%u: %016lx maps %016lx, with other rights", m->ref,
               m->granter, at, old);
        rc = GNTST_general_error;
    } else if (likely((old & PTE_PRESENT) && pte_mfn(old).v == m->mfn)) {
        rc = l1_entry_change(d, d->id, entry, old, by, ENTRY_REPLACE);
        if (unlikely(rc < 0 && rc != HYPERCALL_CONTINUE))
            rc = GNTST_general_error;
    } else {
        refuse(d, XEN_EINVAL, "unmap grant %u of d%u: %016lx maps %016lx, not frame %x", m->ref,
               m->granter, at, old, m->mfn);
    }
    page_type_put(table);
    return rc;
}

/* Fills in what the granter is to be told. Returns GNTST_* or HYPERCALL_CONTINUE. */
static inline int unmap_one(struct domain *d, uint64_t host, uint64_t device, uint32_t handle,
                            struct ended *e)
{
    if (unlikely(!mapping_take(d, handle, &e->m))) {
        refuse(d, XEN_EINVAL, "unmap: %u is no handle", handle);
        return GNTST_bad_handle;
    }
    e->handle = handle;
    e->parts = 0;
    int rc = GNTST_okay;
    if (host && (e->m.flags & GNTMAP_host_map)) {
        rc = unmap_host(d, &e->m, host, 0);
        if (rc == GNTST_okay)
            e->parts |= GNTMAP_host_map;
    }
    if (rc == GNTST_okay && device && (e->m.flags & GNTMAP_device_map)) {
        if (device >> PAGE_SHIFT == e->m.mfn) {
            device_put(mfn(e->m.mfn), e->m.flags & GNTMAP_readonly);
            e->parts |= GNTMAP_device_map;
        } else {
            rc = GNTST_bad_dev_addr;
        }
    }
    return rc;
}

HOT int grant_unmap(struct domain *d, uint64_t array, uint64_t count, uint64_t *done)
{
    union {
        struct gnttab_unmap_grant_ref op;
        uint64_t words[3];
    } u;
    _Static_assert(sizeof(u.op) == sizeof(u.words), "whole words");
    struct ended ended[GRANT_BATCH];
    unsigned nr = 0;
    int rc = 0;

    for (; *done < count; ++*done) {
        uint64_t at = array + *done * sizeof(u.op);
        if (nr == GRANT_BATCH) {
            tell_granters(d, ended, nr);
            nr = 0;
        }
        if (*done && unlikely(preempt_needed())) {
            rc = HYPERCALL_CONTINUE;
            break;
        }
        if (unlikely(!guest_load_words(at, u.words, 3))) {
            rc = -XEN_EFAULT;
            break;
        }
        int status = unmap_one(d, u.op.host_addr, u.op.dev_bus_addr, u.op.handle, &ended[nr]);
        if (likely(status != GNTST_bad_handle))
            nr++;
        if (unlikely(status == HYPERCALL_CONTINUE)) {
            rc = status;
            break;
        }
        u.op.status = (int16_t)status;
        if (unlikely(!guest_store64(at + 16, u.words[2]))) {
            ++*done;
            rc = -XEN_EFAULT;
            break;
        }
    }
    tell_granters(d, ended, nr);
    return rc;
}

/* --- Unmapping with another mapping in its place ------------------------------------------------ */

/* The entry of new_addr moves to where the grant was mapped. It is one of the domain's own frames: were it the
 * mapping itself, it would stay if another vCPU touched it before it goes from new_addr. */
static int replace_one(struct domain *d, const struct gnttab_unmap_and_replace *op, struct ended *e)
{
    struct frame *table;

    if (!mapping_take(d, op->handle, &e->m)) {
        refuse(d, XEN_EINVAL, "unmap and replace: %u is no handle", op->handle);
        return GNTST_bad_handle;
    }
    e->handle = op->handle;
    e->parts = 0;
    uint64_t *from = find_entry(d, op->new_addr, 0, &table);
    if (!(e->m.flags & GNTMAP_host_map) || (e->m.flags & GNTMAP_contains_pte) || !from) {
        if (from)
            page_type_put(table);
        return e->m.flags & GNTMAP_host_map ? GNTST_general_error : GNTST_bad_virt_addr;
    }
    uint64_t moved = READ_ONCE(*from);
    int rc = GNTST_general_error;
    if ((moved & PTE_PRESENT) && pte_mfn(moved).v == e->m.mfn)
        refuse(d, XEN_EINVAL, "unmap and replace: %016lx maps the granted frame itself", op->new_addr);
    else
        rc = unmap_host(d, &e->m, op->host_addr, moved);
    if (rc == GNTST_okay) {
        e->parts = GNTMAP_host_map;
        /* Another vCPU may have changed it meanwhile: then it keeps what that one put there. */
        (void)!l1_entry_change(d, d->id, from, moved, 0, ENTRY_EXACT);
    }
    page_type_put(table);
    return rc;
}

int grant_unmap_and_replace(struct domain *d, uint64_t array, uint64_t count, uint64_t *done)
{
    struct gnttab_unmap_and_replace op;
    struct ended e;

    for (; *done < count; ++*done) {
        uint64_t at = array + *done * sizeof(op);
        if (*done && preempt_needed())
            return HYPERCALL_CONTINUE;
        if (!copy_from_guest(&op, at, sizeof(op)))
            return -XEN_EFAULT;
        int status = replace_one(d, &op, &e);
        if (status != GNTST_bad_handle)
            tell_granters(d, &e, 1);
        if (status == HYPERCALL_CONTINUE)
            return status;
        op.status = (int16_t)status;
        if (!copy_to_guest(at, &op, sizeof(op))) {
            ++*done;
            return -XEN_EFAULT;
        }
    }
    return 0;
}

/* --- A user dies -------------------------------------------------------------------------------- */

bool grant_table_release(struct domain *d, uint32_t *progress)
{
    struct ended e;

    for (; *progress < d->grants->nr_mapping_frames * MAPPINGS_PER_FRAME; ++*progress) {
        if (*progress % 64 == 63 && preempt_needed())
            return false;
        if (!mapping_take(d, *progress, &e.m))
            continue;
        e.handle = *progress;
        e.parts = e.m.flags & MAPPING_PARTS; /* its tables give the host's references back */
        if (e.parts & GNTMAP_device_map)
            device_put(mfn(e.m.mfn), e.m.flags & GNTMAP_readonly);
        tell_granter(d, &e);
    }
    return true;
}
