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

/* Where both sides of the entry stand. False: the table is shorter. */
static inline bool find(const struct grant *g, struct grant_use **use, uint32_t **header)
{
    _Static_assert(offsetof(struct grant_entry_v1, flags) == 0, "flags come first");
    _Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "domid behind them: one word");
    struct grant_table *t = g->granter->grants;
    unsigned frame = g->ref / GRANTS_PER_FRAME, n = g->ref % GRANTS_PER_FRAME;

    if (unlikely(frame >= READ_ONCE(t->nr_frames)))
        return false;
    *use = &t->uses[frame][n];
    *header = (uint32_t *)&t->frames[frame][n];
    return true;
}

static inline uint32_t frame_of(const uint32_t *header)
{
    return READ_ONCE(((const struct grant_entry_v1 *)header)->frame);
}

static int __attribute__((noinline)) entry_refused(struct domain *user, const struct grant *g, uint32_t header)
{
    refuse(user, XEN_EINVAL, "grant %u of d%u: flags %x, for d%u", g->ref, g->granter->id,
           header & 0xffff, header >> 16);
    return GNTST_general_error;
}

/* Says in the entry that it is in use. flags and domid change in one step. */
static inline int entry_mark(struct domain *user, const struct grant *g, uint32_t *header)
{
    const uint32_t mark = g->readonly ? GTF_reading : GTF_reading | GTF_writing;
    const uint32_t mask = GTF_type_mask | 0xffff0000 | (g->readonly ? 0 : GTF_readonly);
    const uint32_t wanted = GTF_permit_access | (uint32_t)user->id << 16;
    uint32_t seen = READ_ONCE(*header);

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (unlikely((seen & mask) != wanted))
            return entry_refused(user, g, seen);
        if (likely(__atomic_compare_exchange_n(header, &seen, seen | mark, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST)))
            return GNTST_okay;
    }
    refuse(user, XEN_EAGAIN, "grant %u of d%u does not stay the same", g->ref, g->granter->id);
    return GNTST_general_error;
}

/* Somebody uses it already: that is to go on as it was granted. */
static int __attribute__((noinline))
use_another(struct domain *user, const struct grant *g, struct grant_use *u, uint32_t *header)
{
    if (u->user != user->id)
        return GNTST_general_error;
    if ((unsigned)u->readers + u->writers == UINT16_MAX)
        return GNTST_no_space;
    return !g->readonly && !u->writers ? entry_mark(user, g, header) : GNTST_okay;
}

HOT int grant_use_begin(struct domain *user, struct grant *g)
{
    struct grant_use *u;
    uint32_t *header;
    int status;

    if (unlikely(!find(g, &u, &header))) {
        refuse(user, XEN_EINVAL, "grant %u of d%u: its table is shorter", g->ref, g->granter->id);
        return GNTST_bad_gntref;
    }
    spin_lock(&u->lock);
    if (likely(!(u->readers | u->writers))) {
        status = entry_mark(user, g, header);
        u->user = user->id;
        u->mfn = frame_of(header);
    } else {
        status = use_another(user, g, u, header);
    }
    if (likely(status == GNTST_okay)) {
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
    struct grant_use *u;
    uint32_t *header;

    if (unlikely(!find(g, &u, &header)))
        return;
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
