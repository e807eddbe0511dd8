/* SPDX-License-Identifier: MIT */
/*
 * ABI: physdev_op(cmd, argument), <xen/physdev.h>; platform_op, <xen/platform.h>; sysctl,
 * <xen/sysctl.h>: as far as a first guest asks.
 */
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include "domain/refuse.h"
#include "domain/report.h"
#include "hypercall/hypercall.h"
#include "memory/guest_copy.h"
#include "sched/guest_time.h"
#include "trace/log.h"

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
    if (!dom->privileged)
        return -XEN_EPERM;
    if (!copy_from_guest(&op, a, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    switch (op.cmd) {
    case XENPF_settime64:
        if (op.u.settime64.mbz || op.u.settime64.nsecs >= 1000000000)
            return -XEN_EINVAL;
        wallclock_set(op.u.settime64.secs, op.u.settime64.nsecs, op.u.settime64.system_time);
        return 0;
    }
    return -XEN_ENOSYS;
}

static long sysctl_debug_keys(struct domain *d, const struct xen_sysctl_debug_keys *op)
{
    char key;

    for (uint32_t i = 0; i < op->nr_keys && i < 16; i++) {
        if (!copy_from_guest(&key, (uint64_t)op->keys.p + i, 1))
            return refuse(d, XEN_EFAULT, "debug_keys: cannot read key %u", i);
        report_key(key);
    }
    return 0;
}

static long sysctl_readconsole(struct domain *d, struct xen_sysctl_readconsole *op)
{
    char piece[256];
    uint32_t done = 0, index = op->incremental ? op->index : 0;

    while (done < op->count) {
        size_t n = log_read(piece, MIN(op->count - done, sizeof(piece)), &index);
        if (!n)
            break;
        if (!copy_to_guest((uint64_t)op->buffer.p + done, piece, n))
            return refuse(d, XEN_EFAULT, "readconsole: the buffer cannot be written");
        done += (uint32_t)n;
    }
    op->count = done;
    op->index = index;
    if (op->clear)
        log_clear();
    return 0;
}

HYPERCALL(sysctl)
{
    struct domain *dom = current_domain();
    struct xen_sysctl op;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!dom->privileged)
        return -XEN_EPERM;
    if (!copy_from_guest(&op, a, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    switch (op.cmd) {
    case XEN_SYSCTL_debug_keys:
        return sysctl_debug_keys(dom, &op.u.debug_keys);
    case XEN_SYSCTL_readconsole: {
        long rc = sysctl_readconsole(dom, &op.u.readconsole);
        return rc ? rc : copy_to_guest(a, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
    }
    }
    return -XEN_ENOSYS;
}
