/* SPDX-License-Identifier: MIT */
/*
 * Whose a frame is: lists, quotas, promises.
 *
 * All frames of a domain are on its list from when it gets them until nobody refers to them any more. Pages of ours
 * that it may map (shared_info, its grant table) are not: they are only counted, and outlive the domain if
 * somebody still maps them.
 */
#include "domain/life.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"

static struct spinlock claims_lock = SPINLOCK(LOCK_CLAIMS);
static uint64_t claims; /* pages promised and not yet given */

static void list_frame(struct domain *d, mfn_t m)
{
    struct frame *f = frame_at(m);

    f->prev = FRAME_NONE;
    f->next = d->memory.first_frame;
    if (f->next != FRAME_NONE)
        frame_table[f->next].prev = (uint32_t)m.v;
    d->memory.first_frame = (uint32_t)m.v;
}

static void unlist_frame(struct domain *d, struct frame *f)
{
    uint32_t n = (uint32_t)mfn_of_frame(f).v;

    if (f->prev != FRAME_NONE)
        frame_table[f->prev].next = f->next;
    else if (d->memory.first_frame == n)
        d->memory.first_frame = f->next;
    else
        d->memory.first_dropped = f->next;
    if (f->next != FRAME_NONE)
        frame_table[f->next].prev = f->prev;
}

static void own_frames(struct domain *d, mfn_t m, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        struct frame *f = frame_at(mfn(m.v + i));
        list_frame(d, mfn(m.v + i));
        f->owner = d->id;
        /* Last: from here on others may take references. */
        __atomic_store_n(&f->state, FRAME_ALLOCATED | FRAME_REF_ONE, __ATOMIC_RELEASE);
    }
}

/* Counts pages as the domain's, if its quota allows; a domain that dies gets none. */
static bool quota_take(struct domain *d, uint64_t nr)
{
    spin_lock(&d->paging.lock);
    bool fits = !d->dying && d->memory.nr_pages + nr <= d->memory.max_pages;
    if (fits)
        d->memory.nr_pages += nr;
    spin_unlock(&d->paging.lock);
    return fits;
}

/* Gives the frames to the domain, or takes their number off again. */
static bool quota_settle(struct domain *d, mfn_t m, uint64_t nr)
{
    spin_lock(&d->paging.lock);
    bool given = m.v != MFN_NONE.v && !d->dying;
    if (given)
        own_frames(d, m, nr);
    else
        d->memory.nr_pages -= nr;
    spin_unlock(&d->paging.lock);
    return given;
}

/* What others were promised is not to be had. */
static mfn_t alloc_unclaimed(struct domain *d, unsigned order, unsigned address_bits)
{
    uint64_t nr = 1UL << order;
    mfn_t m = MFN_NONE;

    spin_lock(&claims_lock);
    uint64_t own = MIN(d->memory.claimed, nr);
    if (frames_free() + own >= claims + nr)
        m = frame_alloc(order, address_bits);
    if (m.v != MFN_NONE.v) {
        d->memory.claimed -= own;
        claims -= own;
    }
    spin_unlock(&claims_lock);
    return m;
}

mfn_t domain_alloc_frames(struct domain *d, unsigned order, unsigned address_bits)
{
    uint64_t nr = 1UL << order;

    if (!quota_take(d, nr))
        return MFN_NONE;
    mfn_t m = alloc_unclaimed(d, order, address_bits);
    if (quota_settle(d, m, nr))
        return m;
    if (m.v != MFN_NONE.v)
        frame_free(m, order);
    domain_may_be_gone(d);
    return MFN_NONE;
}

void domain_claim_release(struct domain *d)
{
    spin_lock(&claims_lock);
    claims -= d->memory.claimed;
    d->memory.claimed = 0;
    spin_unlock(&claims_lock);
}

int domain_claim(struct domain *d, uint64_t nr_pages)
{
    int rc = 0;

    spin_lock(&claims_lock);
    uint64_t has = d->memory.nr_pages, free = frames_free();
    if (d->dying || d->memory.claimed || nr_pages <= has || nr_pages > d->memory.max_pages)
        rc = -XEN_EINVAL;
    else if (claims > free || nr_pages - has > free - claims)
        rc = -XEN_ENOMEM;
    else
        claims += d->memory.claimed = nr_pages - has;
    spin_unlock(&claims_lock);
    return rc;
}

uint64_t domain_claims(void)
{
    return READ_ONCE(claims);
}

void domain_adopt_frames(struct domain *d, mfn_t m, unsigned order)
{
    spin_lock(&d->paging.lock);
    own_frames(d, m, 1UL << order);
    spin_unlock(&d->paging.lock);
}

void domain_disown_frame(struct domain *d, struct frame *f)
{
    f->tlb_stamp = tlb_clock_now();
    spin_lock(&d->paging.lock);
    unlist_frame(d, f);
    spin_unlock(&d->paging.lock);
    m2p_set(mfn_of_frame(f), M2P_INVALID);
}

bool domain_give_up_frame(struct domain *d, mfn_t m)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), d->id))
        return false;
    bool was = !(READ_ONCE(frame_at(m)->state) & FRAME_SPECIAL) && frame_drop_allocation(frame_at(m));
    frame_put(frame_at(m));
    return was;
}

bool domain_name_frame(struct domain *d, mfn_t m, uint64_t pfn)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), d->id))
        return false;
    m2p_set(m, pfn);
    frame_put(frame_at(m));
    return true;
}

void domain_frame_released(struct frame *f, bool special)
{
    struct domain *d;

    if (special) {
        domain_special_released(f->owner);
        return;
    }
    d = domain_by_id(f->owner);
    spin_lock(&d->paging.lock);
    unlist_frame(d, f);
    d->memory.nr_pages--;
    spin_unlock(&d->paging.lock);
    m2p_set(mfn_of_frame(f), M2P_INVALID);
    domain_may_be_gone(d);
}

struct frame *domain_drop_next_frame(struct domain *d)
{
    struct frame *f = NULL;

    spin_lock(&d->paging.lock);
    uint32_t n = d->memory.first_frame;
    if (n != FRAME_NONE && frame_get(&frame_table[n], d->id)) {
        f = &frame_table[n];
        unlist_frame(d, f);
        f->prev = FRAME_NONE;
        f->next = d->memory.first_dropped;
        if (f->next != FRAME_NONE)
            frame_table[f->next].prev = n;
        d->memory.first_dropped = n;
    }
    spin_unlock(&d->paging.lock);
    return f;
}

/* --- Pages of ours that a domain may map -------------------------------------------------------- */

void *domain_special_page_alloc(struct domain *d)
{
    void *page = heap_alloc(PAGE_SIZE);

    if (!page)
        return NULL;
    struct frame *f = frame_at(virt_to_mfn(page));
    __atomic_add_fetch(&d->memory.nr_special, 1, __ATOMIC_SEQ_CST);
    f->owner = d->id;
    __atomic_store_n(&f->state, FRAME_SPECIAL | FRAME_REF_ONE, __ATOMIC_RELEASE); /* the reference is ours */
    return page;
}

void domain_special_page_free(struct domain *d, void *page)
{
    (void)d;
    frame_put(frame_at(virt_to_mfn(page)));
}
