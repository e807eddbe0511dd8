/* SPDX-License-Identifier: MIT */
/*
 * Promise: ports have the states the ABI names, each operation moves them as it says, and what is
 * refused is refused with the ABI's error and changes nothing.
 *
 * ABI: <xen/event_channel.h>
 */
#include "arch/pv/pv.h"
#include "kernel/smp.h"
#include "workloads/ports.h"
#include "workloads/list.h"

#define NEVER_ALLOCATED 3000
#define OUT_OF_RANGE    0x20000

static unsigned raised;

static void count(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    raised++;
}

static void loopback(void)
{
    struct evtchn_status status;
    long near = port_alloc_unbound(DOMID_SELF, DOMID_SELF), far;

    if (!CHECK(near > 0))
        return;
    CHECK_EQ(port_status((evtchn_port_t)near, &status), EVTCHNSTAT_unbound);
    if (start_info->flags & SIF_INITDOMAIN)
        CHECK_EQ(status.u.unbound.dom, 0);
    else
        CHECK(status.u.unbound.dom > 0 && status.u.unbound.dom < DOMID_FIRST_RESERVED);
    CHECK_EQ(port_send((evtchn_port_t)near), 0); /* nobody there: silently */
    far = port_bind_interdomain(DOMID_SELF, (evtchn_port_t)near);
    if (!CHECK(far > 0 && far != near))
        return;
    CHECK(event_is_pending((evtchn_port_t)far)); /* the local end is raised by binding */
    CHECK_EQ(port_status((evtchn_port_t)far, &status), EVTCHNSTAT_interdomain);
    CHECK_EQ(status.u.interdomain.port, near);
    CHECK_EQ(port_status((evtchn_port_t)near, &status), EVTCHNSTAT_interdomain);
    CHECK_EQ(status.u.interdomain.port, far);
    /* Bound already: no third end. */
    CHECK_EQ(port_bind_interdomain(DOMID_SELF, (evtchn_port_t)near), -XEN_EINVAL);
    event_clear((evtchn_port_t)far);
    CHECK_EQ(port_close((evtchn_port_t)far), 0);
    CHECK_EQ(port_status((evtchn_port_t)near, &status), EVTCHNSTAT_unbound);
    CHECK_EQ(port_status((evtchn_port_t)far, &status), EVTCHNSTAT_closed);
    CHECK(!event_is_pending((evtchn_port_t)near)); /* closing raises nobody */
    CHECK_EQ(port_close((evtchn_port_t)near), 0);
    CHECK_EQ(port_close((evtchn_port_t)near), -XEN_EINVAL);
}

static void both_ways(void)
{
    struct port_pair pair;

    if (!CHECK_EQ(port_pair_open(&pair), 0))
        return;
    raised = 0;
    event_attach(pair.near, 0, count, NULL);
    event_attach(pair.far, 0, count, NULL);
    CHECK_EQ(port_send(pair.near), 0);
    CHECK_EQ(raised, 1);
    CHECK_EQ(port_send(pair.far), 0);
    CHECK_EQ(raised, 2);
    port_pair_close(&pair);
}

static void virqs(void)
{
    struct evtchn_status status;
    long port = event_bind_virq(VIRQ_DEBUG, 0);

    if (!CHECK(port > 0))
        return;
    CHECK_EQ(port_status((evtchn_port_t)port, &status), EVTCHNSTAT_virq);
    CHECK_EQ(status.u.virq, VIRQ_DEBUG);
    CHECK_EQ(status.vcpu, 0);
    CHECK_EQ(event_bind_virq(VIRQ_DEBUG, 0), -XEN_EEXIST);
    CHECK_EQ(event_bind_virq(VIRQ_DEBUG, 8191), -XEN_ENOENT);
    CHECK_EQ(event_bind_virq(24, 0), -XEN_EINVAL);
    CHECK_EQ(event_bind_virq(0x7fffffff, 0), -XEN_EINVAL);
    CHECK_EQ(port_send((evtchn_port_t)port), -XEN_EINVAL);
    CHECK_EQ(port_bind_vcpu((evtchn_port_t)port, 0), -XEN_EINVAL);
    CHECK_EQ(port_close((evtchn_port_t)port), 0);
    port = event_bind_virq(VIRQ_DEBUG, 0); /* free again */
    CHECK(port > 0);
    CHECK_EQ(port_close((evtchn_port_t)port), 0);
}

