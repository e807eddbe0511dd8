/* SPDX-License-Identifier: MIT */
/*
 * Event channels to other domains. The handler only notes that there was an event.
 */
#include <xen/event_channel.h>

#include "arch/pv/pv.h"
#include "drivers/front/port.h"

static struct {
    volatile bool *flag;
    struct doorbell *bell;
} listeners[EVTCHN_2L_NR_CHANNELS];

static void raised(evtchn_port_t port, void *data)
{
    (void)data;
    if (listeners[port].flag != NULL) {
        event_mask(port);
        *listeners[port].flag = true;
    }
    doorbell_ring(listeners[port].bell);
}

void port_listen(long port, volatile bool *flag, struct doorbell *bell)
{
    listeners[port].flag = flag;
    listeners[port].bell = bell;
    event_attach((evtchn_port_t)port, 0, raised, NULL);
}

void port_again(long port)
{
    event_unmask((evtchn_port_t)port);
}

long port_alloc(domid_t domid)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = domid };
    long error = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return error != 0 ? error : (long)alloc.port;
}

long port_join(domid_t domid, uint32_t remote_port, volatile bool *flag, struct doorbell *bell)
{
    struct evtchn_bind_interdomain bind = { .remote_dom = domid, .remote_port = remote_port };
    long error = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    if (error != 0)
        return error;
    port_listen(bind.local_port, flag, bell);
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

unsigned ports_count(void)
{
    unsigned count = 0;

    for (evtchn_port_t port = 1; port < EVTCHN_2L_NR_CHANNELS; port++) {
        struct evtchn_status status = { .dom = DOMID_SELF, .port = port };

        if (hypercall_event_channel_op(EVTCHNOP_status, &status) != 0)
            break; /* so many were never there */
        count += status.status != EVTCHNSTAT_closed;
    }
    return count;
}
