/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames.
 *
 * The mapping is an ordinary entry of an L1 table that points at another domain's frame: whoever changes the entry,
 * by whatever call, gives back its reference. What grants add is the right to make it.
 *
 * All that can fail comes first. The entry takes over the reference that the use began with, in one exchange.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "grant/mapping.h"
#include "grant/place.h"
#include "grant/use.h"
#include "hypercall/hypercall.h"

#define PTE_AVAIL_SHIFT 9U

/* What a handle remembers of the flags that it was made with. */
#define MAPPING_KEPT (MAPPING_PARTS | GNTMAP_readonly | GNTMAP_application_map | GNTMAP_contains_pte)

bool place_open_maddr(struct place *p, struct domain *d, uint64_t maddr)
{
    mfn_t m = mfn_of_maddr(maddr);
    uint64_t name = PLACE_MADDR | m.v;

    if (maddr % 8)
        return false;
    if (name == p->name)
        return true;
    place_close(p);
    p->name = PLACE_NONE;
    if (!mfn_is_ram(m) || !page_type_get_existing(frame_at(m), TYPE_L1, d->id))
        return false;
    *p = (struct place){ name, mfn_to_virt(m) };
    return true;
}

static inline uint64_t entry_for(mfn_t m, unsigned flags)
{
    const uint64_t always = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NX;
    uint64_t entry = l1_entry_stored(flags & GNTMAP_application_map ? always | PTE_USER : always);

    entry |= (flags >> _GNTMAP_guest_avail0 & 7UL) << PTE_AVAIL_SHIFT;
    if (!(flags & GNTMAP_readonly))
        entry |= PTE_WRITE;
    return entry | m.v << PAGE_SHIFT;
}

static int __attribute__((noinline)) map_refused(struct domain *d, const struct gnttab_map_grant_ref *op,
                                                 int status, const char *why)
{
    refuse(d, XEN_EINVAL, "map grant %u of d%u at %016lx: %s", op->ref, op->dom, op->host_addr, why);
    return status;
}

static void __attribute__((noinline))
use_end(struct domain *granter, const struct gnttab_map_grant_ref *op, mfn_t m)
{
    grant_end(granter, op->ref, op->flags & GNTMAP_readonly, m);
}

/* A use for each part of the mapping: for the domain itself, for a device. Returns as grant_begin. */
static inline int64_t uses_begin(struct domain *d, struct domain *granter,
                                 const struct gnttab_map_grant_ref *op)
{
    bool readonly = op->flags & GNTMAP_readonly;
    int64_t first = grant_begin(d, granter, op->ref, readonly);

    if (likely((op->flags & MAPPING_PARTS) != MAPPING_PARTS) || first < 0)
        return first;
    int64_t second = grant_slow_begin(d, granter, op->ref, readonly); /* it is in use now */
    if (second < 0)
        use_end(granter, op, mfn((uint64_t)first));
    return second;
}

static void __attribute__((noinline))
uses_end(struct domain *granter, const struct gnttab_map_grant_ref *op, mfn_t m)
{
    use_end(granter, op, m);
    if ((op->flags & MAPPING_PARTS) == MAPPING_PARTS)
        use_end(granter, op, m);
}

static inline void entry_exchange(uint64_t *entry, uint64_t to)
{
    uint64_t old = __atomic_exchange_n(entry, to, __ATOMIC_SEQ_CST);

    if (unlikely(old & PTE_PRESENT))
        l1_entry_put(old);
}

/* The uses have begun. Returns GNTST_*. */
static inline int map_frame(struct domain *d, struct place *place, struct domain *granter,
                            struct gnttab_map_grant_ref *op, mfn_t m)
{
    uint64_t *entry = NULL;

    if (likely(op->flags & GNTMAP_host_map) &&
        unlikely(!(entry = place_find(place, d, op->host_addr, op->flags))))
        return map_refused(d, op, GNTST_general_error, "there is no L1 entry for it");
    uint32_t handle = mapping_alloc(d->grants);
    if (unlikely(handle == MAPPING_NONE))
        return map_refused(d, op, GNTST_no_space, "it has no handle left");
    if (likely(entry))
        entry_exchange(entry, entry_for(m, op->flags));
    mapping_made(mapping_at(d->grants, handle),
                 &(struct mapping){ .granter_serial = granter->serial, .ref = op->ref, .mfn = (uint32_t)m.v,
                                    .granter = op->dom, .flags = (uint16_t)(op->flags & MAPPING_KEPT) });
    op->handle = handle;
    op->dev_bus_addr = m.v << PAGE_SHIFT;
    return GNTST_okay;
}

/* Returns GNTST_*, or HYPERCALL_CONTINUE with nothing done. */
static inline int map_one(struct domain *d, struct place *place, struct gnttab_map_grant_ref *op)
{
    struct domain *granter = domain_by_id(op->dom);

    if (unlikely(!granter || granter->dying))
        return map_refused(d, op, GNTST_bad_domain, "no such domain");
    if (unlikely(!(op->flags & MAPPING_PARTS)))
        return map_refused(d, op, GNTST_bad_gntref, "neither for a device nor for itself");
    int64_t m = uses_begin(d, granter, op);
    if (unlikely(m < 0))
        return (int)m;
    int status = map_frame(d, place, granter, op, mfn((uint64_t)m));
    if (unlikely(status != GNTST_okay))
        uses_end(granter, op, mfn((uint64_t)m));
    return status;
}

HOT long grant_map(struct domain *d, uint64_t at, uint64_t count)
{
    union {
        struct gnttab_map_grant_ref op;
        uint64_t words[4];
    } u;
    _Static_assert(sizeof(u.op) == sizeof(u.words), "whole words");
    struct place place;
    long rc = -XEN_EFAULT;

    place.name = PLACE_NONE;
    while (likely(guest_load_words(at, u.words, 4))) {
        int status = map_one(d, &place, &u.op);
        if (unlikely(status == HYPERCALL_CONTINUE)) {
            rc = status;
            break;
        }
        u.op.status = (int16_t)status;
        /* domid, status and handle are one word. If the handle cannot be told, it is lost until d dies. */
        if (unlikely(!guest_store_words(at + 16, &u.words[2], 2)))
            break;
        at += sizeof(u.op);
        if (!--count) {
            place_close(&place);
            return 0;
        }
        if (unlikely(preempt_needed())) {
            rc = HYPERCALL_CONTINUE;
            break;
        }
    }
    place_close(&place);
    return rc == HYPERCALL_CONTINUE ? hypercall_again(3, GNTTABOP_map_grant_ref, at, count, 0) : rc;
}
