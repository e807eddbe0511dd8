/* SPDX-License-Identifier: MIT */
/*
 * Floods of events, calls and memory; and finding a flood by its kind.
 *
 * ABI: EVTCHNOP_*, <xen/event_channel.h>; XENMEM_*, <xen/memory.h>
 */
#include "workloads/flood.h"

#include <xen/memory.h>

#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/printf.h"
#include "kernel/string.h"

#define NR_PORTS 1024u
#define NR_PAGES 16u

uint64_t flood_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15UL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* ---- events ---- */

static void send(evtchn_port_t port)
{
    struct evtchn_send one = { .port = port };

    hypercall_event_channel_op(EVTCHNOP_send, &one);
}

/* To whom it may concern: dom0's console and store, again and again, and ports that are not there. */
static void send_everywhere(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        send(start_info->store_evtchn);
        send(start_info->console.domU.evtchn);
    }
    send((evtchn_port_t)flood_random());
    for (evtchn_port_t port = 0; port < NR_PORTS; port++)
        send(port);
}

/* The shortest way to the next event for dom0. */
static void send_to_console(void)
{
    for (;;)
        send(start_info->console.domU.evtchn);
}

/* Bits that the hypervisor shares with us change under its hands. */
static void play_with_masks(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        evtchn_port_t port = (evtchn_port_t)(flood_random() % NR_PORTS);

        event_mask(port);
        shared_info->evtchn_pending[port / 64] = flood_random();
        send(start_info->store_evtchn);
        event_unmask(port);
        shared_info->evtchn_mask[port / 64] = flood_random();
        shared_info->vcpu_info[0].evtchn_pending_sel = flood_random();
    }
}

/* Ports are made until there are no more, and all that can be had are closed again: dom0's, too. */
static void make_and_close(void)
{
    for (unsigned i = 0; i < 64; i++) {
        struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };

        hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
    }
    for (evtchn_port_t port = 1; port < NR_PORTS; port++) {
        struct evtchn_close close = { .port = port };
        struct evtchn_bind_interdomain join = { .remote_dom = 0, .remote_port = port };

        hypercall_event_channel_op(EVTCHNOP_close, &close);
        hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &join);
    }
}

/* ---- calls ---- */

static void yield(void)
{
    for (unsigned i = 0; i < 1000; i++)
        hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void spin(void)
{
    for (;;)
        arch_pause();
}

/* Any call, with anything for arguments. What ends us is left out, and what waits. */
static void call_anything(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        unsigned long nr = flood_random() % 64;

        if (nr != __HYPERVISOR_sched_op && nr != __HYPERVISOR_sched_op_compat && nr != __HYPERVISOR_iret)
            hypercall_any(nr, flood_random() % 32, flood_random(), flood_random() % 4, DOMID_SELF, 0);
    }
}

/* ---- memory ---- */

static void give_and_take(void)
{
    static xen_pfn_t frames[NR_PAGES];
    struct xen_memory_reservation some = { .nr_extents = NR_PAGES, .domid = DOMID_SELF };

    set_xen_guest_handle(some.extent_start, frames);
    for (unsigned i = 0; i < 100; i++) {
        hypercall_memory_op(XENMEM_increase_reservation, &some);
        hypercall_memory_op(XENMEM_decrease_reservation, &some);
    }
    some.nr_extents = 1u << 20;
    hypercall_memory_op(XENMEM_populate_physmap, &some);
}

static void pin_and_unpin(void)
{
    static void *page;

    if (page == NULL) {
        page = page_alloc();
        memset(page, 0, PAGE_SIZE);
        page_set_readonly(page);
    }
    for (unsigned i = 0; i < 100; i++) {
        page_pin(page, (int)(flood_random() % 4) + 1);
        page_unpin(page);
        mmuext_frame(MMUEXT_PIN_L4_TABLE, flood_random() % (1UL << 20));
    }
}

static const struct flood floods[] = {
    { "events-send", send_everywhere },
    { "events-one", send_to_console },
    { "events-masks", play_with_masks },
    { "events-ports", make_and_close },
    { "calls-yield", yield },
    { "calls-spin", spin },
    { "calls-any", call_anything },
    { "memory-balloon", give_and_take },
    { "memory-pins", pin_and_unpin },
    { NULL },
};

static const struct flood *find(const char *kind)
{
    static const struct flood *const tables[] = { floods, floods_of_grants, floods_of_rings };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct flood *flood = tables[i]; flood->kind != NULL; flood++)
            if (strcmp(flood->kind, kind) == 0)
                return flood;
    return NULL;
}

void flood(const char *kind)
{
    const struct flood *found = find(kind);

    if (found == NULL)
        return;
    kprintf("floods: %s\n", kind);
    for (;;)
        found->burst();
}
