/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain.
 *
 * Nobody takes references to domains. Instead: what domain_by_id answers is good until the processor returns to a
 * guest or idles, which we call a rest. dying tells all that come later to keep off; after one rest of all processors
 * nobody is left who did not see it, and the domain can be taken apart. Its memory goes in another rest, when
 * nothing leads to it any more.
 */
#include "domain/domain.h"
#include "domain/life.h"
#include "domain/vcpu.h"
#include "event/virq.h"
#include "grant/grant_table.h"
#include "memory/frame_alloc.h"
#include "paging/descriptors.h"
#include "paging/page_type.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "sched/switch.h"

static struct spinlock dead_lock = SPINLOCK(LOCK_DOMAIN_LIST);
static struct domain *dead;     /* to be buried in the next rest */
static struct domain *lingering; /* buried, but for pages that somebody maps */
static uint32_t rests;

static void count_rest(void)
{
    __atomic_add_fetch(&rests, 1, __ATOMIC_SEQ_CST);
}

/* --- Burial ------------------------------------------------------------------------------------- */

static void free_what_is_ours(struct domain *d)
{
    while (d->nr_vcpus)
        vcpu_free(d->vcpus[--d->nr_vcpus]);
    domain_events_free(d);
    heap_free(d->memory.map, PAGE_SIZE);
    domain_unpublish(d);
    /* From here on the last one to unmap one of these may free the domain. One stays back until we are done. */
    __atomic_add_fetch(&d->memory.nr_special, 1, __ATOMIC_SEQ_CST);
    spin_lock(&dead_lock);
    d->next_dead = lingering;
    lingering = d;
    spin_unlock(&dead_lock);
    grant_table_destroy(d);
    domain_special_page_free(d, d->shared_info);
    domain_special_released(d->id);
}

static struct domain *take_dead(void)
{
    spin_lock(&dead_lock);
    struct domain *d = dead;
    if (d)
        dead = d->next_dead;
    spin_unlock(&dead_lock);
    return d;
}

/* In a rest. To bury one may be the end of another, which is taken next. */
static void bury(void)
{
    struct domain *d;

    while ((d = take_dead())) {
        free_what_is_ours(d);
        virq_raise_global(VIRQ_DOM_EXC);
    }
}

void domain_may_be_gone(struct domain *d)
{
    /* Who ends it writes end and reads the number, who gives the last page back writes the number and reads end: one
     * of them sees both. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (READ_ONCE(d->end) != END_DONE || READ_ONCE(d->memory.nr_pages))
        return;
    spin_lock(&dead_lock);
    bool first = d->end == END_DONE;
    if (first) {
        d->end = END_BURIED;
        d->next_dead = dead;
        dead = d;
    }
    spin_unlock(&dead_lock);
    if (first)
        stop_machine_soon(bury);
}

bool domain_id_lingers(unsigned id)
{
    bool found = false;

    spin_lock(&dead_lock);
    for (struct domain *d = lingering; d; d = d->next_dead)
        found |= d->id == id;
    spin_unlock(&dead_lock);
    return found;
}

void domain_special_released(domid_t id)
{
    struct domain **at = &lingering, *gone = NULL;

    spin_lock(&dead_lock);
    while (*at && (*at)->id != id)
        at = &(*at)->next_dead;
    struct domain *alive = *at ? NULL : domain_by_id(id);
    if (alive) /* a page that nobody wanted in the end */
        __atomic_sub_fetch(&alive->memory.nr_special, 1, __ATOMIC_SEQ_CST);
    if (*at && !__atomic_sub_fetch(&(*at)->memory.nr_special, 1, __ATOMIC_SEQ_CST)) {
        gone = *at;
        *at = gone->next_dead;
    }
    spin_unlock(&dead_lock);
    heap_free(gone, sizeof(*gone));
}

/* --- Step by step ------------------------------------------------------------------------------- */

static void begin(struct domain *d)
{
    spin_lock(&d->paging.lock); /* orders it with those who add frames */
    d->dying = true;
    spin_unlock(&d->paging.lock);
    domain_pause(d);
    domain_claim_release(d);
    virq_forget_handler(d);
}

/* Senders take no lock: one may have looked for the vCPU's page just before its port was closed. */
static void leave_guest_pages(struct domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++)
        __atomic_store_n(&d->vcpus[i]->info, &d->shared_info->vcpu_info[i], __ATOMIC_SEQ_CST);
}

static bool unpin(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    while ((seen & FRAME_PINNED) && !frame_state_swap(f, &seen, seen & ~FRAME_PINNED))
        ;
    return seen & FRAME_PINNED;
}

/* Each frame loses what the domain holds of it. True: all have. */
static bool drop_frames(struct domain *d)
{
    struct frame *f;
    unsigned n = 0;

    while ((f = domain_drop_next_frame(d))) {
        if (unpin(f))
            page_type_put(f);
        page_type_doom_partial(f);
        frame_drop_allocation(f);
        frame_put(f);
        if (++n % 32 == 0 && preempt_needed())
            return false;
    }
    return READ_ONCE(d->memory.first_frame) == FRAME_NONE;
}

/* Does one step. True: it is done, and the next one's turn. */
static bool step(struct domain *d)
{
    switch (d->end) {
    case END_NOT:
        begin(d);
        return true;
    case END_EVENTS:
        if (!domain_events_close(d))
            return false;
        leave_guest_pages(d);
        d->end_progress = READ_ONCE(rests);
        stop_machine_soon(count_rest);
        return true;
    case END_REST:
        return READ_ONCE(rests) != d->end_progress;
    case END_VCPUS:
        domain_forget_roots(d);
        for (unsigned i = 0; i < d->nr_vcpus; i++)
            vcpu_release(d->vcpus[i]);
        d->end_progress = 0;
        return true;
    case END_GRANTS:
        return grant_table_release(d, &d->end_progress);
    case END_FRAMES:
        return drop_frames(d);
    case END_TABLES:
        return page_type_drain(d) && !READ_ONCE(d->paging.drops_running);
    case END_DONE:
    case END_BURIED:
        break;
    }
    return false;
}

int domain_destroy(struct domain *d)
{
    while (d->end < END_DONE) {
        if (!step(d))
            return HYPERCALL_CONTINUE;
        d->end++;
        if (d->end < END_DONE && preempt_needed())
            return HYPERCALL_CONTINUE;
    }
    domain_may_be_gone(d);
    return 0;
}
