/* SPDX-License-Identifier: MIT */
/*
 * ABI: domctl(argument), <xen/domctl.h>: dom0 makes, watches and ends domains.
 *
 * One operation at a time, whoever asks: nobody else changes a domain's life meanwhile.
 */
#include "hypercall/domctl.h"
#include "domain/life.h"
#include "domain/refuse.h"
#include "event/virq.h"
#include "grant/grant_table.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "memory/guest_copy.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "trap/hypercall_page.h"

#define PAGEFRAMES_MAX 1024U

/* --- Life --------------------------------------------------------------------------------------- */

static bool id_is_free(unsigned id)
{
    return id && id < MAX_DOMAINS && !domain_by_id(id) && !domain_id_lingers(id);
}

/* The id that was asked for, or the next one: those that were used last are given last. */
static int pick_id(unsigned wanted, unsigned *id)
{
    static unsigned last;

    *id = wanted;
    if (wanted && wanted < DOMID_FIRST_RESERVED)
        return id_is_free(wanted) ? 0 : wanted < MAX_DOMAINS ? -XEN_EEXIST : -XEN_EINVAL;
    for (unsigned i = 1; i < MAX_DOMAINS; i++) {
        *id = (last + i) % MAX_DOMAINS;
        if (id_is_free(*id)) {
            last = *id;
            return 0;
        }
    }
    return -XEN_ENOMEM;
}

static const char *what_is_wrong(const struct xen_domctl_createdomain *c)
{
    if (c->flags || c->iommu_opts)
        return "its flags ask for more than a paravirtualized guest";
    if (c->max_vcpus == 0 || c->max_vcpus > MAX_VCPUS)
        return "it must have 1 to 32 vCPUs";
    if (c->max_grant_frames == 0 || c->max_grant_frames > (int)GRANT_FRAMES_MAX ||
        c->max_maptrack_frames > (int)GRANT_MAPPINGS_MAX)
        return "its grant tables would be too long";
    if (XEN_DOMCTL_GRANT_version(c->grant_opts) != 1 || (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask))
        return "its grant tables must have version 1";
    if (c->vmtrace_size || c->cpupool_id)
        return "there is no tracing of vCPUs, and one pool of processors";
    if (c->arch.emulation_flags || c->arch.misc_flags)
        return "no devices are emulated for it";
    return NULL;
}

static long domctl_createdomain(struct domctl *r)
{
    const struct xen_domctl_createdomain *c = &r->op.u.createdomain;
    const char *wrong = what_is_wrong(c);
    unsigned id;

    if (wrong)
        return refuse(r->caller, XEN_EINVAL, "createdomain: %s", wrong);
    int rc = pick_id(r->op.domain, &id);
    if (rc)
        return refuse(r->caller, -rc, "createdomain: no id %u for it", r->op.domain);
    struct domain *d = domain_make((domid_t)id, c->max_vcpus, 0, false);
    if (!d)
        return refuse(r->caller, XEN_ENOMEM, "createdomain: no memory");
    memcpy(d->handle, c->handle, sizeof(d->handle));
    d->events.max_port = MIN(c->max_evtchn_port, EVENT_PORTS - 1);
    if (c->max_grant_frames > 0)
        d->grants->max_frames = (unsigned)c->max_grant_frames;
    if (c->max_maptrack_frames >= 0)
        d->grants->max_mapping_frames = (unsigned)c->max_maptrack_frames;
    d->controller_pauses = 1; /* until it is built */
    domain_pause(d);
    domain_publish(d); /* others may ask for it while we are at it */
    r->op.domain = (domid_t)id;
    return 0;
}

static long domctl_destroydomain(struct domctl *r)
{
    if (r->d == r->caller || r->d == dom0)
        return refuse(r->caller, XEN_EINVAL, "destroydomain: d%u is not one that can be", r->d->id);
    return domain_destroy(r->d);
}

static long domctl_pausedomain(struct domctl *r)
{
    if (r->d == r->caller)
        return refuse(r->caller, XEN_EINVAL, "pausedomain: nobody could let it go on");
    r->d->controller_pauses++;
    domain_pause(r->d);
    return 0;
}

static long domctl_unpausedomain(struct domctl *r)
{
    if (!r->d->controller_pauses)
        return refuse(r->caller, XEN_EINVAL, "unpausedomain: d%u is not paused", r->d->id);
    r->d->controller_pauses--;
    domain_unpause(r->d);
    return 0;
}

/* --- Questions ---------------------------------------------------------------------------------- */

static uint32_t run_flags(const struct domain *d)
{
    bool running = false, up = false;

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        running |= d->vcpus[i]->running;
        up |= d->vcpus[i]->state == VCPU_RUNNABLE;
    }
    return running ? XEN_DOMINF_running : up ? 0 : XEN_DOMINF_blocked;
}

