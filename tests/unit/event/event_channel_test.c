/* SPDX-License-Identifier: MIT */
/* Event channels: what two domains see of each other's ports, bit by bit. ABI:
 * <xen/event_channel.h> */
#include "run.h"
#include "fake.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include <string.h>

#define ARG 0x20000UL

static struct domain *a, *b; /* a is privileged */
static uint8_t memory[64];

static void start(void)
{
    fake_machine_start(512);
    fake_guest_map(ARG, memory, sizeof(memory));
    a = fake_domain(1, 2, 64, true);
    b = fake_domain(2, 3, 64, false);
    fake_switch_to(a->vcpus[0]);
}

static long op(struct domain *d, unsigned cmd, void *arg, size_t size)
{
    fake_switch_to(d->vcpus[0]);
    memcpy(memory, arg, size);
    long rc = hypercall_event_channel_op(cmd, ARG, 0, 0, 0);
    memcpy(arg, memory, size);
    ck_assert(fake_interrupts); /* whatever was locked is not */
    return rc;
}

#define OP(d, cmd, arg) op(d, cmd, arg, sizeof(*(arg)))

static unsigned unbound(struct domain *d, domid_t remote)
{
    struct evtchn_alloc_unbound x = { .dom = DOMID_SELF, .remote_dom = remote };

    ck_assert_int_eq(OP(d, EVTCHNOP_alloc_unbound, &x), 0);
    return x.port;
}

static long bind(struct domain *d, domid_t remote, unsigned port, unsigned *local)
{
    struct evtchn_bind_interdomain x = { .remote_dom = remote, .remote_port = port };
    long rc = OP(d, EVTCHNOP_bind_interdomain, &x);

    *local = x.local_port;
    return rc;
}

static long send(struct domain *d, unsigned port)
{
    struct evtchn_send x = { .port = port };

    return OP(d, EVTCHNOP_send, &x);
}

static long close_port(struct domain *d, unsigned port)
{
    struct evtchn_close x = { .port = port };

    return OP(d, EVTCHNOP_close, &x);
}

static struct evtchn_status status(struct domain *d, unsigned port)
{
    struct evtchn_status x = { .dom = DOMID_SELF, .port = port };

    ck_assert_int_eq(OP(d, EVTCHNOP_status, &x), 0);
    return x;
}

static bool pending(const struct domain *d, unsigned port)
{
    return bit_is_set((const uint64_t *)d->shared_info->evtchn_pending, port);
}

static void clear_pending(struct domain *d)
{
    memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        d->vcpus[i]->info->evtchn_pending_sel = 0;
        d->vcpus[i]->info->evtchn_upcall_pending = 0;
    }
    fake_kicked = fake_polls_ended = 0;
}

START_TEST(two_domains_are_joined_and_hear_each_other)
{
    unsigned theirs, ours;

    start();
    theirs = unbound(b, a->id);
    ck_assert_int_eq(status(b, theirs).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(status(b, theirs).u.unbound.dom, a->id);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), 0);
    ck_assert(pending(a, ours)); /* what was sent before is not missed */
    ck_assert_int_eq(status(a, ours).u.interdomain.dom, b->id);
    ck_assert_uint_eq(status(a, ours).u.interdomain.port, theirs);
    ck_assert_int_eq(status(b, theirs).status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(status(b, theirs).u.interdomain.port, ours);
    clear_pending(a);
    ck_assert_int_eq(send(a, ours), 0);
    ck_assert(pending(b, theirs) && !pending(a, ours));
    ck_assert_uint_eq(b->vcpus[0]->info->evtchn_pending_sel, 1UL << theirs / 64);
    ck_assert_uint_eq(b->vcpus[0]->info->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(fake_kicked, 1);
    ck_assert_int_eq(send(b, theirs), 0);
    ck_assert(pending(a, ours));
}
END_TEST

START_TEST(only_the_one_it_waits_for_binds_a_port_and_once)
{
    unsigned theirs = 0, ours;

    start();
    theirs = unbound(b, 9);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), -XEN_EINVAL);
    theirs = unbound(b, a->id);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), 0);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), -XEN_EINVAL);
    ck_assert_int_eq(bind(a, b->id, 0, &ours), -XEN_EINVAL);
    ck_assert_int_eq(bind(a, b->id, 4095, &ours), -XEN_EINVAL);
    ck_assert_int_eq(bind(a, b->id, 4096, &ours), -XEN_EINVAL);
    ck_assert_int_eq(bind(a, b->id, ~0U, &ours), -XEN_EINVAL);
    ck_assert_int_eq(bind(a, 77, theirs, &ours), -XEN_ESRCH);
    /* The ports held meanwhile are free again. */
    unsigned next = unbound(a, b->id);
    ck_assert_uint_eq(next, 2);
}
END_TEST