static void ipis(void)
{
    struct evtchn_status status;
    long port = event_bind_ipi(0);

    if (!CHECK(port > 0))
        return;
    raised = 0;
    event_attach((evtchn_port_t)port, 0, count, NULL);
    CHECK_EQ(port_status((evtchn_port_t)port, &status), EVTCHNSTAT_ipi);
    CHECK_EQ(port_send((evtchn_port_t)port), 0);
    CHECK_EQ(raised, 1);
    CHECK_EQ(port_bind_vcpu((evtchn_port_t)port, 0), -XEN_EINVAL);
    CHECK_EQ(event_bind_ipi(8191), -XEN_ENOENT);
    event_detach((evtchn_port_t)port);
}

static void refused(void)
{
    static const evtchn_port_t bad[] = { 0, NEVER_ALLOCATED, OUT_OF_RANGE, ~0u };
    struct evtchn_status status;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_context("(port %u)", bad[i]);
        CHECK_EQ(port_send(bad[i]), -XEN_EINVAL);
        CHECK_EQ(port_close(bad[i]), -XEN_EINVAL);
        CHECK_EQ(port_bind_vcpu(bad[i], 0), -XEN_EINVAL);
        CHECK_EQ(port_bind_interdomain(DOMID_SELF, bad[i]), -XEN_EINVAL);
    }
    check_context("%s", "");
    CHECK_EQ(port_status(OUT_OF_RANGE, &status), -XEN_EINVAL);
    CHECK_EQ(port_unmask(OUT_OF_RANGE), -XEN_EINVAL);
    CHECK_EQ(port_alloc_unbound(1234, DOMID_SELF), -XEN_ESRCH);
    CHECK_EQ(port_bind_interdomain(1234, 1), -XEN_ESRCH);
    CHECK_EQ(hypercall_event_channel_op(999, &status), -XEN_ENOSYS);
    CHECK_EQ(hypercall_event_channel_op(EVTCHNOP_send, NULL), -XEN_EFAULT);
    CHECK_EQ(hypercall_event_channel_op(EVTCHNOP_send, (void *)HYPERVISOR_VIRT_START), -XEN_EFAULT);
}

/* Interdomain ports follow bind_vcpu; a vCPU that is not there is refused. */
static void bind_vcpu(void)
{
    struct port_pair pair;
    struct evtchn_status status;

    if (!CHECK_EQ(port_pair_open(&pair), 0))
        return;
    CHECK_EQ(port_bind_vcpu(pair.near, smp_nr_running() - 1), 0);
    CHECK_EQ(port_status(pair.near, &status), EVTCHNSTAT_interdomain);
    CHECK_EQ(status.vcpu, smp_nr_running() - 1);
    CHECK_EQ(port_bind_vcpu(pair.near, 8191), -XEN_ENOENT);
    CHECK_EQ(port_bind_vcpu(pair.near, 0), 0);
    port_pair_close(&pair);
}

/* Poll returns at once for a pending (masked) port, and after the timeout for a quiet one. */
static void poll(void)
{
    struct port_pair pair;
    struct sched_poll args = { .nr_ports = 1 };
    uint64_t before;

    if (!CHECK_EQ(port_pair_open(&pair), 0))
        return;
    event_mask(pair.far);
    set_xen_guest_handle(args.ports, &pair.far);
    CHECK_EQ(port_send(pair.near), 0);
    CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &args), 0);
    event_clear(pair.far);
    before = arch_clock_ns();
    args.timeout = before + 3000000;
    CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &args), 0);
    CHECK(arch_clock_ns() >= before + 3000000);
    args.nr_ports = 129;
    CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &args), -XEN_EINVAL);
    port_pair_close(&pair);
}

/* Every port up to the limit can be had, each is another one, and one more is refused. */
static void many_ports(void)
{
    static evtchn_port_t ports[4096];
    unsigned count_had = 0;
    long port = 0;

    while (count_had < 4096 && (port = port_alloc_unbound(DOMID_SELF, DOMID_SELF)) > 0)
        ports[count_had++] = (evtchn_port_t)port;
    CHECK_EQ(port, -XEN_ENOSPC);
    CHECK(count_had >= 1000);
    for (unsigned i = 0; i < count_had; i++)
        CHECK_EQ(port_close(ports[i]), 0);
}

void workload_event_ports(void)
{
    loopback();
    both_ways();
    virqs();
    ipis();
    refused();
    bind_vcpu();
    poll();
    many_ports();
}