void domain_info(const struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->flags = run_flags(d) | (d->dying ? XEN_DOMINF_dying : 0) |
                  (d->controller_pauses ? XEN_DOMINF_paused : 0);
    if (d->shut_down)
        info->flags |= XEN_DOMINF_shutdown | (d->shutdown_reason & XEN_DOMINF_shutdownmask)
                                                 << XEN_DOMINF_shutdownshift;
    info->tot_pages = d->memory.nr_pages;
    info->max_pages = d->memory.max_pages;
    info->outstanding_pages = d->memory.claimed;
    info->shared_info_frame = virt_to_mfn(d->shared_info).v;
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        info->nr_online_vcpus += d->vcpus[i]->state != VCPU_DOWN;
        info->cpu_time += runstate_ns(d->vcpus[i], RUNSTATE_running);
    }
    info->max_vcpu_id = d->nr_vcpus - 1;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->gpaddr_bits = (uint8_t)machine_phys_bits;
}

/* The domain with this id, or the first one after it (ABI): so callers find all. */
static long domctl_getdomaininfo(struct domctl *r)
{
    for (unsigned id = r->op.domain; id < MAX_DOMAINS; id++) {
        struct domain *d = domain_by_id(id);
        if (!d)
            continue;
        domain_info(d, &r->op.u.getdomaininfo);
        r->op.domain = d->id;
        return 0;
    }
    return -XEN_ESRCH;
}

