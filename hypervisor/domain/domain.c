/* SPDX-License-Identifier: MIT */
#include <xen/sched.h>
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/life.h"
#include "domain/vcpu.h"
#include "grant/grant_table.h"
#include "lib/check.h"
#include "lib/format.h"
#include "machine/paging_bits.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "trace/log.h"

struct domain *domains[MAX_DOMAINS];
struct domain *dom0;

/* --- Life --------------------------------------------------------------------------------------- */

static bool shared_info_create(struct domain *d)
{
    d->shared_info = domain_special_page_alloc(d);
    if (!d->shared_info)
        return false;
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    return true;
}

/* Nobody else has seen it yet. */
static void free_unborn(struct domain *d)
{
    while (d->nr_vcpus)
        vcpu_free(d->vcpus[--d->nr_vcpus]);
    grant_table_destroy(d);
    if (d->shared_info)
        domain_special_page_free(d, d->shared_info);
    heap_free(d, sizeof(*d));
}

struct domain *domain_make(domid_t id, unsigned nr_vcpus, uint64_t max_pages, bool privileged)
{
    static uint32_t serials;
    struct domain *d = heap_alloc(sizeof(*d));

    ASSERT(id < MAX_DOMAINS && !domains[id] && nr_vcpus && nr_vcpus <= MAX_VCPUS);
    if (!d)
        return NULL;
    d->id = id;
    d->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_SEQ_CST);
    d->privileged = privileged;
    d->memory.first_frame = d->memory.first_dropped = FRAME_NONE;
    d->memory.max_pages = max_pages;
    spinlock_init(&d->paging.lock, LOCK_DOMAIN_FRAMES);
    d->paging.drop_head = FRAME_NONE;
    d->paging.l1_allowed = L1_FLAGS_ALWAYS | (privileged ? L1_FLAGS_DEVICES : 0);
    domain_events_init(d);
    if (!shared_info_create(d) || !grant_table_create(d, GRANT_FRAMES_MAX, GRANT_MAPPINGS_MAX)) {
        free_unborn(d);
        return NULL;
    }
    for (unsigned i = 0; i < nr_vcpus; i++) {
        d->vcpus[i] = vcpu_create(d, i);
        if (!d->vcpus[i]) {
            free_unborn(d);
            return NULL;
        }
        d->nr_vcpus++;
    }
    return d;
}

void domain_publish(struct domain *d)
{
    __atomic_store_n(&domains[d->id], d, __ATOMIC_SEQ_CST);
    wallclock_update(d); /* it may have been set since the domain was made */
}

struct domain *domain_create(domid_t id, unsigned nr_vcpus, uint64_t max_pages, bool privileged)
{
    struct domain *d = domain_make(id, nr_vcpus, max_pages, privileged);

    if (d)
        domain_publish(d);
    return d;
}

void domain_unpublish(struct domain *d)
{
    __atomic_store_n(&domains[d->id], NULL, __ATOMIC_RELEASE);
}

void domain_pause(struct domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++)
        vcpu_pause(d->vcpus[i]);
}

void domain_unpause(struct domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++)
        vcpu_unpause(d->vcpus[i]);
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
    domain_shutdown(d, SHUTDOWN_crash);
}