START_TEST(either_side_may_close_first)
{
    for (unsigned first = 0; first < 2; first++) {
        unsigned theirs, ours;
        if (!first)
            start();
        theirs = unbound(b, a->id);
        ck_assert_int_eq(bind(a, b->id, theirs, &ours), 0);
        struct domain *closes = first ? a : b, *stays = first ? b : a;
        unsigned closed = first ? ours : theirs, left = first ? theirs : ours;
        ck_assert_int_eq(close_port(closes, closed), 0);
        ck_assert_int_eq(status(closes, closed).status, EVTCHNSTAT_closed);
        ck_assert(!pending(closes, closed));
        ck_assert_int_eq(status(stays, left).status, EVTCHNSTAT_unbound);
        ck_assert_int_eq(status(stays, left).u.unbound.dom, closes->id);
        clear_pending(a);
        clear_pending(b);
        ck_assert_int_eq(send(stays, left), 0); /* lost, without harm */
        ck_assert_int_eq(send(closes, closed), -XEN_EINVAL);
        ck_assert(!pending(a, ours) && !pending(b, theirs));
        ck_assert_int_eq(close_port(stays, left), 0);
        ck_assert_int_eq(close_port(stays, left), -XEN_EINVAL);
    }
}
END_TEST

START_TEST(a_domain_may_talk_to_itself)
{
    unsigned first, second;

    start();
    first = unbound(b, DOMID_SELF);
    ck_assert_int_eq(bind(b, DOMID_SELF, first, &second), 0);
    clear_pending(b);
    ck_assert_int_eq(send(b, first), 0);
    ck_assert(pending(b, second) && !pending(b, first));
    ck_assert_int_eq(close_port(b, second), 0);
    ck_assert_int_eq(status(b, first).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(bind(b, b->id, first, &second), 0);
}
END_TEST

START_TEST(a_masked_port_is_pending_in_silence_until_it_is_unmasked)
{
    struct evtchn_bind_ipi ipi = { .vcpu = 1 };

    start();
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_ipi, &ipi), 0);
    bit_set((uint64_t *)b->shared_info->evtchn_mask, ipi.port);
    ck_assert_int_eq(send(b, ipi.port), 0);
    ck_assert(pending(b, ipi.port));
    ck_assert_uint_eq(b->vcpus[1]->info->evtchn_upcall_pending, 0);
    ck_assert_uint_eq(fake_kicked, 0);
    struct evtchn_unmask x = { .port = ipi.port };
    ck_assert_int_eq(OP(b, EVTCHNOP_unmask, &x), 0);
    ck_assert(!bit_is_set((uint64_t *)b->shared_info->evtchn_mask, ipi.port));
    ck_assert_uint_eq(b->vcpus[1]->info->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(fake_kicked, 2);
    /* Pending already: nobody is kicked twice, nor for a port that is not pending. */
    fake_kicked = 0;
    ck_assert_int_eq(send(b, ipi.port), 0);
    ck_assert_uint_eq(fake_kicked, 0);
    clear_pending(b);
    ck_assert_int_eq(OP(b, EVTCHNOP_unmask, &x), 0);
    ck_assert_uint_eq(fake_kicked, 0);
    x.port = 0;
    ck_assert_int_eq(OP(b, EVTCHNOP_unmask, &x), -XEN_EINVAL);
    x.port = 4096;
    ck_assert_int_eq(OP(b, EVTCHNOP_unmask, &x), -XEN_EINVAL);
}
END_TEST

