/* SPDX-License-Identifier: MIT */
/*
 * Senders take no lock: processors send while others close, bind and unmask the same ports.
 * Whatever the order, a channel that stands loses no event, nobody hears of a channel that was
 * never his, and in the end both sides agree. Each processor is a thread; a run shows few of the
 * orders there are, many runs more.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "run.h"
#include "fake.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "lib/check.h"

#define ROUNDS 2000U /* of the sender, and on until the others have had their turns */
#define TURNS  100U
/* Looks for an answer, most of them a millisecond apart: a lost event is no test that hangs. */
#define PATIENCE    30000U
#define ARG_OF(cpu) (0x20000UL + (cpu)*0x1000UL)

static struct domain *a, *b, *stranger;
static uint8_t memory[4][64];
static unsigned steady_near, steady_far; /* stays: from a to b */
static unsigned moving_near, moving_far; /* comes and goes: of a and b */
static volatile uint64_t message;
static uint64_t heard;
static bool sender_done;
static unsigned nr_joined;

/* On the processor that the thread is. */
static long op(unsigned cmd, void *arg, size_t size)
{
    memcpy(memory[fake_cpu], arg, size);
    long rc = hypercall_event_channel_op(cmd, ARG_OF(fake_cpu), 0, 0, 0);
    memcpy(arg, memory[fake_cpu], size);
    return rc;
}

#define OP(cmd, arg) op(cmd, arg, sizeof(*(arg)))

static void be(unsigned cpu, struct domain *d, unsigned vcpu)
{
    fake_cpu = cpu;
    fake_switch_to(d->vcpus[vcpu]);
}

static unsigned unbound(domid_t remote)
{
    struct evtchn_alloc_unbound x = { .dom = DOMID_SELF, .remote_dom = remote };

    ASSERT(OP(EVTCHNOP_alloc_unbound, &x) == 0);
    return x.port;
}

static long join(domid_t remote, unsigned port, unsigned *local)
{
    struct evtchn_bind_interdomain x = { .remote_dom = remote, .remote_port = port };
    long rc = OP(EVTCHNOP_bind_interdomain, &x);

    *local = x.local_port;
    return rc;
}

static long send(unsigned port)
{
    struct evtchn_send x = { .port = port };

    return OP(EVTCHNOP_send, &x);
}

static void shut(unsigned port)
{
    struct evtchn_close x = { .port = port };

    OP(EVTCHNOP_close, &x); /* the other side may have been first */
}

static void start(void)
{
    fake_machine_start(512);
    for (unsigned cpu = 0; cpu < 4; cpu++)
        fake_guest_map(ARG_OF(cpu), memory[cpu], sizeof(memory[cpu]));
    a = fake_domain(1, 2, 64, false);
    b = fake_domain(2, 2, 64, false);
    stranger = fake_domain(3, 1, 64, false);
    be(0, b, 0);
    steady_far = unbound(a->id);
    moving_far = unbound(a->id);
    be(0, a, 0);
    ck_assert_int_eq(join(b->id, steady_far, &steady_near), 0);
    ck_assert_int_eq(join(b->id, moving_far, &moving_near), 0);
    memset(a->shared_info->evtchn_pending, 0, sizeof(a->shared_info->evtchn_pending));
    a->vcpus[0]->info->evtchn_pending_sel = 0;
    a->vcpus[0]->info->evtchn_upcall_pending = 0;
    fake_threads = true;
}

/* Processor 0, vCPU 0 of a: a message, then the event that tells of it. And the port that comes and
 * goes. */
