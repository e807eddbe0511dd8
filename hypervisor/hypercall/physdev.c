/* SPDX-License-Identifier: MIT */
/*
 * ABI: physdev_op(cmd, argument), <xen/physdev.h>; platform_op, <xen/platform.h>: as far as a first guest asks.
 */
#include <xen/physdev.h>
#include <xen/platform.h>
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "memory/guest_copy.h"
#include "sched/guest_time.h"

static long physdevop_set_iopl(struct vcpu *v, uint64_t arg)
{
    struct physdev_set_iopl s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    if (s.iopl > 3)
        return refuse(v->domain, XEN_EINVAL, "set_iopl: %u", s.iopl);
    v->iopl = s.iopl;
    return 0;
}

static long physdevop_set_iobitmap(struct vcpu *v, uint64_t arg)
{
    struct physdev_set_iobitmap s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    if (s.nr_ports > 65536 || !guest_range_ok((uint64_t)s.bitmap.p, (s.nr_ports + 7) / 8))
        return refuse(v->domain, XEN_EINVAL, "set_iobitmap: %u ports", s.nr_ports);
    v->io_bitmap = (uint64_t)s.bitmap.p;
    v->io_bitmap_ports = s.nr_ports;
    return 0;
}

HYPERCALL(physdev_op)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    switch (a) {
    case PHYSDEVOP_set_iopl:
        return physdevop_set_iopl(v, b);
    case PHYSDEVOP_set_iobitmap:
        return physdevop_set_iobitmap(v, b);
    }
    return -XEN_ENOSYS;
}

HYPERCALL(platform_op)
{
    struct domain *dom = current_domain();
    struct xen_platform_op op;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!copy_from_guest(&op, a, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!dom->privileged)
        return -XEN_EPERM;
    switch (op.cmd) {
    case XENPF_settime64:
        if (op.u.settime64.mbz || op.u.settime64.nsecs >= 1000000000)
            return -XEN_EINVAL;
        wallclock_set(op.u.settime64.secs, op.u.settime64.nsecs, op.u.settime64.system_time);
        return 0;
    }
    return -XEN_ENOSYS;
}
