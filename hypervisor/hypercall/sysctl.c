/* SPDX-License-Identifier: MIT */
/*
 * ABI: sysctl(argument), <xen/sysctl.h>: what dom0 may ask of the machine as a whole.
 */
#include <xen/sysctl.h>
#include "domain/refuse.h"
#include "domain/report.h"
#include "hypercall/domctl.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "sched/schedule.h"
#include "trace/log.h"

struct request {
    struct domain *caller;
    struct xen_sysctl op;
};

static long sysctl_debug_keys(struct request *r)
{
    const struct xen_sysctl_debug_keys *op = &r->op.u.debug_keys;
    char key;

    for (uint32_t i = 0; i < op->nr_keys && i < 16; i++) {
        if (!copy_from_guest(&key, (uint64_t)op->keys.p + i, 1))
            return refuse(r->caller, XEN_EFAULT, "debug_keys: cannot read key %u", i);
        report_key(key);
    }
    return 0;
}

static long sysctl_readconsole(struct request *r)
{
    struct xen_sysctl_readconsole *op = &r->op.u.readconsole;
    char piece[256];
    uint32_t done = 0, index = op->incremental ? op->index : 0;

    while (done < op->count) {
        size_t n = log_read(piece, MIN(op->count - done, sizeof(piece)), &index);
        if (!n)
            break;
        if (!copy_to_guest((uint64_t)op->buffer.p + done, piece, n))
            return refuse(r->caller, XEN_EFAULT, "readconsole: the buffer cannot be written");
        done += (uint32_t)n;
    }
    op->count = done;
    op->index = index;
    if (op->clear)
        log_clear();
    return 0;
}

static long sysctl_physinfo(struct request *r)
{
    struct xen_sysctl_physinfo *op = &r->op.u.physinfo;

    memset(op, 0, sizeof(*op));
    op->threads_per_core = 1;
    op->cores_per_socket = nr_cpus;
    op->nr_cpus = nr_cpus;
    op->max_cpu_id = nr_cpus - 1;
    op->nr_nodes = 1;
    op->cpu_khz = (uint32_t)tsc_khz;
    op->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    op->total_pages = frames_total();
    op->free_pages = frames_free();
    op->outstanding_pages = domain_claims();
    op->max_mfn = max_mfn - 1;
    return 0;
}

static long sysctl_sched_id(struct request *r)
{
    r->op.u.sched_id.sched_id = sched_policy->sched_id;
    return 0;
}

static long sysctl_getdomaininfolist(struct request *r)
{
    struct xen_sysctl_getdomaininfolist *op = &r->op.u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    uint32_t n = 0;

    for (unsigned id = op->first_domain; id < MAX_DOMAINS && n < op->max_domains; id++) {
        struct domain *d = domain_by_id(id);
        if (!d)
            continue;
        domain_info(d, &info);
        if (!copy_to_guest((uint64_t)op->buffer.p + n * sizeof(info), &info, sizeof(info)))
            return refuse(r->caller, XEN_EFAULT, "getdomaininfolist: the buffer cannot be written");
        n++;
    }
    op->num_domains = n;
    return 0;
}

static long sysctl_availheap(struct request *r)
{
    struct xen_sysctl_availheap *op = &r->op.u.availheap;

    if (op->node > 0 || op->min_bitwidth || op->max_bitwidth)
        return refuse(r->caller, XEN_ENOSYS, "availheap: of one node or address width");
    op->avail_bytes = frames_free() * PAGE_SIZE;
    return 0;
}

/* One socket, one node: nothing better is known. */
static long sysctl_cputopoinfo(struct request *r)
{
    struct xen_sysctl_cputopoinfo *op = &r->op.u.cputopoinfo;
    uint32_t room = op->cputopo.p ? op->num_cpus : 0;

    for (unsigned i = 0; i < MIN(room, nr_cpus); i++) {
        struct xen_sysctl_cputopo one = { .core = i };
        if (!copy_to_guest((uint64_t)op->cputopo.p + i * sizeof(one), &one, sizeof(one)))
            return -XEN_EFAULT;
    }
    op->num_cpus = nr_cpus;
    return 0;
}

static long sysctl_numainfo(struct request *r)
{
    struct xen_sysctl_numainfo *op = &r->op.u.numainfo;
    struct xen_sysctl_meminfo memory = { .memsize = frames_total() * PAGE_SIZE,
                                         .memfree = frames_free() * PAGE_SIZE };
    uint32_t here = 10; /* a node's distance to itself, as ACPI has it */

    if (op->meminfo.p && op->num_nodes &&
        !copy_to_guest((uint64_t)op->meminfo.p, &memory, sizeof(memory)))
        return -XEN_EFAULT;
    if (op->distance.p && op->num_nodes && !copy_to_guest((uint64_t)op->distance.p, &here, sizeof(here)))
        return -XEN_EFAULT;
    op->num_nodes = 1;
    return 0;
}

static long (*const operations[])(struct request *r) = {
    [XEN_SYSCTL_readconsole] = sysctl_readconsole,
    [XEN_SYSCTL_physinfo] = sysctl_physinfo,
    [XEN_SYSCTL_sched_id] = sysctl_sched_id,
    [XEN_SYSCTL_getdomaininfolist] = sysctl_getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = sysctl_debug_keys,
    [XEN_SYSCTL_availheap] = sysctl_availheap,
    [XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
    [XEN_SYSCTL_numainfo] = sysctl_numainfo,
};

HYPERCALL(sysctl)
{
    struct request r = { .caller = current_domain() };

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!copy_from_guest(&r.op, a, sizeof(r.op)))
        return -XEN_EFAULT;
    if (r.op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!r.caller->privileged)
        return -XEN_EPERM;
    if (r.op.cmd >= ARRAY_SIZE(operations) || !operations[r.op.cmd])
        return -XEN_ENOSYS;
    long rc = operations[r.op.cmd](&r);
    if (rc)
        return rc;
    return copy_to_guest(a, &r.op, sizeof(r.op)) ? 0 : -XEN_EFAULT;
}
