/* SPDX-License-Identifier: MIT */
/*
 * Uses of a granted frame that are not the usual ones: of a frame that is in use already, of an entry or a frame that
 * changes meanwhile, and those that are refused.
 */
#include "grant/use.h"
#include "domain/refuse.h"

#define ATTEMPTS 5U /* the granter changes the entry again and again: its loss */

static int header_use_slow(struct domain *user, uint32_t *header, bool readonly)
{
    uint32_t seen = READ_ONCE(*header);

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (grant_header_use(user, header, &seen, readonly))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* The frame could not be held at once. What the granter does with it is not waited for: it could do that for ever. */
int64_t grant_slow_hold(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
{
    int rc = HYPERCALL_CONTINUE;

    for (unsigned i = 0; rc == HYPERCALL_CONTINUE && i < ATTEMPTS; i++)
        rc = frame_hold(m, granter->id, !readonly);
    if (!rc)
        return (int64_t)m.v;
    grant_use_end(granter, ref, readonly);
    if (rc == HYPERCALL_CONTINUE)
        return user == granter ? rc : GNTST_eagain;
    refuse(user, -rc, "grant %u of d%u: frame %lx %s", ref, granter->id, m.v,
           rc == -XEN_EACCES ? "is not its to grant" : "is in use otherwise");
    return rc == -XEN_EACCES ? GNTST_bad_page : GNTST_general_error;
}

/* It changed hands between the look and the reference. */
int64_t grant_hold_again(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
{
    frame_let_go(m, !readonly);
    return grant_slow_hold(user, granter, ref, readonly, m);
}

/* Somebody uses it already, and that is to go on as it was granted; or it is not as it was a moment ago. */
static int use_begin_slow(struct domain *user, const struct grant_sides *e, bool readonly, mfn_t *m)
{
    struct grant_use *u = e->use;
    int status = GNTST_okay;

    spin_lock(&u->lock);
    bool first = !u->readers && !u->writers;
    if (!first && u->user != user->id)
        status = GNTST_general_error;
    else if ((unsigned)u->readers + u->writers == UINT16_MAX)
        status = GNTST_no_space;
    else if (first || (!readonly && !u->writers))
        status = header_use_slow(user, e->header, readonly);
    if (status == GNTST_okay) {
        if (first) {
            u->user = user->id;
            u->mfn = grant_header_frame(e->header);
        }
        grant_use_count(u, readonly);
        *m = mfn(u->mfn);
    }
    spin_unlock(&u->lock);
    return status;
}

int64_t grant_slow_begin(struct domain *user, struct domain *granter, uint32_t ref, bool readonly)
{
    struct grant_sides e;
    mfn_t m;

    if (!grant_find(granter->grants, ref, &e)) {
        refuse(user, XEN_EINVAL, "grant %u of d%u: its table is shorter", ref, granter->id);
        return GNTST_bad_gntref;
    }
    int status = use_begin_slow(user, &e, readonly, &m);
    if (status == GNTST_okay)
        return grant_slow_hold(user, granter, ref, readonly, m);
    uint32_t says = READ_ONCE(*e.header);
    refuse(user, XEN_EINVAL, "grant %u of d%u: flags %x, for d%u", ref, granter->id, says & 0xffff, says >> 16);
    return status;
}
