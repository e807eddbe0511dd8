/* SPDX-License-Identifier: MIT */
/*
 * One use of a granted frame: what it says in the granter's table, and when.
 *
 * The granter may change its entry at any moment, without us, but for this: as long as reading or writing is set,
 * it is in use, and the frame that we read then counts.
 */
#include "domain/refuse.h"
#include "grant/grant_table.h"
#include "paging/page_type.h"

#define ATTEMPTS 5U /* the granter changes the entry again and again: its loss */

/* Both sides of an entry. */
struct entry {
    struct grant_use *use;
    uint32_t *header; /* flags and domid, which change in one step */
};
_Static_assert(offsetof(struct grant_entry_v1, flags) == 0, "flags come first");
_Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "domid behind them: one word");

/* False: the table is shorter. */
static inline bool find(const struct grant_table *t, uint32_t ref, struct entry *e)
{
    uint64_t frame = ref / GRANTS_PER_FRAME, n = ref % GRANTS_PER_FRAME;

    if (unlikely(frame >= READ_ONCE(t->nr_frames)))
        return false;
    *e = (struct entry){ &t->uses[frame][n], (uint32_t *)&t->frames[frame][n] };
    return true;
}

static inline uint32_t frame_of(const uint32_t *header)
{
    return READ_ONCE(((const struct grant_entry_v1 *)header)->frame);
}

/* What an entry must say, for whom and for what, and what we add to it. */
static inline uint32_t entry_mask(bool readonly)
{
    return 0xffff0000 | GTF_type_mask | (readonly ? 0 : GTF_readonly);
}

static inline uint32_t entry_wanted(const struct domain *user)
{
    return (uint32_t)user->id << 16 | GTF_permit_access;
}

static inline uint32_t entry_mark(bool readonly)
{
    return GTF_reading | (readonly ? 0 : GTF_writing);
}

/* The entry is in use from now on, if it is as it must be. seen: what it said; becomes what it says. */
static inline bool entry_use(struct domain *user, uint32_t *header, uint32_t *seen, bool readonly)
{
    return (*seen & entry_mask(readonly)) == entry_wanted(user) &&
           __atomic_compare_exchange_n(header, seen, *seen | entry_mark(readonly), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static int entry_use_slow(struct domain *user, uint32_t *header, bool readonly)
{
    uint32_t seen = READ_ONCE(*header);

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (entry_use(user, header, &seen, readonly))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

static inline void use_count(struct grant_use *u, bool readonly)
{
    if (readonly)
        u->readers++;
    else
        u->writers++;
}

static inline void use_end(const struct entry *e, bool readonly)
{
    struct grant_use *u = e->use;

    spin_lock(&u->lock);
    if (readonly)
        u->readers--;
    else
        u->writers--;
    if (likely(!u->counts))
        __atomic_and_fetch(e->header, ~(uint32_t)(GTF_reading | GTF_writing), __ATOMIC_SEQ_CST);
    else if (!u->writers && (READ_ONCE(*e->header) & GTF_writing))
        __atomic_and_fetch(e->header, ~(uint32_t)GTF_writing, __ATOMIC_SEQ_CST);
    spin_unlock(&u->lock);
}

/* The frame could not be held at once. What the granter does with it is not waited for: it could do that for ever. */
static int64_t __attribute__((noinline))
hold_slow(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
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
static int64_t __attribute__((noinline))
hold_again(struct domain *user, struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
{
    frame_let_go(m, !readonly);
    return hold_slow(user, granter, ref, readonly, m);
}

/* Somebody uses it already, and that is to go on as it was granted; or it is not as it was a moment ago. */
static int use_begin_slow(struct domain *user, const struct entry *e, bool readonly, mfn_t *m)
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
        status = entry_use_slow(user, e->header, readonly);
    if (status == GNTST_okay) {
        if (first) {
            u->user = user->id;
            u->mfn = frame_of(e->header);
        }
        use_count(u, readonly);
        *m = mfn(u->mfn);
    }
    spin_unlock(&u->lock);
    return status;
}

static int64_t __attribute__((noinline))
begin_slow(struct domain *user, struct domain *granter, uint32_t ref, bool readonly)
{
    struct entry e;
    mfn_t m;

    if (!find(granter->grants, ref, &e)) {
        refuse(user, XEN_EINVAL, "grant %u of d%u: its table is shorter", ref, granter->id);
        return GNTST_bad_gntref;
    }
    int status = use_begin_slow(user, &e, readonly, &m);
    if (status == GNTST_okay)
        return hold_slow(user, granter, ref, readonly, m);
    uint32_t says = READ_ONCE(*e.header);
    refuse(user, XEN_EINVAL, "grant %u of d%u: flags %x, for d%u", ref, granter->id, says & 0xffff, says >> 16);
    return status;
}

/* The usual case, without a call: it is the only use, all is as it must be. */
HOT int64_t grant_begin(struct domain *user, struct domain *granter, uint32_t ref, bool readonly)
{
    struct entry e;

    if (unlikely(!find(granter->grants, ref, &e)))
        return begin_slow(user, granter, ref, readonly);
    spin_lock(&e.use->lock);
    uint32_t seen = READ_ONCE(*e.header);
    if (unlikely(e.use->counts || !entry_use(user, e.header, &seen, readonly))) {
        spin_unlock(&e.use->lock);
        return begin_slow(user, granter, ref, readonly);
    }
    mfn_t m = mfn(frame_of(e.header));
    e.use->user = user->id;
    e.use->mfn = (uint32_t)m.v;
    use_count(e.use, readonly);
    spin_unlock(&e.use->lock);
    if (unlikely(!frame_hold_fast(m, granter->id, !readonly)))
        return hold_slow(user, granter, ref, readonly, m);
    return likely(frame_at(m)->owner == granter->id) ? (int64_t)m.v
                                                     : hold_again(user, granter, ref, readonly, m);
}

HOT void grant_use_end(struct domain *granter, uint32_t ref, bool readonly)
{
    struct entry e;

    if (likely(find(granter->grants, ref, &e)))
        use_end(&e, readonly);
}

HOT void grant_end(struct domain *granter, uint32_t ref, bool readonly, mfn_t m)
{
    frame_let_go(m, !readonly);
    grant_use_end(granter, ref, readonly);
}
