/* SPDX-License-Identifier: MIT */
/*
 * ABI: memory_op(cmd | first extent << 6, argument), <xen/memory.h>
 */
#include <xen/memory.h>
#include "machine/host_map.h"
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "hypercall/exchange.h"
#include "hypercall/hypercall.h"
#include "machine/machine.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "memory/m2p.h"

#define CMD_BITS   6U
#define EXTENT_MAX (1UL << 58) /* what is left for the first extent */

#define ORDER_MAX_DOM0 12U
#define ORDER_MAX_DOMU 9U

struct reservation {
    struct xen_memory_reservation r;
    struct domain *d;
    uint64_t done;
};

static int find_domain(struct domain *caller, domid_t id, struct domain **out)
{
    *out = id == DOMID_SELF ? caller : domain_by_id(id);
    if (!*out)
        return refuse(caller, XEN_ESRCH, "memory_op: no domain %u", id);
    if (*out != caller && !caller->privileged)
        return refuse(caller, XEN_EPERM, "memory_op for d%u", id);
    return 0;
}

/* The extent's entry of the guest's list; NULL list: nothing is asked or told. */
static uint64_t extent_at(const struct reservation *res)
{
    return (uint64_t)res->r.extent_start.p + res->done * sizeof(xen_pfn_t);
}

static unsigned address_bits(const struct reservation *res)
{
    unsigned bits = XENMEMF_get_address_bits(res->r.mem_flags);

    return bits ? bits : 64;
}

/* Gives one extent; false: no more can be had, which is a short count and no error. */
static bool give_extent(struct reservation *res, bool populate)
{
    uint64_t nr = 1UL << res->r.extent_order;
    xen_pfn_t pfn = 0;

    if (populate && !copy_from_guest(&pfn, extent_at(res), sizeof(pfn)))
        return false;
    mfn_t m = domain_alloc_frames(res->d, res->r.extent_order, address_bits(res));
    if (m.v == MFN_NONE.v)
        return false;
    for (uint64_t i = 0; populate && i < nr; i++)
        domain_name_frame(res->d, mfn(m.v + i), pfn + i);
    xen_pfn_t out = m.v;
    if (res->r.extent_start.p && !copy_to_guest(extent_at(res), &out, sizeof(out))) {
        for (uint64_t i = 0; i < nr; i++)
            domain_give_up_frame(res->d, mfn(m.v + i));
        return false;
    }
    return true;
}

static bool increase_one(struct reservation *res)
{
    return give_extent(res, false);
}

static bool populate_one(struct reservation *res)
{
    return give_extent(res, true);
}

static bool decrease_one(struct reservation *res)
{
    xen_pfn_t first;

    if (!copy_from_guest(&first, extent_at(res), sizeof(first)))
        return false;
    for (uint64_t i = 0; i < 1UL << res->r.extent_order; i++) {
        mfn_t m = mfn(first + i);
        if (!domain_give_up_frame(res->d, m)) {
            refuse(res->d, XEN_EINVAL, "decrease_reservation: frame %lx is not its own", m.v);
            return false;
        }
    }
    return true;
}

/* Extents one by one; the count of those done is the answer, however it ends. */
static long reservation_op(unsigned cmd, uint64_t first, uint64_t arg,
                           bool (*one)(struct reservation *res))
{
    struct domain *caller = current_domain();
    struct reservation res = { .done = first };

    if (!copy_from_guest(&res.r, arg, sizeof(res.r)))
        return (long)first;
    if (find_domain(caller, res.r.domid, &res.d))
        return (long)first;
    if (res.r.nr_extents > EXTENT_MAX || first > res.r.nr_extents ||
        !guest_array_ok((uint64_t)res.r.extent_start.p, res.r.nr_extents, sizeof(xen_pfn_t)))
        return (long)first;
    if (res.r.extent_order > (caller->privileged ? ORDER_MAX_DOM0 : ORDER_MAX_DOMU)) {
        refuse(caller, XEN_EINVAL, "memory_op %u: extents of order %u", cmd, res.r.extent_order);
        return (long)first;
    }
    for (; res.done < res.r.nr_extents; res.done++) {
        if (res.done > first && preempt_needed())
            return hypercall_again(2, cmd | res.done << CMD_BITS, arg, 0, 0);
        if (!one(&res))
            break;
    }
    return (long)res.done;
}

/* --- Questions ---------------------------------------------------------------------------------- */

