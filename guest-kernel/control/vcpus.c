/* SPDX-License-Identifier: MIT */
/*
 * What dom0 says to and asks of another domain's vCPUs, and its ports.
 */
#include "control/control.h"

#include "arch/pv/pv.h"

/* Affinities are bitmaps of bytes; ours hold 64 processors. */
static long affinity(domid_t id, struct xen_domctl *op, uint32_t cmd, unsigned vcpu, uint64_t *hard, uint64_t *soft)
{
    op->u.vcpuaffinity.vcpu = vcpu;
    op->u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op->u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)hard);
    op->u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    set_xen_guest_handle(op->u.vcpuaffinity.cpumap_soft.bitmap, (uint8_t *)soft);
    return control_domctl(op, cmd, id);
}

long control_set_affinity(domid_t id, unsigned vcpu, uint64_t hard, uint64_t soft)
{
    struct xen_domctl op = { .cmd = 0 };

    op.u.vcpuaffinity.flags = (hard != 0 ? XEN_VCPUAFFINITY_HARD : 0) | (soft != 0 ? XEN_VCPUAFFINITY_SOFT : 0);
    return op.u.vcpuaffinity.flags == 0 ? 0 : affinity(id, &op, XEN_DOMCTL_setvcpuaffinity, vcpu, &hard, &soft);
}

long control_get_affinity(domid_t id, unsigned vcpu, uint64_t *hard, uint64_t *soft)
{
    struct xen_domctl op = { .u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT };

    *hard = *soft = 0;
    return affinity(id, &op, XEN_DOMCTL_getvcpuaffinity, vcpu, hard, soft);
}

long control_vcpu_info(domid_t id, unsigned vcpu, struct xen_domctl_getvcpuinfo *info)
{
    struct xen_domctl op = { .u.getvcpuinfo.vcpu = vcpu };
    long error = control_domctl(&op, XEN_DOMCTL_getvcpuinfo, id);

    *info = op.u.getvcpuinfo;
    return error;
}

long control_alloc_port(domid_t id)
{
    struct evtchn_alloc_unbound alloc = { .dom = id, .remote_dom = 0 };
    long error = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return error != 0 ? error : (long)alloc.port;
}
