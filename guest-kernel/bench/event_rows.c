/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of event channels.
 */
#include "arch/pv/pv.h"
#include "bench/bench.h"
#include "bench/handlers.h"
#include "workloads/ports.h"

#define PORTS_MAX 512

volatile uint64_t bench_event_entry;
void *bench_event_info;
void *bench_event_pending;

static struct port_pair pair;

static bool pair_setup(void)
{
    if (port_pair_open(&pair) != 0)
        return false;
    event_mask(pair.far);
    return true;
}

static void pair_teardown(void)
{
    port_pair_close(&pair);
}

/* Taken back by hand each time: a port that is pending already costs the hypervisor less. */
static uint64_t send_masked(unsigned rounds, unsigned batch)
{
    struct evtchn_send send = { .port = pair.near };

    (void)batch;
    BENCH_LOOP(rounds, hypercall_event_channel_op(EVTCHNOP_send, &send); event_clear(pair.far));
}

static bool self_setup(void)
{
    if (!pair_setup())
        return false;
    event_clear(pair.far);
    bench_event_info = vcpu_info_here();
    bench_event_pending = &shared_info->evtchn_pending[pair.far / 64];
    event_callback_set(bench_event);
    event_unmask(pair.far);
    return true;
}

static void self_teardown(void)
{
    event_mask(pair.far);
    event_callback_set(NULL);
    pair_teardown();
}

static uint64_t self_entry(unsigned rounds, unsigned batch)
{
    struct evtchn_send send = { .port = pair.near };
    uint64_t total = 0;

    (void)batch;
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t before = arch_cycles();

        hypercall_event_channel_op(EVTCHNOP_send, &send);
        total += bench_event_entry - before;
    }
    return total;
}

static uint64_t self_roundtrip(unsigned rounds, unsigned batch)
{
    struct evtchn_send send = { .port = pair.near };

    (void)batch;
    BENCH_LOOP(rounds, hypercall_event_channel_op(EVTCHNOP_send, &send));
}

static evtchn_port_t ports[PORTS_MAX];

static uint64_t open_ports(unsigned count)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    uint64_t start = bench_begin();

    for (unsigned i = 0; i < count; i++) {
        hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
        ports[i] = alloc.port;
    }
    return bench_end(start);
}

static uint64_t close_ports(unsigned count)
{
    struct evtchn_close close;
    uint64_t start = bench_begin();

    for (unsigned i = 0; i < count; i++) {
        close.port = ports[i];
        hypercall_event_channel_op(EVTCHNOP_close, &close);
    }
    return bench_end(start);
}

/* Few at a time: finding a free port takes the longer the more are in use. */
static uint64_t open_and_close(unsigned rounds, bool time_open)
{
    uint64_t total = 0;

    for (unsigned done = 0; done < rounds; done++) {
        uint64_t opening = open_ports(1), closing = close_ports(1);

        total += time_open ? opening : closing;
    }
    return total;
}

static uint64_t alloc_unbound(unsigned rounds, unsigned batch)
{
    (void)batch;
    return open_and_close(rounds, true);
}

static uint64_t evtchn_close(unsigned rounds, unsigned batch)
{
    (void)batch;
    return open_and_close(rounds, false);
}

const struct bench_row bench_event_rows[] = {
    { "event-send-masked", BATCH_ONE, 2048, send_masked, pair_setup, pair_teardown },
    { "event-self-entry", BATCH_ONE, 1024, self_entry, self_setup, self_teardown },
    { "event-self-roundtrip", BATCH_ONE, 2048, self_roundtrip, self_setup, self_teardown },
    { "alloc-unbound", BATCH_ONE, 256, alloc_unbound, NULL, NULL },
    { "evtchn-close", BATCH_ONE, 256, evtchn_close, NULL, NULL },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
