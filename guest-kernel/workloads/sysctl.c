/* SPDX-License-Identifier: MIT */
/*
 * Promise: dom0 presses the hypervisor's debug keys and reads its log; a wrong version and bad
 * pointers are refused.
 *
 * Tenon lists its keys for one that it does not know, Xen for h: so h does on both. It may come a
 * little later.
 *
 * ABI: XEN_SYSCTL_debug_keys, XEN_SYSCTL_readconsole, <xen/sysctl.h>
 */
#include <xen/sysctl.h>

#include "arch/pv/pv.h"
#include "kernel/string.h"
#include "workloads/workload.h"
#include "workloads/list.h"

#define LOG_SIZE 16384U
#define LOOKS    1000
#define PAUSE_NS 10000000ULL

static char log[LOG_SIZE + 1];

static long sysctl(struct xen_sysctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall_any(__HYPERVISOR_sysctl, (unsigned long)op, 0, 0, 0, 0);
}

static long press(char *keys, unsigned count)
{
    struct xen_sysctl op = { .u.debug_keys.nr_keys = count };

    set_xen_guest_handle(op.u.debug_keys.keys, keys);
    return sysctl(&op, XEN_SYSCTL_debug_keys);
}

/* Reads the log from its beginning; returns how much there is, or an error. */
static long read_log(char *to, unsigned size, bool clear)
{
    struct xen_sysctl op = { .u.readconsole = { .clear = clear, .count = size } };
    long error;

    set_xen_guest_handle(op.u.readconsole.buffer, to);
    error = sysctl(&op, XEN_SYSCTL_readconsole);
    return error != 0 ? error : (long)op.u.readconsole.count;
}

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (; *text != 0; text++)
        if (strncmp(text, part, length) == 0)
            return true;
    return false;
}

static bool log_contains(const char *part)
{
    long size = read_log(log, LOG_SIZE, false);

    if (!CHECK(size >= 0 && size <= LOG_SIZE))
        return false;
    log[size] = 0;
    return contains(log, part);
}

static bool log_will_contain(const char *part)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + PAUSE_NS };

        if (log_contains(part))
            return true;
        hypercall_sched_op(SCHEDOP_poll, &poll);
    }
    return false;
}

static void keys(void)
{
    char help[] = "h";

    CHECK(read_log(log, LOG_SIZE, true) >= 0);
    CHECK(!log_contains("key ")); /* cleared */
    CHECK_EQ(press(help, 0), 0);
    CHECK(!log_contains("key "));
    CHECK_EQ(press(help, 1), 0);
    CHECK(log_will_contain("key "));
}

/* Tenon's own: the auditor has nothing to complain of while the guest runs. */
static void auditor(void)
{
    char audit[] = "A";

    if (!hypervisor_is_tenon)
        return;
    CHECK(read_log(log, LOG_SIZE, true) >= 0);
    CHECK_EQ(press(audit, 1), 0);
    CHECK(log_will_contain(" frames, 0 errors"));
}

static void refused(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys, .interface_version = 1 };

    CHECK_EQ(hypercall_any(__HYPERVISOR_sysctl, (unsigned long)&op, 0, 0, 0, 0), -XEN_EACCES);
    CHECK_EQ(hypercall_any(__HYPERVISOR_sysctl, HYPERVISOR_VIRT_START, 0, 0, 0, 0), -XEN_EFAULT);
    CHECK_EQ(sysctl(&op, 9999), -XEN_ENOSYS);
    CHECK_EQ(press((char *)0x1000, 1), -XEN_EFAULT);
    CHECK_EQ(press((char *)HYPERVISOR_VIRT_START, 1), -XEN_EFAULT);
    CHECK_EQ(read_log((char *)0x1000, 16, false), -XEN_EFAULT);
    CHECK_EQ(read_log((char *)(HYPERVISOR_VIRT_START + 0x1000), 16, false), -XEN_EFAULT);
}

void workload_sysctl(void)
{
    if (!(start_info->flags & SIF_INITDOMAIN)) {
        workload_skip("only dom0 asks the hypervisor for it");
        return;
    }
    keys();
    auditor();
    refused();
}
