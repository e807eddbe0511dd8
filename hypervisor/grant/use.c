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

static int __attribute__((noinline)) entry_refused(struct domain *user, uint32_t header)
{
    refuse(user, XEN_EINVAL, "a grant with flags %x, for d%u", header & 0xffff, header >> 16);
    return GNTST_general_error;
}

/* Says in the entry that it is in use. */
static inline int entry_mark(struct domain *user, uint32_t *header, bool readonly)
{
    const uint32_t mark = readonly ? GTF_reading : GTF_reading | GTF_writing;
    const uint32_t mask = readonly ? GTF_type_mask | 0xffff0000 : GTF_type_mask | GTF_readonly | 0xffff0000;
    const uint32_t wanted = GTF_permit_access | (uint32_t)user->id << 16;
    uint32_t seen = READ_ONCE(*header);

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (unlikely((seen & mask) != wanted))
            return entry_refused(user, seen);
        if (likely(__atomic_compare_exchange_n(header, &seen, seen | mark, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST)))
            return GNTST_okay;
    }
    refuse(user, XEN_EAGAIN, "a grant that does not stay the same");
    return GNTST_general_error;
}

/* Somebody uses it already: that is to go on as it was granted. */
static int __attribute__((noinline))
use_another(struct domain *user, struct grant_use *u, uint32_t *header, bool readonly)
{
    if (u->user != user->id)
        return GNTST_general_error;
    if ((unsigned)u->readers + u->writers == UINT16_MAX)
        return GNTST_no_space;
    return !readonly && !u->writers ? entry_mark(user, header, false) : GNTST_okay;
}

/* Returns GNTST_*, and the frame. */
static inline int use_begin(struct domain *user, const struct entry *e, bool readonly, mfn_t *m)
{
    struct grant_use *u = e->use;
    int status;

    spin_lock(&u->lock);
    if (likely(!(u->readers | u->writers))) {
        status = entry_mark(user, e->header, readonly);
        u->user = user->id;
        u->mfn = frame_of(e->header);
    } else {
        status = use_another(user, u, e->header, readonly);
    }
    if (likely(status == GNTST_okay)) {
        if (readonly)
            u->readers++;
        else
            u->writers++;
        *m = mfn(u->mfn);
    }
    spin_unlock(&u->lock);
    return status;
}

static inline void use_end(const struct entry *e, bool readonly)
{
    struct grant_use *u = e->use;

    spin_lock(&u->lock);
    if (readonly)
        u->readers--;
    else
        u->writers--;
    if (!u->writers) {
        uint32_t over = u->readers ? GTF_writing : GTF_reading | GTF_writing;
        if (READ_ONCE(*e->header) & over)
            __atomic_and_fetch(e->header, ~over, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&u->lock);
}

/* The frame could not be held. What the granter does with it is not waited for: it could do that for ever. */
static int64_t __attribute__((noinline))
hold_refused(struct domain *user, const struct domain *granter, uint32_t ref, mfn_t m, int rc)
{
    if (rc == HYPERCALL_CONTINUE)
        return user == granter ? rc : GNTST_eagain;
    refuse(user, -rc, "grant %u of d%u: frame %lx %s", ref, granter->id, m.v,
           rc == -XEN_EACCES ? "is not its to grant" : "is in use otherwise");
    return rc == -XEN_EACCES ? GNTST_bad_page : GNTST_general_error;
}

HOT int64_t grant_begin(struct domain *user, struct domain *granter, uint32_t ref, bool readonly)
{
    struct entry e;
    mfn_t m;

    if (unlikely(!find(granter->grants, ref, &e))) {
        refuse(user, XEN_EINVAL, "grant %u of d%u: its table is shorter", ref, granter->id);
        return GNTST_bad_gntref;
    }
    int status = use_begin(user, &e, readonly, &m);
    if (unlikely(status != GNTST_okay))
        return status;
    int rc = frame_hold(m, granter->id, !readonly);
    if (likely(!rc))
        return (int64_t)m.v;
    use_end(&e, readonly);
    return hold_refused(user, granter, ref, m, rc);
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
