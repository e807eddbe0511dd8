/* SPDX-License-Identifier: MIT */
/*
 * Event channels to guests. The handler only notes that there was an event.
 *
 * ABI: EVTCHNOP_bind_interdomain, EVTCHNOP_send, <xen/event_channel.h>
 */
#include <xen/event_channel.h>

#include "arch/pv/pv.h"
#include "dom0/services.h"

static struct {
    volatile bool *flag;
    struct doorbell *bell;
} listeners[EVTCHN_2L_NR_CHANNELS];

static void raised(evtchn_port_t port, void *data)
{
    (void)data;
    *listeners[port].flag = true;
    doorbell_ring(listeners[port].bell);
}

long port_join(domid_t domid, uint32_t remote_port, volatile bool *flag, struct doorbell *bell)
{
    struct evtchn_bind_interdomain bind = { .remote_dom = domid, .remote_port = remote_port };
    long error = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    if (error != 0)
        return error;
    listeners[bind.local_port].flag = flag;
    listeners[bind.local_port].bell = bell;
    event_attach(bind.local_port, 0, raised, NULL);
    return bind.local_port;
}

void port_leave(long port)
{
    event_detach((evtchn_port_t)port);
}

void port_notify(long port)
{
    struct evtchn_send send = { .port = (evtchn_port_t)port };

    hypercall_event_channel_op(EVTCHNOP_send, &send);
}
