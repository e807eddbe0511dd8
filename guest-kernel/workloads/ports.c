/* SPDX-License-Identifier: MIT */
/*
 * Event channel operations as functions.
 *
 * ABI: <xen/event_channel.h>
 */
#include "workloads/ports.h"

long port_alloc_unbound(domid_t domain, domid_t remote)
{
    struct evtchn_alloc_unbound arg = { .dom = domain, .remote_dom = remote };
    long error = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &arg);

    return error != 0 ? error : (long)arg.port;
}

long port_bind_interdomain(domid_t remote, evtchn_port_t remote_port)
{
    struct evtchn_bind_interdomain arg = { .remote_dom = remote, .remote_port = remote_port };
    long error = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &arg);

    return error != 0 ? error : (long)arg.local_port;
}

long port_send(evtchn_port_t port)
{
    struct evtchn_send arg = { .port = port };

    return hypercall_event_channel_op(EVTCHNOP_send, &arg);
}

long port_close(evtchn_port_t port)
{
    struct evtchn_close arg = { .port = port };

    return hypercall_event_channel_op(EVTCHNOP_close, &arg);
}

long port_bind_vcpu(evtchn_port_t port, unsigned vcpu)
{
    struct evtchn_bind_vcpu arg = { .port = port, .vcpu = vcpu };

    return hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &arg);
}

long port_unmask(evtchn_port_t port)
{
    struct evtchn_unmask arg = { .port = port };

    return hypercall_event_channel_op(EVTCHNOP_unmask, &arg);
}

long port_status(evtchn_port_t port, struct evtchn_status *status)
{
    long error;

    *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
    error = hypercall_event_channel_op(EVTCHNOP_status, status);
    return error != 0 ? error : (long)status->status;
}

long port_pair_open(struct port_pair *pair)
{
    long near = port_alloc_unbound(DOMID_SELF, DOMID_SELF);
    long far;

    if (near < 0)
        return near;
    far = port_bind_interdomain(DOMID_SELF, (evtchn_port_t)near);
    if (far < 0)
        return far;
    pair->near = (evtchn_port_t)near;
    pair->far = (evtchn_port_t)far;
    event_clear(pair->far); /* binding raised it */
    return 0;
}

void port_pair_close(const struct port_pair *pair)
{
    event_detach(pair->far);
    event_detach(pair->near);
}

/* A port that waits for ourselves says who that is. */
domid_t port_own_domid(void)
{
    struct evtchn_status status = { .u.unbound.dom = DOMID_INVALID };
    long port = port_alloc_unbound(DOMID_SELF, DOMID_SELF);

    if (port < 0)
        return DOMID_INVALID;
    port_status((evtchn_port_t)port, &status);
    port_close((evtchn_port_t)port);
    return status.u.unbound.dom;
}