static long pages_question(unsigned cmd, uint64_t arg)
{
    struct domain *caller = current_domain(), *d;
    domid_t id;

    if (!copy_from_guest(&id, arg, sizeof(id)))
        return -XEN_EFAULT;
    int rc = find_domain(caller, id, &d);
    if (rc)
        return rc;
    switch (cmd) {
    case XENMEM_current_reservation:
        return (long)d->memory.nr_pages;
    case XENMEM_maximum_reservation:
        return (long)d->memory.max_pages;
    default: /* XENMEM_maximum_gpfn */
        return (long)MAX(d->shared_info->arch.max_pfn, 1UL) - 1;
    }
}

static long machphys_mapping(uint64_t arg)
{
    struct xen_machphys_mapping m = { .v_start = M2P_BASE,
                                      .v_end = M2P_END,
                                      .max_mfn = max_mfn - 1 };

    return copy_to_guest(arg, &m, sizeof(m)) ? 0 : -XEN_EFAULT;
}

/* --- A domain's own memory map, which its builder gives it -------------------------------------- */

#define MAP_ENTRIES_MAX (PAGE_SIZE / sizeof(struct host_map_entry))

static long set_memory_map(uint64_t arg)
{
    struct domain *caller = current_domain(), *d;
    struct xen_foreign_memory_map m;

    if (!copy_from_guest(&m, arg, sizeof(m)))
        return -XEN_EFAULT;
    int rc = find_domain(caller, m.domid, &d);
    if (rc)
        return rc;
    if (!caller->privileged || m.map.nr_entries > MAP_ENTRIES_MAX || d->dying)
        return refuse(caller, caller->privileged ? XEN_EINVAL : XEN_EPERM,
                      "set_memory_map: %u entries for d%u", m.map.nr_entries, d->id);
    struct host_map_entry *map = heap_alloc(PAGE_SIZE), *old = NULL;
    if (!map)
        return -XEN_ENOMEM;
    if (copy_from_guest(map, (uint64_t)m.map.buffer.p, m.map.nr_entries * sizeof(*map))) {
        spin_lock(&d->paging.lock);
        old = d->memory.map;
        d->memory.map = map;
        d->memory.nr_map = m.map.nr_entries;
        spin_unlock(&d->paging.lock);
    } else {
        old = map;
        rc = -XEN_EFAULT;
    }
    heap_free(old, PAGE_SIZE);
    return rc;
}

static bool map_entry(struct domain *d, unsigned n, struct host_map_entry *e)
{
    spin_lock(&d->paging.lock);
    bool is = n < d->memory.nr_map;
    if (is)
        *e = d->memory.map[n];
    spin_unlock(&d->paging.lock);
    return is;
}

static long memory_map(uint64_t arg)
{
    struct domain *d = current_domain();
    struct host_map_entry e;
    struct xen_memory_map m;
    unsigned n = 0;

    if (!d->memory.map)
        return -XEN_ENOSYS;
    if (!copy_from_guest(&m, arg, sizeof(m)))
        return -XEN_EFAULT;
    for (; n < m.nr_entries && map_entry(d, n, &e); n++) {
        if (!copy_to_guest((uint64_t)m.buffer.p + n * sizeof(e), &e, sizeof(e)))
            return -XEN_EFAULT;
    }
    m.nr_entries = n;
    return copy_to_guest(arg, &m, sizeof(m)) ? 0 : -XEN_EFAULT;
}

/* --- What builders ask -------------------------------------------------------------------------- */

