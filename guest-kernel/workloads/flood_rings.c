/* SPDX-License-Identifier: MIT */
/*
 * Floods of the two rings that every guest shares with dom0: its console and the store.
 *
 * ABI: struct xencons_interface, <xen/io/console.h>; struct xenstore_domain_interface, <xen/io/xs_wire.h>
 */
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#include "arch/pv/page_table.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "workloads/flood.h"

#define BURST 100u

static struct xenstore_domain_interface *store(void)
{
    return mfn_to_address(start_info->store_mfn);
}

static struct xencons_interface *console(void)
{
    return mfn_to_address(start_info->console.domU.mfn);
}

static void kick(evtchn_port_t port)
{
    struct evtchn_send send = { .port = port };

    hypercall_event_channel_op(EVTCHNOP_send, &send);
}

/* ---- the console ---- */

static void talk(void)
{
    for (unsigned i = 0; i < BURST; i++)
        kprintf("floods and floods, %u, and has no end of things to say about the weather and the sea\n", i);
}

static void no_line_ends(void)
{
    kprintf("x\033[2J\007\001");
}

static void console_indices(void)
{
    console()->out_prod = (uint32_t)flood_random();
    console()->out_cons = (uint32_t)flood_random();
    console()->in_prod = (uint32_t)flood_random();
    console()->in_cons = (uint32_t)flood_random();
    kick(start_info->console.domU.evtchn);
}

/* ---- the store ---- */

/* One that was closed for what it sent begins anew. */
static void reconnect(void)
{
    if (store()->error == XENSTORE_ERROR_NONE)
        return;
    store()->connection = XENSTORE_RECONNECT;
    kick(start_info->store_evtchn);
    while (*(volatile uint32_t *)&store()->connection == XENSTORE_RECONNECT)
        hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void skip_replies(void)
{
    store()->rsp_cons = __atomic_load_n(&store()->rsp_prod, __ATOMIC_ACQUIRE);
}

/* Gives up when there is no room for long. */
static void send(const void *bytes, size_t size, void (*meanwhile)(void))
{
    const char *from = bytes;

    for (unsigned tries = 0; size > 0 && tries < BURST; tries++) {
        XENSTORE_RING_IDX prod = store()->req_prod, cons = __atomic_load_n(&store()->req_cons, __ATOMIC_ACQUIRE);

        while (size > 0 && prod - cons < XENSTORE_RING_SIZE) {
            store()->req[MASK_XENSTORE_IDX(prod++)] = *from++;
            size--;
        }
        __atomic_store_n(&store()->req_prod, prod, __ATOMIC_RELEASE);
        kick(start_info->store_evtchn);
        if (size > 0)
            hypercall_sched_op(SCHEDOP_yield, NULL);
        if (meanwhile != NULL)
            meanwhile();
    }
}

/* The text's length is its own, with its NULs; a header may lie about it. */
static void request(uint32_t type, uint32_t transaction, const char *text, size_t size, void (*meanwhile)(void))
{
    struct xsd_sockmsg header = { .type = type, .tx_id = transaction, .len = (uint32_t)size };

    send(&header, sizeof(header), meanwhile);
    send(text, size, meanwhile);
}

/* Nodes until the quota says no, then removing them all. */
static void make_nodes(void)
{
    char path[64];

    for (unsigned i = 0; i < 1200; i++)
        request(XS_MKDIR, 0, path, ksnprintf(path, sizeof(path), "data/%u/%u", i % 40, i) + 1, skip_replies);
    request(XS_DIRECTORY, 0, "data", 5, skip_replies);
    request(XS_RM, 0, "data", 5, skip_replies);
}

static void watch(void)
{
    char text[64];
    size_t size;

    for (unsigned i = 0; i < BURST; i++) {
        size = ksnprintf(text, sizeof(text), "data%c%u", 0, i) + 1;
        request(XS_WATCH, 0, text, size, skip_replies);
        size = ksnprintf(text, sizeof(text), "/tool%c%u", 0, i) + 1;
        request(XS_WATCH, 0, text, size, skip_replies);
    }
    for (unsigned i = 0; i < BURST; i++)
        request(XS_WRITE, 0, "data\0again", 10, skip_replies);
}

/* Some are begun and never ended, each with a change. */
static void begin(void)
{
    char path[64];

    request(XS_TRANSACTION_START, 0, "", 1, skip_replies);
    for (uint32_t i = 0; i < 20; i++)
        request(XS_MKDIR, i, path, ksnprintf(path, sizeof(path), "data/%lu", flood_random() % 1000) + 1, skip_replies);
}

static void never_read(void)
{
    for (unsigned i = 0; i < BURST; i++)
        request(XS_DIRECTORY, 0, "/", 2, NULL);
}

static void half_a_message(void)
{
    static const struct xsd_sockmsg header = { .type = XS_WRITE, .len = 40 };
    static bool begun;

    if (!begun)
        send(&header, sizeof(header), NULL);
    if (!begun)
        send("data", 5, NULL);
    begun = true;
    kick(start_info->store_evtchn);
}

static void too_large(void)
{
    struct xsd_sockmsg header = { .type = XS_WRITE, .len = (uint32_t)flood_random() };

    send(&header, sizeof(header), skip_replies);
    reconnect();
}

static void garbage(void)
{
    uint64_t bytes[32];

    for (unsigned i = 0; i < 32; i++)
        bytes[i] = flood_random() % (i % 2 ? 24 : ~0UL);
    send(bytes, sizeof(bytes), skip_replies);
    reconnect();
}

static void store_indices(void)
{
    store()->req_prod = (uint32_t)flood_random();
    store()->req_cons = (uint32_t)flood_random();
    store()->rsp_prod = (uint32_t)flood_random();
    store()->rsp_cons = (uint32_t)flood_random();
    kick(start_info->store_evtchn);
    reconnect();
}

const struct flood floods_of_rings[] = {
    { "console-talk", talk },
    { "console-bytes", no_line_ends },
    { "console-indices", console_indices },
    { "store-nodes", make_nodes },
    { "store-watches", watch },
    { "store-transactions", begin },
    { "store-unread", never_read },
    { "store-half", half_a_message },
    { "store-large", too_large },
    { "store-garbage", garbage },
    { "store-indices", store_indices },
    { NULL },
};
