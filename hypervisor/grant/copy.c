/* SPDX-License-Identifier: MIT */
/*
 * Copying between granted frames, or to and from one's own: a back end that moves small pieces pays no mapping.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "lib/string.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"

struct side {
    struct grant grant; /* granter NULL: a frame of its own */
    struct frame *frame;
    bool writes;
};

/* Takes a reference that lets us read, or write, the frame. Returns GNTST_* or HYPERCALL_CONTINUE. */
static int frame_begin(struct side *s, mfn_t m, domid_t owner)
{
    if (!mfn_is_ram(m) || (READ_ONCE(frame_at(m)->state) & FRAME_SPECIAL) || !frame_get(frame_at(m), owner))
        return GNTST_bad_page;
    s->frame = frame_at(m);
    if (!s->writes)
        return GNTST_okay;
    int rc = page_type_get(s->frame, TYPE_WRITABLE);
    frame_put(s->frame);
    return rc && rc != HYPERCALL_CONTINUE ? GNTST_general_error : rc;
}

/* Returns GNTST_* or HYPERCALL_CONTINUE. */
static int side_begin(struct domain *d, struct side *s, const struct gnttab_copy_ptr *p, bool by_ref)
{
    mfn_t m;
    int rc;

    s->grant.granter = NULL;
    if (by_ref) {
        struct domain *granter = p->domid == DOMID_SELF ? d : domain_by_id(p->domid);
        if (!granter || granter->dying)
            return GNTST_bad_domain;
        s->grant = (struct grant){ .granter = granter, .ref = p->u.ref, .readonly = !s->writes };
        rc = grant_use_begin(d, &s->grant);
        if (rc != GNTST_okay) {
            s->grant.granter = NULL;
            return rc;
        }
        m = s->grant.mfn;
    } else {
        if (p->domid != DOMID_SELF)
            return domain_by_id(p->domid) ? GNTST_permission_denied : GNTST_bad_domain;
        m = mfn(p->u.gmfn);
    }
    rc = frame_begin(s, m, by_ref ? s->grant.granter->id : d->id);
    if (rc != GNTST_okay && by_ref)
        grant_use_end(&s->grant);
    return rc;
}

static void side_end(const struct side *s)
{
    if (s->writes)
        page_type_put(s->frame);
    else
        frame_put(s->frame);
    if (s->grant.granter)
        grant_use_end(&s->grant);
}

static int copy_one(struct domain *d, const struct gnttab_copy *op)
{
    struct side from = { .writes = false }, to = { .writes = true };

    if ((unsigned)op->source.offset + op->len > PAGE_SIZE || (unsigned)op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    int status = side_begin(d, &from, &op->source, op->flags & GNTCOPY_source_gref);
    if (status != GNTST_okay)
        return status;
    status = side_begin(d, &to, &op->dest, op->flags & GNTCOPY_dest_gref);
    if (status == GNTST_okay) {
        memmove((uint8_t *)mfn_to_virt(mfn_of_frame(to.frame)) + op->dest.offset,
                (uint8_t *)mfn_to_virt(mfn_of_frame(from.frame)) + op->source.offset, op->len);
        side_end(&to);
    }
    side_end(&from);
    return status;
}

HOT int grant_copy(struct domain *d, uint64_t array, uint64_t count, uint64_t *done)
{
    struct gnttab_copy op;

    for (; *done < count; ++*done) {
        uint64_t at = array + *done * sizeof(op);
        if (*done && unlikely(preempt_needed()))
            return HYPERCALL_CONTINUE;
        if (unlikely(!copy_from_guest(&op, at, sizeof(op))))
            return -XEN_EFAULT;
        int status = copy_one(d, &op);
        if (unlikely(status == HYPERCALL_CONTINUE))
            return status;
        if (unlikely(status != GNTST_okay))
            refuse(d, XEN_EINVAL, "grant copy of %u bytes, flags %x, from d%u to d%u: status %d", op.len,
                   op.flags, op.source.domid, op.dest.domid, status);
        op.status = (int16_t)status;
        if (unlikely(!copy_to_guest(at + offsetof(struct gnttab_copy, status), &op.status, sizeof(op.status))))
            return -XEN_EFAULT;
    }
    return 0;
}
