/* SPDX-License-Identifier: MIT */
/*
 * ABI: domctl(argument), <xen/domctl.h>: who may ask, and in which version. No operation is there yet.
 */
#include <xen/domctl.h>
#include "hypercall/hypercall.h"
#include "memory/guest_copy.h"

HYPERCALL(domctl)
{
    struct xen_domctl op;

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!current_domain()->privileged)
        return -XEN_EPERM;
    if (!copy_from_guest(&op, a, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    return -XEN_ENOSYS;
}
