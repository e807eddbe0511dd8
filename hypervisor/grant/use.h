/* SPDX-License-Identifier: MIT */
/*
 * One use of a granted frame: what it says in the granter's table, and when. The usual case, in line; grant/use.c has
 * all others.
 *
 * The granter may change its entry at any moment, without us, but for this: as long as reading or writing is set,
 * it is in use, and the frame that we read then counts.
 */
#ifndef GRANT_USE_H
#define GRANT_USE_H

#include "grant/grant_table.h"
#include "paging/page_type.h"

/* Both sides of an entry. */
struct grant_sides {
    struct grant_use *use;
    uint32_t *header; /* flags and domid, which change in one step */
};
_Static_assert(offsetof(struct grant_entry_v1, flags) == 0, "flags come first");
_Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "domid behind them: one word");

/* False: the table is shorter. */
static inline bool grant_find(const struct grant_table *t, uint32_t ref, struct grant_sides *e)
{
    uint64_t frame = ref / GRANTS_PER_FRAME, n = ref % GRANTS_PER_FRAME;

    if (unlikely(frame >= READ_ONCE(t->nr_frames)))
        return false;
    *e = (struct grant_sides){ &t->uses[frame][n], (uint32_t *)&t->frames[frame][n] };
    return true;
}

static inline uint32_t grant_header_frame(const uint32_t *header)
{
    return READ_ONCE(((const struct grant_entry_v1 *)header)->frame);
}

/* What an entry must say, for whom and for what, and what we add to it. */
static inline uint32_t grant_header_mask(bool readonly)
{
    return 0xffff0000 | GTF_type_mask | (readonly ? 0 : GTF_readonly);
}

static inline uint32_t grant_header_wanted(const struct domain *user)
{
    return (uint32_t)user->id << 16 | GTF_permit_access;
}

static inline uint32_t grant_header_mark(bool readonly)
{
    return GTF_reading | (readonly ? 0 : GTF_writing);
}

/* The entry is in use from now on, if it is as it must be. seen: what it said; becomes what it says. */
static inline bool grant_header_use(struct domain *user, uint32_t *header, uint32_t *seen, bool readonly)
{
    return (*seen & grant_header_mask(readonly)) == grant_header_wanted(user) &&
           __atomic_compare_exchange_n(header, seen, *seen | grant_header_mark(readonly), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static inline void grant_use_count(struct grant_use *u, bool readonly)
{
    if (readonly)
        u->readers++;
    else
        u->writers++;
}

/* As grant_begin. */
int64_t grant_slow_begin(struct domain *user, struct domain *granter, uint32_t ref, bool readonly);
/* The use is counted, but the frame not held yet; or held, and has another owner. */
int64_t grant_slow_hold(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m);
int64_t grant_hold_again(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m);

/* A granted frame in use: the granter's entry says so, and the frame is held as a mapping holds it. Returns the frame's
 * number, or GNTST_*; HYPERCALL_CONTINUE, if the granter is the user. In line: it is the only use, and all is as it
 * must be. */
static inline __attribute__((always_inline)) int64_t
grant_begin(struct domain *user, struct domain *granter, uint32_t ref, bool readonly)
{
    struct grant_sides e;

    if (unlikely(!grant_find(granter->grants, ref, &e)))
        return grant_slow_begin(user, granter, ref, readonly);
    spin_lock(&e.use->lock);
    uint32_t seen = READ_ONCE(*e.header);
    if (unlikely(e.use->counts || !grant_header_use(user, e.header, &seen, readonly))) {
        spin_unlock(&e.use->lock);
        return grant_slow_begin(user, granter, ref, readonly);
    }
    mfn_t m = mfn(grant_header_frame(e.header));
    e.use->user = user->id;
    e.use->mfn = (uint32_t)m.v;
    grant_use_count(e.use, readonly);
    spin_unlock(&e.use->lock);
    if (unlikely(!frame_hold_fast(m, granter->id, !readonly)))
        return grant_slow_hold(user, granter, ref, readonly, m);
    return likely(frame_at(m)->owner == granter->id) ? (int64_t)m.v
                                                     : grant_hold_again(user, granter, ref, readonly, m);
}

/* The use ends; the frame was given back before. */
static inline __attribute__((always_inline)) void grant_use_end(struct domain *granter, uint32_t ref, bool readonly)
{
    struct grant_sides e;

    if (unlikely(!grant_find(granter->grants, ref, &e)))
        return;
    struct grant_use *u = e.use;
    spin_lock(&u->lock);
    if (readonly)
        u->readers--;
    else
        u->writers--;
    if (likely(!u->counts))
        __atomic_and_fetch(e.header, ~(uint32_t)(GTF_reading | GTF_writing), __ATOMIC_SEQ_CST);
    else if (!u->writers && (READ_ONCE(*e.header) & GTF_writing))
        __atomic_and_fetch(e.header, ~(uint32_t)GTF_writing, __ATOMIC_SEQ_CST);
    spin_unlock(&u->lock);
}

/* The end of what grant_begin began. */
static inline __attribute__((always_inline)) void
grant_end(struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
{
    frame_let_go(m, !readonly);
    grant_use_end(granter, ref, readonly);
}

#endif
