/* SPDX-License-Identifier: MIT */
#include <xen/sched.h>
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/vcpu.h"
#include "lib/check.h"
#include "lib/format.h"
#include "machine/paging_bits.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "trace/log.h"

static struct domain *domains[MAX_DOMAINS];
struct domain *dom0;

struct domain *domain_by_id(unsigned id)
{
    return likely(id < MAX_DOMAINS) ? __atomic_load_n(&domains[id], __ATOMIC_ACQUIRE) : NULL;
}

/* --- Frames ------------------------------------------------------------------------------------- */

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
    if (f->prev == FRAME_NONE)
        d->memory.first_frame = f->next;
    else
        frame_table[f->prev].next = f->next;
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

mfn_t domain_alloc_frames(struct domain *d, unsigned order, unsigned address_bits)
{
    uint64_t nr = 1UL << order;

    spin_lock(&d->paging.lock);
    bool fits = d->memory.nr_pages + nr <= d->memory.max_pages;
    if (fits)
        d->memory.nr_pages += nr;
    spin_unlock(&d->paging.lock);
    if (!fits)
        return MFN_NONE;
    mfn_t m = frame_alloc(order, address_bits);
    spin_lock(&d->paging.lock);
    if (m.v == MFN_NONE.v)
        d->memory.nr_pages -= nr;
    else
        own_frames(d, m, nr);
    spin_unlock(&d->paging.lock);
    return m;
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

void domain_frame_released(struct frame *f)
{
    struct domain *d = domain_by_id(f->owner);

    spin_lock(&d->paging.lock);
    unlist_frame(d, f);
    d->memory.nr_pages--;
    spin_unlock(&d->paging.lock);
    m2p_set(mfn_of_frame(f), M2P_INVALID);
}

/* --- Life --------------------------------------------------------------------------------------- */

/* A page of ours that the guest may map: its owner, and never a table (FRAME_SPECIAL). */
static bool shared_info_create(struct domain *d)
{
    d->shared_info = heap_alloc(PAGE_SIZE);
    if (!d->shared_info)
        return false;
    struct frame *f = frame_at(virt_to_mfn(d->shared_info));
    f->owner = d->id;
    f->state = FRAME_SPECIAL | FRAME_REF_ONE; /* the reference is ours */
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    return true;
}

struct domain *domain_create(domid_t id, unsigned nr_vcpus, uint64_t max_pages, bool privileged)
{
    struct domain *d = heap_alloc(sizeof(*d));

    ASSERT(id < MAX_DOMAINS && !domains[id] && nr_vcpus && nr_vcpus <= MAX_VCPUS);
    if (!d)
        return NULL;
    d->id = id;
    d->privileged = privileged;
    d->memory.first_frame = FRAME_NONE;
    d->memory.max_pages = max_pages;
    spinlock_init(&d->paging.lock, LOCK_DOMAIN_FRAMES);
    d->paging.drop_head = FRAME_NONE;
    d->paging.l1_allowed = L1_FLAGS_ALWAYS | (privileged ? L1_FLAGS_DEVICES : 0);
    domain_events_init(d);
    if (!shared_info_create(d))
        goto no_shared_info;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        d->vcpus[i] = vcpu_create(d, i);
        if (!d->vcpus[i])
            goto no_vcpu;
        d->nr_vcpus++;
    }
    wallclock_update(d);
    __atomic_store_n(&domains[id], d, __ATOMIC_RELEASE);
    return d;

no_vcpu:
    while (d->nr_vcpus)
        vcpu_free(d->vcpus[--d->nr_vcpus]);
    frame_at(virt_to_mfn(d->shared_info))->state = 0;
    heap_free(d->shared_info, PAGE_SIZE);
no_shared_info:
    heap_free(d, sizeof(*d));
    return NULL;
}

void domain_crash(struct domain *d, const char *format, ...)
{
    char text[160];
    va_list args;

    if (__atomic_exchange_n(&d->crashed, true, __ATOMIC_SEQ_CST))
        return;
    va_start(args, format);
    format_string_v(text, sizeof(text), format, args);
    va_end(args);
    log_guest(LOG_ERROR, "d%u crashed: %s", d->id, text);
    if (current_vcpu() && current_vcpu()->domain == d)
        report_vcpu(current_vcpu(), &this_cpu()->guest_regs);
    domain_shutdown(d, SHUTDOWN_crash);
}