static uint64_t frame_info(struct domain *d, uint64_t n)
{
    if (!mfn_is_ram(mfn(n)) || !frame_get(frame_at(mfn(n)), d->id))
        return XEN_DOMCTL_PFINFO_XTAB;
    uint64_t state = READ_ONCE(frame_at(mfn(n))->state);
    frame_put(frame_at(mfn(n)));
    if (state & FRAME_SPECIAL)
        return XEN_DOMCTL_PFINFO_XTAB;
    enum page_type type = state_type(state);
    if (type < TYPE_L1 || type > TYPE_L4 || !(state & FRAME_COUNT))
        return XEN_DOMCTL_PFINFO_NOTAB;
    return (uint64_t)(type - TYPE_L1 + 1) << XEN_DOMCTL_PFINFO_LTAB_SHIFT |
           (state & FRAME_PINNED ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
}

static long domctl_getpageframeinfo3(struct domctl *r)
{
    const struct xen_domctl_getpageframeinfo3 *op = &r->op.u.getpageframeinfo3;
    uint64_t at = (uint64_t)op->array.p, frame;

    if (op->num > PAGEFRAMES_MAX)
        return refuse(r->caller, XEN_E2BIG, "getpageframeinfo3: %lu frames, at most %u", op->num,
                      PAGEFRAMES_MAX);
    for (uint64_t i = 0; i < op->num; i++, at += sizeof(frame)) {
        if (!copy_from_guest(&frame, at, sizeof(frame)))
            return -XEN_EFAULT;
        frame = frame_info(r->d, frame);
        if (!copy_to_guest(at, &frame, sizeof(frame)))
            return -XEN_EFAULT;
    }
    return 0;
}

/* --- Settings ----------------------------------------------------------------------------------- */

static long domctl_max_mem(struct domctl *r)
{
    /* Less than it has already is a limit for what it gets later. */
    r->d->memory.max_pages = r->op.u.max_mem.max_memkb / (PAGE_SIZE / 1024);
    return 0;
}

/* They were made with the domain. */
static long domctl_max_vcpus(struct domctl *r)
{
    if (r->op.u.max_vcpus.max != r->d->nr_vcpus)
        return refuse(r->caller, XEN_EINVAL, "max_vcpus: %u, but d%u was created with %u",
                      r->op.u.max_vcpus.max, r->d->id, r->d->nr_vcpus);
    return 0;
}

static long domctl_setdomainhandle(struct domctl *r)
{
    memcpy(r->d->handle, r->op.u.setdomainhandle.handle, sizeof(r->d->handle));
    return 0;
}

static long domctl_hypercall_init(struct domctl *r)
{
    mfn_t m = mfn(r->op.u.hypercall_init.gmfn);

    if (!mfn_is_ram(m) || !frame_get(frame_at(m), r->d->id))
        return refuse(r->caller, XEN_EACCES, "hypercall_init: frame %lx is not d%u's", m.v, r->d->id);
    int rc = page_type_get(frame_at(m), TYPE_WRITABLE);
    if (!rc) {
        hypercall_page_fill(mfn_to_virt(m));
        page_type_put(frame_at(m));
    }
    frame_put(frame_at(m));
    return rc && rc != HYPERCALL_CONTINUE
               ? refuse(r->caller, XEN_EACCES, "hypercall_init: frame %lx is not writable", m.v)
               : rc;
}

static long domctl_set_address_size(struct domctl *r)
{
    return r->op.u.address_size.size == 64
               ? 0
               : refuse(r->caller, XEN_EINVAL, "guests have 64 bits, not %u", r->op.u.address_size.size);
}

static long domctl_get_address_size(struct domctl *r)
{
    r->op.u.address_size.size = 64;
    return 0;
}

static long domctl_set_virq_handler(struct domctl *r)
{
    uint32_t virq = r->op.u.set_virq_handler.virq;

    if (virq >= NR_VIRQS || virq_is_per_vcpu(virq))
        return refuse(r->caller, XEN_EINVAL, "set_virq_handler: %u is no global VIRQ", virq);
    virq_set_handler(r->d, virq);
    return 0;
}

static long domctl_scheduler_op(struct domctl *r)
{
    struct xen_domctl_scheduler_op *op = &r->op.u.scheduler_op;

    if (op->sched_id != sched_policy->sched_id)
        return refuse(r->caller, XEN_EINVAL, "scheduler_op: %u is not the scheduler", op->sched_id);
    if (op->cmd != XEN_DOMCTL_SCHEDOP_getinfo)
        return -XEN_ENOSYS;
    op->u.credit2.weight = 256; /* all alike, and none limited */
    op->u.credit2.cap = 0;
    return 0;
}

/* --- The door ----------------------------------------------------------------------------------- */

static const struct {
    long (*run)(struct domctl *r);
    bool no_subject; /* the domain it names need not exist */
    bool changes;    /* not for one that dies */
} operations[] = {
    [XEN_DOMCTL_createdomain] = { domctl_createdomain, .no_subject = true },
    [XEN_DOMCTL_destroydomain] = { domctl_destroydomain },
    [XEN_DOMCTL_pausedomain] = { domctl_pausedomain, .changes = true },
    [XEN_DOMCTL_unpausedomain] = { domctl_unpausedomain, .changes = true },
    [XEN_DOMCTL_getdomaininfo] = { domctl_getdomaininfo, .no_subject = true },
    [XEN_DOMCTL_getpageframeinfo3] = { domctl_getpageframeinfo3 },
    [XEN_DOMCTL_setvcpuaffinity] = { domctl_setvcpuaffinity, .changes = true },
    [XEN_DOMCTL_getvcpuaffinity] = { domctl_getvcpuaffinity },
    [XEN_DOMCTL_max_mem] = { domctl_max_mem, .changes = true },
    [XEN_DOMCTL_setvcpucontext] = { domctl_setvcpucontext, .changes = true },
    [XEN_DOMCTL_getvcpucontext] = { domctl_getvcpucontext, .changes = true },
    [XEN_DOMCTL_getvcpuinfo] = { domctl_getvcpuinfo },
    [XEN_DOMCTL_max_vcpus] = { domctl_max_vcpus },
    [XEN_DOMCTL_scheduler_op] = { domctl_scheduler_op },
    [XEN_DOMCTL_setdomainhandle] = { domctl_setdomainhandle, .changes = true },
    [XEN_DOMCTL_hypercall_init] = { domctl_hypercall_init, .changes = true },
    [XEN_DOMCTL_set_address_size] = { domctl_set_address_size, .changes = true },
    [XEN_DOMCTL_set_virq_handler] = { domctl_set_virq_handler, .changes = true },
    [XEN_DOMCTL_get_address_size] = { domctl_get_address_size },
};

static long run(struct domctl *r)
{
    if (r->op.cmd >= ARRAY_SIZE(operations) || !operations[r->op.cmd].run)
        return -XEN_ENOSYS;
    if (!operations[r->op.cmd].no_subject) {
        r->d = r->op.domain == DOMID_SELF ? r->caller : domain_by_id(r->op.domain);
        if (!r->d)
            return -XEN_ESRCH;
        if (r->d->dying && operations[r->op.cmd].changes)
            return refuse(r->caller, XEN_EINVAL, "domctl %u: d%u dies", r->op.cmd, r->d->id);
    }
    long rc = operations[r->op.cmd].run(r);
    /* Tables that went with it are nobody's work yet. What is left is its own: the operation is done, and to ask for
     * it again would do it twice. */
    if (r->d && r->d != r->caller && !page_type_drain(r->d)) {
        for (unsigned i = 0; i < r->d->nr_vcpus; i++)
            vcpu_request_work(r->d->vcpus[i], VCPU_WORK_DROP);
    }
    return rc;
}

HYPERCALL(domctl)
{
    static bool busy;
    struct domctl r = { .caller = current_domain() };
    long rc;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!copy_from_guest(&r.op, a, sizeof(r.op)))
        return -XEN_EFAULT;
    if (r.op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!r.caller->privileged)
        return -XEN_EPERM;
    if (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return hypercall_again(1, a, 0, 0, 0);
    rc = run(&r);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    if (rc == HYPERCALL_CONTINUE)
        return hypercall_again(1, a, 0, 0, 0);
    if (!rc && !copy_to_guest(a, &r.op, sizeof(r.op)))
        return -XEN_EFAULT;
    return rc;
}
