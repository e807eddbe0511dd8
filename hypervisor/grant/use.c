/* SPDX-License-Identifier: MIT */
/*
 * One use of a granted frame: what it says in the granter's table, and when.
 *
 * The granter may change its entry at any moment, without us, but for this: as long as reading or writing is set,
 * it is in use, and the frame that we read then counts.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"

#define ATTEMPTS 5U /* the granter changes the entry again and again: its loss */

static struct grant_use *use_of(struct domain *granter, uint32_t ref)
{
    struct grant_table *t = granter->grants;

    if (unlikely(ref >= READ_ONCE(t->nr_frames) * GRANTS_PER_FRAME))
        return NULL;
    return &t->uses[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

static struct grant_entry_v1 *entry_of(struct domain *granter, uint32_t ref)
{
    return &granter->grants->frames[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* flags and domid are one word, that changes in one step. */
static inline uint32_t *header_of(struct grant_entry_v1 *e)
{
    _Static_assert(offsetof(struct grant_entry_v1, flags) == 0, "flags come first");
    _Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "domid behind them");
    return (uint32_t *)e;
}

static int __attribute__((noinline)) entry_refused(struct domain *user, const struct grant *g, uint32_t header)
{
    refuse(user, XEN_EINVAL, "grant %u of d%u: flags %x, for d%u", g->ref, g->granter->id,
           header & 0xffff, header >> 16);
    return GNTST_general_error;
}

/* Says in the entry that it is in use. */
static inline int entry_mark(struct domain *user, const struct grant *g, struct grant_entry_v1 *e)
{
    uint32_t header = READ_ONCE(*header_of(e));
    uint32_t mark = g->readonly ? GTF_reading : GTF_reading | GTF_writing;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (unlikely((header & GTF_type_mask) != GTF_permit_access || header >> 16 != user->id ||
                     (!g->readonly && (header & GTF_readonly))))
            return entry_refused(user, g, header);
        if (likely(__atomic_compare_exchange_n(header_of(e), &header, header | mark, false,
                                               __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)))
            return GNTST_okay;
    }
    refuse(user, XEN_EAGAIN, "grant %u of d%u does not stay the same", g->ref, g->granter->id);
    return GNTST_general_error;
}

HOT int grant_use_begin(struct domain *user, struct grant *g)
{
    struct grant_use *u = use_of(g->granter, g->ref);
    int status = GNTST_okay;

    if (unlikely(!u)) {
        refuse(user, XEN_EINVAL, "grant %u of d%u: its table is shorter", g->ref, g->granter->id);
        return GNTST_bad_gntref;
    }
    spin_lock(&u->lock);
    unsigned uses = u->readers + u->writers;
    if (uses && unlikely(u->user != user->id || uses == UINT16_MAX))
        status = u->user != user->id ? GNTST_general_error : GNTST_no_space;
    else if (!uses || (!g->readonly && !u->writers))
        status = entry_mark(user, g, entry_of(g->granter, g->ref));
    if (likely(status == GNTST_okay)) {
        if (!uses) {
            u->user = user->id;
            u->mfn = READ_ONCE(entry_of(g->granter, g->ref)->frame);
        }
        if (g->readonly)
            u->readers++;
        else
            u->writers++;
        g->mfn = mfn(u->mfn);
    }
    spin_unlock(&u->lock);
    return status;
}

HOT void grant_use_end(const struct grant *g)
{
    struct grant_use *u = use_of(g->granter, g->ref);
    uint32_t *header = header_of(entry_of(g->granter, g->ref));

    spin_lock(&u->lock);
    if (g->readonly)
        u->readers--;
    else
        u->writers--;
    if (!u->writers) {
        uint32_t over = u->readers ? GTF_writing : GTF_reading | GTF_writing;
        if (READ_ONCE(*header) & over)
            __atomic_and_fetch(header, ~over, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&u->lock);
}
