/* SPDX-License-Identifier: MIT */
/*
 * ABI: domctl's operations on one vCPU, <xen/domctl.h>
 */
#include "domain/refuse.h"
#include "domain/vcpu.h"
#include "hypercall/domctl.h"
#include "lib/string.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "sched/switch.h"

static struct vcpu *find_vcpu(struct domctl *r, uint32_t id)
{
    if (id < r->d->nr_vcpus)
        return r->d->vcpus[id];
    refuse(r->caller, XEN_ENOENT, "domctl %u: d%u has no vcpu %u", r->op.cmd, r->d->id, id);
    return NULL;
}

/* --- Contexts ----------------------------------------------------------------------------------- */

static long set_context(struct domctl *r, struct vcpu *v, struct vcpu_guest_context *c)
{
    if (!copy_from_guest(c, (uint64_t)r->op.u.vcpucontext.ctxt.p, sizeof(*c)))
        return refuse(r->caller, XEN_EFAULT, "setvcpucontext: it cannot be read");
    int rc = v->initialised ? vcpu_change_context(v, c) : vcpu_set_context(v, c);
    if (rc)
        return rc;
    if (!(c->flags & VGCF_online))
        vcpu_down(v);
    else if (v->state == VCPU_DOWN)
        vcpu_up(v);
    return 0;
}

static long set_or_reset(struct domctl *r, struct vcpu *v)
{
    if (!r->op.u.vcpucontext.ctxt.p) {
        vcpu_down(v);
        vcpu_reset(v);
        return 0;
    }
    struct vcpu_guest_context *c = heap_alloc(sizeof(*c));
    if (!c)
        return -XEN_ENOMEM;
    long rc = set_context(r, v, c);
    heap_free(c, sizeof(*c));
    return rc;
}

/* No context resets the vCPU, as the ABI has it. */
long domctl_setvcpucontext(struct domctl *r)
{
    struct vcpu *v = find_vcpu(r, r->op.u.vcpucontext.vcpu);

    if (!v)
        return -XEN_ENOENT;
    if (r->d == r->caller)
        return refuse(r->caller, XEN_EINVAL, "setvcpucontext: not for oneself");
    if (__atomic_exchange_n(&r->d->vcpu_life_busy, true, __ATOMIC_ACQUIRE))
        return HYPERCALL_CONTINUE; /* the guest itself makes a vCPU just now: it could be this one */
    domain_pause(r->d);
    if (v->initialised)
        domain_forget_roots(r->d); /* processors keep registers and tables of who ran there last */
    long rc = set_or_reset(r, v);
    domain_unpause(r->d);
    __atomic_store_n(&r->d->vcpu_life_busy, false, __ATOMIC_RELEASE);
    return rc;
}

long domctl_getvcpucontext(struct domctl *r)
{
    struct vcpu *v = find_vcpu(r, r->op.u.vcpucontext.vcpu);

    if (!v)
        return -XEN_ENOENT;
    if (r->d == r->caller)
        return refuse(r->caller, XEN_EINVAL, "getvcpucontext: not of oneself");
    if (!v->initialised)
        return refuse(r->caller, XEN_ENODATA, "getvcpucontext: vcpu %u has none", v->id);
    struct vcpu_guest_context *c = heap_alloc(sizeof(*c));
    if (!c)
        return -XEN_ENOMEM;
    vcpu_pause(v);
    vcpu_get_context(v, c);
    vcpu_unpause(v);
    bool told = copy_to_guest((uint64_t)r->op.u.vcpucontext.ctxt.p, c, sizeof(*c));
    heap_free(c, sizeof(*c));
    return told ? 0 : -XEN_EFAULT;
}

long domctl_getvcpuinfo(struct domctl *r)
{
    struct xen_domctl_getvcpuinfo *op = &r->op.u.getvcpuinfo;
    struct vcpu *v = find_vcpu(r, op->vcpu);

    if (!v)
        return -XEN_ESRCH;
    op->online = v->state != VCPU_DOWN;
    op->blocked = v->state == VCPU_BLOCKED;
    op->running = v->running;
    op->cpu_time = runstate_ns(v, RUNSTATE_running);
    op->cpu = v->cpu;
    return 0;
}

/* --- Affinity ----------------------------------------------------------------------------------- */

static bool read_bitmap(const struct xenctl_bitmap *map, uint64_t *bits)
{
    *bits = 0;
    if (!map->bitmap.p || !copy_from_guest(bits, (uint64_t)map->bitmap.p, MIN((map->nr_bits + 7) / 8, 8U)))
        return false;
    if (map->nr_bits < 64)
        *bits &= (1UL << map->nr_bits) - 1;
    return true;
}

#define BITMAP_BITS_MAX 65536U /* of processors: more than there ever were */

/* As many bits as there is room for; what is above the last processor is clear. */
static bool write_bitmap(const struct xenctl_bitmap *map, uint64_t bits)
{
    if (map->nr_bits > BITMAP_BITS_MAX)
        return false;
    uint64_t at = (uint64_t)map->bitmap.p;
    static const uint8_t none[64];

    for (uint32_t left = (map->nr_bits + 7) / 8, n; left; left -= n, at += n) {
        bool first = at == (uint64_t)map->bitmap.p;
        n = MIN(left, first ? 8U : (uint32_t)sizeof(none));
        if (!copy_to_guest(at, first ? (const void *)&bits : none, n))
            return false;
    }
    return true;
}

long domctl_setvcpuaffinity(struct domctl *r)
{
    const struct xen_domctl_vcpuaffinity *op = &r->op.u.vcpuaffinity;
    struct vcpu *v = find_vcpu(r, op->vcpu);
    uint64_t hard, soft;

    if (!v)
        return -XEN_ESRCH;
    if (!op->flags || (op->flags & ~(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) || r->d == r->caller)
        return refuse(r->caller, XEN_EINVAL, "setvcpuaffinity: flags %x for d%u", op->flags, r->d->id);
    hard = v->affinity;
    soft = v->soft_affinity;
    if (((op->flags & XEN_VCPUAFFINITY_HARD) && !read_bitmap(&op->cpumap_hard, &hard)) ||
        ((op->flags & XEN_VCPUAFFINITY_SOFT) && !read_bitmap(&op->cpumap_soft, &soft)))
        return -XEN_EFAULT;
    if (!(hard & cpus_online) || ((op->flags & XEN_VCPUAFFINITY_SOFT) && !soft))
        return refuse(r->caller, XEN_EINVAL, "setvcpuaffinity: there is no such processor");
    vcpu_set_affinity(v, hard, soft);
    if (((op->flags & XEN_VCPUAFFINITY_HARD) && !write_bitmap(&op->cpumap_hard, hard & cpus_online)) ||
        ((op->flags & XEN_VCPUAFFINITY_SOFT) && !write_bitmap(&op->cpumap_soft, soft & hard & cpus_online)))
        return -XEN_EFAULT;
    return 0;
}

long domctl_getvcpuaffinity(struct domctl *r)
{
    const struct xen_domctl_vcpuaffinity *op = &r->op.u.vcpuaffinity;
    struct vcpu *v = find_vcpu(r, op->vcpu);

    if (!v)
        return -XEN_ESRCH;
    if (((op->flags & XEN_VCPUAFFINITY_HARD) && !write_bitmap(&op->cpumap_hard, v->affinity)) ||
        ((op->flags & XEN_VCPUAFFINITY_SOFT) && !write_bitmap(&op->cpumap_soft, v->soft_affinity)))
        return -XEN_EFAULT;
    return 0;
}