START_TEST(pollers_wake_for_their_port_masked_or_not)
{
    struct evtchn_bind_ipi ipi = { .vcpu = 0 };

    start();
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_ipi, &ipi), 0);
    bit_set((uint64_t *)b->shared_info->evtchn_mask, ipi.port);
    b->vcpus[0]->polling = b->vcpus[1]->polling = b->vcpus[2]->polling = true;
    b->vcpus[0]->poll_port = ipi.port;
    b->vcpus[1]->poll_port = ipi.port + 1;
    b->vcpus[2]->poll_port = 0; /* several */
    b->events.pollers = 3;
    ck_assert_int_eq(send(b, ipi.port), 0);
    ck_assert_uint_eq(fake_polls_ended, 5);
}
END_TEST

START_TEST(virqs_of_vcpus_and_of_the_machine_are_told_apart)
{
    struct evtchn_bind_virq x = { .virq = VIRQ_TIMER, .vcpu = 1 };
    unsigned port;

    start();
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), 0);
    port = x.port;
    ck_assert_int_eq(status(b, port).u.virq, VIRQ_TIMER);
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), -XEN_EEXIST);
    virq_raise(b->vcpus[0], VIRQ_TIMER); /* not bound there */
    ck_assert(!pending(b, port));
    virq_raise(b->vcpus[1], VIRQ_TIMER);
    ck_assert(pending(b, port));
    ck_assert_uint_eq(fake_kicked, 2);
    ck_assert_int_eq(send(b, port), -XEN_EINVAL); /* only we raise it */
    ck_assert_int_eq(close_port(b, port), 0);
    clear_pending(b);
    virq_raise(b->vcpus[1], VIRQ_TIMER);
    ck_assert(!pending(b, port));
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), 0); /* free again */
    x = (struct evtchn_bind_virq){ .virq = VIRQ_CONSOLE, .vcpu = 1 };
    ck_assert_int_eq(OP(a, EVTCHNOP_bind_virq, &x), -XEN_EINVAL);
    x.vcpu = 0;
    ck_assert_int_eq(OP(a, EVTCHNOP_bind_virq, &x), 0);
    struct evtchn_bind_vcpu to = { .port = x.port, .vcpu = 1 };
    ck_assert_int_eq(OP(a, EVTCHNOP_bind_vcpu, &to), 0);
    dom0 = a;
    clear_pending(a);
    virq_raise_global(VIRQ_CONSOLE);
    ck_assert(pending(a, x.port));
    ck_assert_uint_eq(fake_kicked, 2);
    ck_assert_int_eq(close_port(a, x.port), 0);
    ck_assert_int_eq(OP(a, EVTCHNOP_bind_virq, &x), 0);
    x = (struct evtchn_bind_virq){ .virq = NR_VIRQS };
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), -XEN_EINVAL);
    x = (struct evtchn_bind_virq){ .virq = VIRQ_TIMER, .vcpu = 3 };
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), -XEN_ENOENT);
    x.vcpu = ~0U;
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_virq, &x), -XEN_ENOENT);
}
END_TEST

START_TEST(a_port_follows_its_vcpu_where_it_may)
{
    unsigned theirs, ours;
    struct evtchn_bind_ipi ipi = { .vcpu = 2 };
    struct evtchn_bind_vcpu to;

    start();
    theirs = unbound(b, a->id);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), 0);
    to = (struct evtchn_bind_vcpu){ .port = theirs, .vcpu = 2 };
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_vcpu, &to), 0);
    ck_assert_uint_eq(status(b, theirs).vcpu, 2);
    fake_kicked = 0;
    ck_assert_int_eq(send(a, ours), 0);
    ck_assert_uint_eq(fake_kicked, 4);
    to.vcpu = 3;
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_vcpu, &to), -XEN_ENOENT);
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_ipi, &ipi), 0);
    to = (struct evtchn_bind_vcpu){ .port = ipi.port, .vcpu = 1 };
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_vcpu, &to), -XEN_EINVAL);
    ipi.vcpu = 3;
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_ipi, &ipi), -XEN_ENOENT);
    to.port = 4000;
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_vcpu, &to), -XEN_EINVAL);
}
END_TEST