static void *sender(void *arg)
{
    (void)arg;
    be(0, a, 0);
    for (uint64_t i = 1; i <= ROUNDS || __atomic_load_n(&nr_joined, __ATOMIC_SEQ_CST) < TURNS;
         i++) {
        /* First, so that its event does not help the other's: 0, or -EINVAL if it is gone. */
        send(__atomic_load_n(&moving_near, __ATOMIC_SEQ_CST));
        __atomic_store_n(&message, i, __ATOMIC_SEQ_CST);
        ASSERT(send(steady_near) == 0);
        for (unsigned n = 0; __atomic_load_n(&heard, __ATOMIC_SEQ_CST) != i; n++) {
            ASSERT(n < PATIENCE);
            if (n < 1000)
                sched_yield();
            else
                usleep(1000);
        }
    }
    __atomic_store_n(&sender_done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* What a guest's callback does. */
static void take_events(struct vcpu *v)
{
    uint64_t *words = (uint64_t *)v->domain->shared_info->evtchn_pending;

    if (!__atomic_exchange_n(&v->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST))
        return;
    uint64_t sel = __atomic_exchange_n(&v->info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; sel; sel &= sel - 1) {
        unsigned word = (unsigned)__builtin_ctzl(sel);
        uint64_t bits = __atomic_exchange_n(&words[word], 0, __ATOMIC_SEQ_CST);
        if (word == steady_far / 64 && (bits >> steady_far % 64 & 1))
            __atomic_store_n(&heard, __atomic_load_n(&message, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    }
}

/*
 * Processor 1, vCPU 0 of b: hears. It masks and unmasks once behind each message but some, and not
 * again until the next came: that would help an event that was lost.
 */
static void *receiver(void *arg)
{
    struct evtchn_unmask unmask = { .port = steady_far };
    uint64_t last = 0;

    (void)arg;
    be(1, b, 0);
    while (!__atomic_load_n(&sender_done, __ATOMIC_SEQ_CST)) {
        take_events(b->vcpus[0]);
        if (heard == last)
            continue;
        last = heard;
        if (last % 4 == 0)
            continue;
        bit_set((uint64_t *)b->shared_info->evtchn_mask, steady_far);
        fake_step();
        ASSERT(OP(EVTCHNOP_unmask, &unmask) == 0);
    }
    return NULL;
}

/* Processor 2, vCPU 1 of b: its side of the other channel goes and comes back. */
static void *far_side(void *arg)
{
    (void)arg;
    be(2, b, 1);
    while (!__atomic_load_n(&sender_done, __ATOMIC_SEQ_CST)) {
        shut(moving_far);
        __atomic_store_n(&moving_far, unbound(a->id), __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Processor 3, vCPU 1 of a: closes its own, and binds again what the other side offers. */
static void *near_side(void *arg)
{
    unsigned port;

    (void)arg;
    be(3, a, 1);
    while (!__atomic_load_n(&sender_done, __ATOMIC_SEQ_CST)) {
        shut(moving_near);
        if (join(b->id, __atomic_load_n(&moving_far, __ATOMIC_SEQ_CST), &port) == 0) {
            __atomic_store_n(&moving_near, port, __ATOMIC_SEQ_CST);
            __atomic_add_fetch(&nr_joined, 1, __ATOMIC_SEQ_CST);
        }
    }
    return NULL;
}

static void check_agreement(struct domain *d)
{
    for (unsigned port = 1; port < EVENT_PORTS; port++) {
        struct event_port p, q;
        if (!event_port_look(d, port, &p) || p.state != EVTCHNSTAT_interdomain)
            continue;
        ck_assert(event_port_look(domain_by_id(p.remote_domain), p.remote_port, &q));
        ck_assert_int_eq(q.state, EVTCHNSTAT_interdomain);
        ck_assert_uint_eq(q.remote_domain, d->id);
        ck_assert_uint_eq(q.remote_port, port);
    }
}

START_TEST(a_standing_channel_loses_no_event)
{
    static void *(*const roles[])(void *) = { sender, receiver, far_side, near_side };
    pthread_t threads[ARRAY_SIZE(roles)];

    start();
    for (unsigned i = 0; i < ARRAY_SIZE(roles); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, roles[i], NULL), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(roles); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(heard, message);
    check_agreement(a);
    check_agreement(b);
    for (unsigned word = 0; word < EVENT_PORTS / 64; word++)
        ck_assert_uint_eq(stranger->shared_info->evtchn_pending[word], 0);
    ck_assert_uint_eq(stranger->vcpus[0]->info->evtchn_upcall_pending, 0);
    for (unsigned cpu = 0; cpu < 4; cpu++) { /* no lock is held */
        for (unsigned rank = 0; rank < ARRAY_SIZE(fake_cpus[cpu].held); rank++)
            ck_assert_uint_eq(fake_cpus[cpu].held[rank], 0);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_standing_channel_loses_no_event, .rounds = 3 },
    };
    return RUN_TESTS("event/event_race", tests);
}