static long claim_pages(uint64_t arg)
{
    struct domain *caller = current_domain(), *d;
    struct xen_memory_reservation r;

    if (!caller->privileged)
        return refuse(caller, XEN_EPERM, "claims are dom0's to make");
    if (!copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    if (r.extent_start.p || r.extent_order || r.mem_flags)
        return refuse(caller, XEN_EINVAL, "claim_pages: it takes a number of pages only");
    int rc = find_domain(caller, r.domid, &d);
    if (rc)
        return rc;
    if (!r.nr_extents) {
        domain_claim_release(d);
        return 0;
    }
    rc = domain_claim(d, r.nr_extents);
    return rc ? refuse(caller, -rc, "claim_pages: %lu for d%u, and %lu are free, of which %lu claimed",
                       r.nr_extents, d->id, frames_free(), domain_claims())
              : 0;
}

/* The frames of a domain's grant table, for its builder to fill in. */
static long acquire_resource(uint64_t arg)
{
    struct domain *caller = current_domain(), *d;
    struct xen_mem_acquire_resource r;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    int rc = find_domain(caller, r.domid, &d);
    if (rc)
        return rc;
    if (d == caller || d->dying)
        return refuse(caller, XEN_EPERM, "acquire_resource: of d%u", d->id);
    if (r.type != XENMEM_resource_grant_table || r.id != XENMEM_resource_grant_table_id_shared || r.pad)
        return refuse(caller, XEN_EOPNOTSUPP, "acquire_resource: type %u, id %u", r.type, r.id);
    if (!r.frame_list.p) {
        if (r.nr_frames)
            return -XEN_EINVAL;
        r.nr_frames = d->grants->max_frames;
        return copy_to_guest(arg, &r, sizeof(r)) ? 0 : -XEN_EFAULT;
    }
    if (r.nr_frames > GRANT_FRAMES_MAX || r.frame > GRANT_FRAMES_MAX - r.nr_frames ||
        !grant_table_grow(d, (unsigned)r.frame + r.nr_frames))
        return refuse(caller, XEN_EINVAL, "acquire_resource: frames %lu to %lu of %u", r.frame,
                      r.frame + r.nr_frames, d->grants->max_frames);
    for (unsigned i = 0; i < r.nr_frames; i++) {
        xen_pfn_t m = virt_to_mfn(d->grants->frames[r.frame + i]).v;
        if (!copy_to_guest((uint64_t)r.frame_list.p + i * sizeof(m), &m, sizeof(m)))
            return -XEN_EFAULT;
    }
    return 0;
}

/* There is no IOMMU: nothing is reserved for devices. */
static long reserved_device_memory_map(uint64_t arg)
{
    struct domain *d = current_domain();
    struct xen_reserved_device_memory_map m;

    if (!d->privileged)
        return -XEN_EPERM;
    if (!copy_from_guest(&m, arg, sizeof(m)))
        return -XEN_EFAULT;
    m.nr_entries = 0;
    return copy_to_guest(arg, &m, sizeof(m)) ? 0 : -XEN_EFAULT;
}

/* The machine's memory map, as the boot loader gave it. */
static long machine_memory_map(uint64_t arg)
{
    struct domain *d = current_domain();
    struct xen_memory_map m;
    unsigned n;

    if (!d->privileged)
        return refuse(d, XEN_EPERM, "the machine's memory map is dom0's to see");
    if (!copy_from_guest(&m, arg, sizeof(m)))
        return -XEN_EFAULT;
    for (n = 0; n < host_map_entries() && n < m.nr_entries; n++) {
        struct host_map_entry e = host_map_entry(n);
        if (!copy_to_guest((uint64_t)m.buffer.p + n * sizeof(e), &e, sizeof(e)))
            return -XEN_EFAULT;
    }
    m.nr_entries = n;
    return copy_to_guest(arg, &m, sizeof(m)) ? 0 : -XEN_EFAULT;
}

HYPERCALL(memory_op)
{
    unsigned cmd = a & ((1U << CMD_BITS) - 1);
    uint64_t first = a >> CMD_BITS;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    switch (cmd) {
    case XENMEM_increase_reservation:
        return reservation_op(cmd, first, b, increase_one);
    case XENMEM_decrease_reservation:
        return reservation_op(cmd, first, b, decrease_one);
    case XENMEM_populate_physmap:
        return reservation_op(cmd, first, b, populate_one);
    case XENMEM_exchange:
        return memory_exchange(b);
    case XENMEM_maximum_ram_page:
        return (long)max_mfn; /* one more than the last, in spite of its name */
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return pages_question(cmd, b);
    case XENMEM_machphys_mapping:
        return machphys_mapping(b);
    case XENMEM_add_to_physmap:
    case XENMEM_remove_from_physmap:
    case XENMEM_add_to_physmap_batch:
        return -XEN_EACCES; /* for guests whose frames are translated for them */
    case XENMEM_machine_memory_map:
        return machine_memory_map(b);
    case XENMEM_memory_map:
        return memory_map(b);
    case XENMEM_set_memory_map:
        return set_memory_map(b);
    case XENMEM_claim_pages:
        return claim_pages(b);
    case XENMEM_acquire_resource:
        return acquire_resource(b);
    case XENMEM_reserved_device_memory_map:
        return reserved_device_memory_map(b);
    case XENMEM_get_vnumainfo:
        return -XEN_EOPNOTSUPP;
    }
    return -XEN_ENOSYS;
}