START_TEST(others_ports_are_for_the_privileged)
{
    struct evtchn_alloc_unbound x = { .dom = 2, .remote_dom = DOMID_SELF };
    struct evtchn_status s = { .dom = 1, .port = 1 };
    struct evtchn_reset r = { .dom = 1 };

    start();
    ck_assert_int_eq(OP(a, EVTCHNOP_alloc_unbound, &x), 0);
    ck_assert_int_eq(status(b, x.port).u.unbound.dom, a->id);
    x = (struct evtchn_alloc_unbound){ .dom = 1, .remote_dom = 2 };
    ck_assert_int_eq(OP(b, EVTCHNOP_alloc_unbound, &x), -XEN_EPERM);
    ck_assert_int_eq(OP(b, EVTCHNOP_status, &s), -XEN_EPERM);
    ck_assert_int_eq(OP(b, EVTCHNOP_reset, &r), -XEN_EPERM);
    s.dom = 99;
    ck_assert_int_eq(OP(a, EVTCHNOP_status, &s), -XEN_ESRCH);
    r.dom = 2;
    ck_assert_int_eq(OP(a, EVTCHNOP_reset, &r), 0);
    ck_assert_int_eq(status(b, 1).status, EVTCHNSTAT_closed);
}
END_TEST

/* 4095 ports, and work that turns up all the time: the call stops, and ends when all are closed. */
START_TEST(a_reset_stops_for_work_and_goes_on)
{
    struct evtchn_reset r = { .dom = DOMID_SELF };
    unsigned ports[300], ours, again = 0;

    start();
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
        ports[i] = unbound(b, a->id);
    ck_assert_int_eq(bind(a, b->id, ports[7], &ours), 0);
    fake_switch_to(b->vcpus[0]);
    memcpy(memory, &r, sizeof(r));
    fake_preempt(1);
    while (hypercall_event_channel_op(EVTCHNOP_reset, ARG, 0, 0, 0) == HYPERCALL_CONTINUE) {
        ck_assert_uint_eq(b->vcpus[0]->again.args[0], EVTCHNOP_reset);
        ck_assert_uint_eq(b->vcpus[0]->again.args[1], ARG);
        ck_assert(fake_interrupts);
        again++;
    }
    fake_preempt(0);
    ck_assert_uint_eq(again, ARRAY_SIZE(ports));
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
        ck_assert_int_eq(status(b, ports[i]).status, EVTCHNSTAT_closed);
    ck_assert_int_eq(status(a, ours).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(unbound(b, a->id), 1);
}
END_TEST

START_TEST(a_domain_that_goes_opens_no_more_ports)
{
    unsigned ours, theirs;

    start();
    theirs = unbound(b, a->id);
    ck_assert_int_eq(bind(a, b->id, theirs, &ours), 0);
    unbound(b, a->id);
    fake_preempt(1);
    unsigned again = 0;
    while (!domain_events_close(b))
        again++;
    ck_assert_uint_eq(again, 2);
    fake_preempt(0);
    struct evtchn_alloc_unbound x = { .dom = 2, .remote_dom = DOMID_SELF };
    ck_assert_int_eq(OP(a, EVTCHNOP_alloc_unbound, &x), -XEN_ENOSPC);
    ck_assert_int_eq(status(a, ours).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(send(a, ours), 0);
    domain_events_free(b);
}
END_TEST

START_TEST(all_ports_can_be_had_and_no_more)
{
    start();
    for (unsigned i = 1; i < EVENT_PORTS; i++)
        ck_assert_uint_eq(unbound(b, a->id), i);
    struct evtchn_alloc_unbound x = { .dom = DOMID_SELF, .remote_dom = 1 };
    ck_assert_int_eq(OP(b, EVTCHNOP_alloc_unbound, &x), -XEN_ENOSPC);
    ck_assert_int_eq(close_port(b, 3000), 0);
    ck_assert_uint_eq(unbound(b, a->id), 3000);
    ck_assert(domain_events_close(b));
    domain_events_free(b);
    struct event_port look;
    for (unsigned i = 0; i < EVENT_CHUNKS; i++)
        ck_assert(!event_port_look(b, i * EVENT_PORTS_PER_CHUNK, &look) || look.state == 0);
}
END_TEST

START_TEST(what_is_no_operation_or_no_memory_is_refused)
{
    uint64_t nothing = 0;

    start();
    ck_assert_int_eq(OP(a, 999, &nothing), -XEN_ENOSYS);
    ck_assert_int_eq(OP(a, ~0U, &nothing), -XEN_ENOSYS);
    ck_assert_int_eq(hypercall_event_channel_op(EVTCHNOP_send, ARG + sizeof(memory), 0, 0, 0),
                     -XEN_EFAULT);
    ck_assert_int_eq(hypercall_event_channel_op(EVTCHNOP_send, HYPERVISOR_START, 0, 0, 0),
                     -XEN_EFAULT);
    ck_assert_int_eq(hypercall_event_channel_op(EVTCHNOP_send, ~0UL, 0, 0, 0), -XEN_EFAULT);
    ck_assert_int_eq(send(a, 0), -XEN_EINVAL);
    ck_assert_int_eq(send(a, 4095), -XEN_EINVAL);
    ck_assert_int_eq(send(a, 4096), -XEN_EINVAL);
    ck_assert_int_eq(close_port(a, 0), -XEN_EINVAL);
    struct evtchn_bind_pirq pirq = { .pirq = 1 };
    ck_assert_int_eq(OP(b, EVTCHNOP_bind_pirq, &pirq), -XEN_EPERM);
    ck_assert_int_eq(OP(a, EVTCHNOP_bind_pirq, &pirq), -XEN_EINVAL);
}
END_TEST

/* Random binds, sends and closes: both tables agree about each pair after each step. */
START_TEST(both_sides_always_agree)
{
    start();
    fake_seed = (uint64_t)_i;
    for (unsigned step = 0; step < 3000; step++) {
        struct domain *d = fake_random() % 2 ? a : b,
                      *other = fake_random() % 3 ? (d == a ? b : a) : d;
        unsigned port = (unsigned)(fake_random() % 12), local;
        switch (fake_random() % 4) {
        case 0:
            if (fake_random() % 4 == 0)
                unbound(d, other->id);
            break;
        case 1:
            bind(d, other->id, port, &local);
            break;
        case 2:
            send(d, port);
            break;
        case 3:
            close_port(d, port);
            break;
        }
        for (unsigned i = 0; i < 2 * 128; i++) {
            struct domain *of = i < 128 ? a : b, *with;
            struct event_port p, q;
            if (!event_port_look(of, i % 128, &p) || p.state != EVTCHNSTAT_interdomain)
                continue;
            with = domain_by_id(p.remote_domain);
            ck_assert(event_port_look(with, p.remote_port, &q));
            ck_assert_int_eq(q.state, EVTCHNSTAT_interdomain);
            ck_assert_uint_eq(q.remote_domain, of->id);
            ck_assert_uint_eq(q.remote_port, i % 128);
        }
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { two_domains_are_joined_and_hear_each_other },
        { only_the_one_it_waits_for_binds_a_port_and_once },
        { either_side_may_close_first },
        { a_domain_may_talk_to_itself },
        { a_masked_port_is_pending_in_silence_until_it_is_unmasked },
        { pollers_wake_for_their_port_masked_or_not },
        { virqs_of_vcpus_and_of_the_machine_are_told_apart },
        { a_port_follows_its_vcpu_where_it_may },
        { others_ports_are_for_the_privileged },
        { a_reset_stops_for_work_and_goes_on },
        { a_domain_that_goes_opens_no_more_ports },
        { all_ports_can_be_had_and_no_more },
        { what_is_no_operation_or_no_memory_is_refused },
        { both_sides_always_agree, .rounds = 4 },
    };
    return RUN_TESTS("event/event_channel", tests);
}
