/* SPDX-License-Identifier: MIT */
#include "grant/grant_table.h"
#include "domain/refuse.h"
#include "grant/mapping.h"
#include "hypercall/hypercall.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"

#define USES_BYTES (GRANTS_PER_FRAME * sizeof(struct grant_use))

/* --- Life --------------------------------------------------------------------------------------- */

static bool add_frame(struct domain *d)
{
    struct grant_table *t = d->grants;
    struct grant_entry_v1 *entries = domain_special_page_alloc(d);
    struct grant_use *uses = heap_alloc(USES_BYTES);

    if (!entries || !uses) {
        if (entries)
            domain_special_page_free(d, entries);
        heap_free(uses, USES_BYTES);
        return false;
    }
    for (unsigned i = 0; i < GRANTS_PER_FRAME; i++)
        spinlock_init(&uses[i].lock, LOCK_GRANT_USE);
    spin_lock(&t->lock);
    bool wanted = t->nr_frames < t->max_frames;
    if (wanted) {
        t->frames[t->nr_frames] = entries;
        t->uses[t->nr_frames] = uses;
        __atomic_store_n(&t->nr_frames, t->nr_frames + 1, __ATOMIC_RELEASE);
    }
    spin_unlock(&t->lock);
    if (!wanted) { /* another vCPU made the last */
        domain_special_page_free(d, entries);
        heap_free(uses, USES_BYTES);
    }
    return wanted;
}

bool grant_table_grow(struct domain *d, unsigned nr_frames)
{
    while (READ_ONCE(d->grants->nr_frames) < nr_frames) {
        if (nr_frames > d->grants->max_frames || !add_frame(d))
            return READ_ONCE(d->grants->nr_frames) >= nr_frames;
    }
    return true;
}

bool grant_table_create(struct domain *d, unsigned max_frames, unsigned max_mapping_frames)
{
    d->grants = heap_alloc(sizeof(*d->grants));
    if (!d->grants)
        return false;
    spinlock_init(&d->grants->lock, LOCK_GRANTS);
    d->grants->max_frames = max_frames;
    d->grants->max_mapping_frames = max_mapping_frames;
    d->grants->first_free = MAPPING_NONE;
    if (add_frame(d))
        return true;
    heap_free(d->grants, sizeof(*d->grants));
    d->grants = NULL;
    return false;
}

void grant_table_destroy(struct domain *d)
{
    struct grant_table *t = d->grants;

    if (!t)
        return;
    for (unsigned i = 0; i < t->nr_frames; i++) {
        domain_special_page_free(d, t->frames[i]);
        heap_free(t->uses[i], USES_BYTES);
    }
    for (unsigned i = 0; i < t->nr_mapping_frames; i++)
        heap_free(t->mappings[i], PAGE_SIZE);
    heap_free(t, sizeof(*t));
    d->grants = NULL;
}

/* --- Handles: grant/mapping.h ------------------------------------------------------------------- */

/* All handles of one more frame are free. The lock is held. */
static void chain_frame(struct grant_table *t, struct mapping *fresh)
{
    uint32_t first = t->nr_mapping_frames * MAPPINGS_PER_FRAME;

    for (unsigned i = 0; i < MAPPINGS_PER_FRAME; i++)
        fresh[i].next = i + 1 < MAPPINGS_PER_FRAME ? first + i + 1 : t->first_free;
    t->mappings[t->nr_mapping_frames] = fresh;
    __atomic_store_n(&t->nr_mapping_frames, t->nr_mapping_frames + 1, __ATOMIC_RELEASE);
    t->first_free = first;
}

bool mapping_more(struct grant_table *t)
{
    struct mapping *fresh = heap_alloc(PAGE_SIZE);

    if (!fresh)
        return false;
    spin_lock(&t->lock);
    bool room = t->nr_mapping_frames < t->max_mapping_frames;
    if (room)
        chain_frame(t, fresh);
    spin_unlock(&t->lock);
    if (!room)
        heap_free(fresh, PAGE_SIZE);
    return room;
}

void domain_for_each_grant(const struct domain *d, void (*fn)(mfn_t m, unsigned flags))
{
    for (uint32_t i = 0; i < d->grants->nr_mapping_frames * MAPPINGS_PER_FRAME; i++) {
        const struct mapping *m = mapping_at(d->grants, i);
        if (m->flags & MAPPING_PARTS)
            fn(mfn(m->mfn), m->flags);
    }
}

/* --- Questions about the table, and its length -------------------------------------------------- */

/* Whose table an operation is about. */
static struct domain *find_subject(struct domain *d, domid_t id, int16_t *status)
{
    struct domain *of = id == DOMID_SELF ? d : domain_by_id(id);

