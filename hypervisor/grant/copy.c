/* SPDX-License-Identifier: MIT */
/*
 * Copying between granted frames, or to and from one's own: a back end that moves small pieces pays no mapping.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "grant/use.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"

/* One side of a copy: a granted frame, or one's own. */
struct side {
    const struct gnttab_copy_ptr *p;
    struct domain *granter; /* NULL: its own */
    bool write;
};

/* Either kind of use has code of its own, out of line: in line, both would want the same few registers. */
HOT static int64_t __attribute__((noinline)) read_begin(struct domain *d, struct domain *granter, uint32_t ref)
{
    return grant_begin(d, granter, ref, true);
}

HOT static int64_t __attribute__((noinline)) write_begin(struct domain *d, struct domain *granter, uint32_t ref)
{
    return grant_begin(d, granter, ref, false);
}

HOT static void __attribute__((noinline)) read_end(struct domain *granter, uint32_t ref, mfn_t m)
{
    grant_end(granter, ref, true, m);
}

HOT static void __attribute__((noinline)) write_end(struct domain *granter, uint32_t ref, mfn_t m)
{
    grant_end(granter, ref, false, m);
}

/* All three return the frame's number, GNTST_* or HYPERCALL_CONTINUE. */
static inline __attribute__((always_inline)) int64_t granted_begin(struct domain *d, struct side *s)
{
    s->granter = s->p->domid == DOMID_SELF ? d : domain_by_id(s->p->domid);
    if (unlikely(!s->granter || s->granter->dying))
        return GNTST_bad_domain;
    return s->write ? write_begin(d, s->granter, s->p->u.ref) : read_begin(d, s->granter, s->p->u.ref);
}

static inline __attribute__((always_inline)) int64_t own_begin(struct domain *d, struct side *s)
{
    s->granter = NULL;
    if (unlikely(s->p->domid != DOMID_SELF))
        return domain_by_id(s->p->domid) ? GNTST_permission_denied : GNTST_bad_domain;
    int rc = frame_hold(mfn(s->p->u.gmfn), d->id, s->write);
    if (likely(!rc))
        return (int64_t)s->p->u.gmfn;
    return rc == HYPERCALL_CONTINUE ? rc : rc == -XEN_EACCES ? GNTST_bad_page : GNTST_general_error;
}

static inline __attribute__((always_inline)) int64_t side_begin(struct domain *d, struct side *s, bool by_ref)
{
    return by_ref ? granted_begin(d, s) : own_begin(d, s);
}

static inline __attribute__((always_inline)) void side_end(const struct side *s, mfn_t m)
{
    if (!s->granter)
        frame_let_go(m, s->write);
    else if (s->write)
        write_end(s->granter, s->p->u.ref, m);
    else
        read_end(s->granter, s->p->u.ref, m);
}

static inline int copy_one(struct domain *d, const struct gnttab_copy *op)
{
    struct side source = { &op->source, NULL, false }, dest = { &op->dest, NULL, true };

    if (unlikely((unsigned)op->source.offset + op->len > PAGE_SIZE ||
                 (unsigned)op->dest.offset + op->len > PAGE_SIZE))
        return GNTST_bad_copy_arg;
    int64_t from = side_begin(d, &source, op->flags & GNTCOPY_source_gref);
    if (unlikely(from < 0))
        return (int)from;
    int64_t to = side_begin(d, &dest, op->flags & GNTCOPY_dest_gref);
    if (likely(to >= 0)) {
        memmove((uint8_t *)mfn_to_virt(mfn((uint64_t)to)) + op->dest.offset,
                (uint8_t *)mfn_to_virt(mfn((uint64_t)from)) + op->source.offset, op->len);
        side_end(&dest, mfn((uint64_t)to));
    }
    side_end(&source, mfn((uint64_t)from));
    return likely(to >= 0) ? GNTST_okay : (int)to;
}

static void __attribute__((noinline)) copy_refused(struct domain *d, const struct gnttab_copy *op, int status)
{
    refuse(d, XEN_EINVAL, "grant copy of %u bytes, flags %x, from d%u to d%u: status %d", op->len, op->flags,
           op->source.domid, op->dest.domid, status);
}

HOT long grant_copy(struct domain *d, uint64_t at, uint64_t count)
{
    union {
        struct gnttab_copy op;
        uint64_t words[5];
    } u;
    _Static_assert(sizeof(u.op) == sizeof(u.words), "whole words");

    while (likely(guest_load_words(at, u.words, 5))) {
        int status = copy_one(d, &u.op);
        if (unlikely(status == HYPERCALL_CONTINUE))
            return hypercall_again(3, GNTTABOP_copy, at, count, 0);
        if (unlikely(status != GNTST_okay))
            copy_refused(d, &u.op, status);
        u.op.status = (int16_t)status;
        if (unlikely(!guest_store64(at + 32, u.words[4])))
            break;
        at += sizeof(u.op);
        if (!--count)
            return 0;
        if (unlikely(preempt_needed()))
            return hypercall_again(3, GNTTABOP_copy, at, count, 0);
    }
    return -XEN_EFAULT;
}
