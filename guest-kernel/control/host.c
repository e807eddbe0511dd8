/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor tells of itself.
 *
 * ABI: XEN_SYSCTL_readconsole, XEN_SYSCTL_debug_keys
 */
#include "control/control.h"

#include "arch/pv/pv.h"

long control_version(unsigned what, void *answer)
{
    return hypercall_xen_version(what, answer);
}

/* With "incremental" the index goes on from read to read. */
long control_read_log(char *to, uint32_t size, uint32_t *at)
{
    struct xen_sysctl op = { .u.readconsole = { .incremental = 1, .index = *at, .count = size } };
    long error;

    set_xen_guest_handle(op.u.readconsole.buffer, to);
    error = control_sysctl(&op, XEN_SYSCTL_readconsole);
    *at = op.u.readconsole.index;
    return error != 0 ? error : (long)op.u.readconsole.count;
}

/* Clearing reads, too: one byte will do. */
long control_clear_log(void)
{
    struct xen_sysctl op = { .u.readconsole = { .clear = 1, .count = 1 } };
    char byte;

    set_xen_guest_handle(op.u.readconsole.buffer, &byte);
    return control_sysctl(&op, XEN_SYSCTL_readconsole);
}

long control_debug_keys(const char *keys, uint32_t count)
{
    struct xen_sysctl op = { .u.debug_keys.nr_keys = count };

    set_xen_guest_handle(op.u.debug_keys.keys, (char *)(uintptr_t)keys);
    return control_sysctl(&op, XEN_SYSCTL_debug_keys);
}