    if (!of) {
        *status = GNTST_bad_domain;
    } else if (of != d && !d->privileged) {
        refuse(d, XEN_EPERM, "the grant table of d%u is not its own", id);
        *status = GNTST_permission_denied;
        of = NULL;
    }
    return of;
}

static int16_t setup_table(struct domain *d, const struct gnttab_setup_table *op)
{
    int16_t status = GNTST_okay;
    struct domain *of = find_subject(d, op->dom, &status);

    if (!of)
        return status;
    if (op->nr_frames > of->grants->max_frames || !grant_table_grow(of, op->nr_frames)) {
        refuse(d, XEN_ENOMEM, "grant table of %u frames: at most %u", op->nr_frames,
               of->grants->max_frames);
        return GNTST_general_error;
    }
    for (unsigned i = 0; i < op->nr_frames; i++) {
        xen_pfn_t frame = virt_to_mfn(of->grants->frames[i]).v;
        if (!copy_to_guest((uint64_t)op->frame_list.p + i * sizeof(frame), &frame, sizeof(frame)))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static long op_setup_table(struct domain *d, uint64_t arg)
{
    struct gnttab_setup_table op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    op.status = setup_table(d, &op);
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long op_query_size(struct domain *d, uint64_t arg)
{
    struct gnttab_query_size op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    op.status = GNTST_okay;
    struct domain *of = find_subject(d, op.dom, &op.status);
    if (of) {
        op.nr_frames = of->grants->nr_frames;
        op.max_nr_frames = of->grants->max_frames;
    }
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long op_set_version(struct domain *d, uint64_t arg)
{
    struct gnttab_set_version op;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.version != 1 && op.version != 2)
        return refuse(d, XEN_EINVAL, "grant tables of version %u", op.version);
    if (op.version == 2)
        return refuse(d, XEN_ENOSYS, "grant tables of version 2 are not offered");
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long op_get_version(struct domain *d, uint64_t arg)
{
    struct gnttab_get_version op;
    int16_t status;

    if (!copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (!find_subject(d, op.dom, &status))
        return status == GNTST_bad_domain ? -XEN_ESRCH : -XEN_EPERM;
    op.version = 1;
    return copy_to_guest(arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* --- The hypercall ------------------------------------------------------------------------------ */

/* Operations on the table: one a call. */
static long (*const singles[])(struct domain *d, uint64_t arg) = {
    [GNTTABOP_setup_table] = op_setup_table,
    [GNTTABOP_query_size] = op_query_size,
    [GNTTABOP_set_version] = op_set_version,
    [GNTTABOP_get_version] = op_get_version,
};

static const struct {
    long (*run)(struct domain *d, uint64_t array, uint64_t count);
    uint64_t size;
} batches[] = {
    [GNTTABOP_map_grant_ref] = { grant_map, sizeof(struct gnttab_map_grant_ref) },
    [GNTTABOP_unmap_grant_ref] = { grant_unmap, sizeof(struct gnttab_unmap_grant_ref) },
    [GNTTABOP_unmap_and_replace] = { grant_unmap_and_replace, sizeof(struct gnttab_unmap_and_replace) },
    [GNTTABOP_copy] = { grant_copy, sizeof(struct gnttab_copy) },
};

static bool is_batch(uint64_t cmd)
{
    return cmd < ARRAY_SIZE(batches) && batches[cmd].run;
}

static long __attribute__((noinline)) other_op(struct domain *d, uint64_t cmd, uint64_t arg, int32_t count)
{
    if (count < 0)
        return refuse(d, XEN_EINVAL, "grant_table_op: %d operations", count);
    if (is_batch(cmd)) {
        if (guest_range_ok(arg, 0) && count == 0)
            return 0;
        return refuse(d, XEN_EFAULT, "grant_table_op %lu: the array lies in the hypervisor", cmd);
    }
    if (cmd == GNTTABOP_transfer)
        return -XEN_EOPNOTSUPP;
    if (cmd >= ARRAY_SIZE(singles) || !singles[cmd])
        return -XEN_ENOSYS;
    return count == 1 ? singles[cmd](d, arg) : -XEN_EINVAL;
}

/* ABI: grant_table_op(cmd, array, count). */
HOT HYPERCALL(grant_table_op)
{
    struct domain *dom = current_domain();
    uint32_t count = (uint32_t)c;

    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (unlikely(!is_batch(a) || count - 1 >= INT32_MAX || !guest_range_ok(b, count * batches[a].size)))
        return other_op(dom, a, b, (int32_t)count);
    return batches[a].run(dom, b, count);
}
