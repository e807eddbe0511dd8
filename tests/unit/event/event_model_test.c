/* SPDX-License-Identifier: MIT */
/*
 * Three domains that open, join, send to, mask, move and close ports as it falls, one of them dying now and then,
 * against a model that knows only the rules: every answer, every port's status and every bit that a guest sees are
 * compared after each step. ABI: <xen/event_channel.h>
 */
#include "run.h"
#include "fake.h"
#include "domain/life.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include <string.h>

#define ARG     0x20000UL
#define DOMAINS 3U
#define VCPUS   2U
#define PORTS   140U /* more than a chunk has */
#define STEPS   1500U

static struct domain *d[DOMAINS];
static uint8_t memory[64];

/* --- The model ---------------------------------------------------------------------------------- */

struct port {
    unsigned state; /* EVTCHNSTAT_* */
    unsigned vcpu, virq;
    unsigned other; /* unbound: who may bind it; interdomain: the other side. DOMAINS: nobody of ours */
    unsigned other_port;
};

static struct model {
    struct port ports[PORTS];
    bool pending[PORTS], masked[PORTS];
    uint64_t selector[VCPUS];
    bool upcall[VCPUS];
} model[DOMAINS];

static unsigned any(unsigned n)
{
    return (unsigned)(fake_random() % n);
}

static void model_mark(unsigned i, unsigned port)
{
    unsigned vcpu = model[i].ports[port].vcpu;

    if (!(model[i].selector[vcpu] >> (port / 64) & 1))
        model[i].upcall[vcpu] = true;
    model[i].selector[vcpu] |= 1UL << port / 64;
}

static void model_raise(unsigned i, unsigned port)
{
    bool was = model[i].pending[port];

    model[i].pending[port] = true;
    if (!was && !model[i].masked[port])
        model_mark(i, port);
}

/* The lowest that is closed; PORTS: none. */
static unsigned model_free(unsigned i)
{
    unsigned port = 1;

    while (port < PORTS && model[i].ports[port].state != EVTCHNSTAT_closed)
        port++;
    return port;
}

static void model_open(unsigned i, unsigned port, struct port content)
{
    model[i].ports[port] = content;
    model[i].pending[port] = false;
}

static void model_close(unsigned i, unsigned port)
{
    struct port *p = &model[i].ports[port];

    if (p->state == EVTCHNSTAT_interdomain) {
        struct port *q = &model[p->other].ports[p->other_port];
        q->state = EVTCHNSTAT_unbound;
        q->other = i;
    }
    *p = (struct port){ 0 };
    model[i].pending[port] = false;
}

/* --- Calls -------------------------------------------------------------------------------------- */

static long op(unsigned i, unsigned cmd, void *arg, size_t size)
{
    long rc;

    fake_switch_to(d[i]->vcpus[0]);
    memcpy(memory, arg, size);
    do
        rc = hypercall_event_channel_op(cmd, ARG, 0, 0, 0);
    while (rc == HYPERCALL_CONTINUE);
    memcpy(arg, memory, size);
    return rc;
}

#define OP(i, cmd, arg) op(i, cmd, arg, sizeof(*(arg)))

static void alloc_unbound(void)
{
    unsigned i = any(DOMAINS), other = any(DOMAINS), port = model_free(i);
    struct evtchn_alloc_unbound x = { .dom = DOMID_SELF, .remote_dom = other == i ? DOMID_SELF : d[other]->id };
    long rc = OP(i, EVTCHNOP_alloc_unbound, &x);

    if (port == PORTS) {
        ck_assert_int_eq(rc, -XEN_ENOSPC);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(x.port, port);
    model_open(i, port, (struct port){ .state = EVTCHNSTAT_unbound, .other = other });
}

static void bind_interdomain(void)
{
    unsigned i = any(DOMAINS), other = any(DOMAINS), far = any(24), near = model_free(i);
    struct evtchn_bind_interdomain x = { .remote_dom = d[other]->id, .remote_port = far };
    struct port *p = &model[other].ports[far];
    long rc = OP(i, EVTCHNOP_bind_interdomain, &x);

    if (near == PORTS) {
        ck_assert_int_eq(rc, -XEN_ENOSPC);
        return;
    }
    model[i].pending[near] = false; /* it was held for a moment, joined or not */
    if (far == 0 || p->state != EVTCHNSTAT_unbound || p->other != i) {
        ck_assert_int_eq(rc, -XEN_EINVAL);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(x.local_port, near);
    model_open(i, near, (struct port){ .state = EVTCHNSTAT_interdomain, .other = other, .other_port = far });
    *p = (struct port){ .state = EVTCHNSTAT_interdomain, .other = i, .other_port = near, .vcpu = p->vcpu };
    model_raise(i, near);
}

static void bind_ipi(void)
{
    unsigned i = any(DOMAINS), port = model_free(i);
    struct evtchn_bind_ipi x = { .vcpu = any(VCPUS + 1) };
    long rc = OP(i, EVTCHNOP_bind_ipi, &x);

    if (x.vcpu == VCPUS || port == PORTS) {
        ck_assert_int_eq(rc, x.vcpu == VCPUS ? -XEN_ENOENT : -XEN_ENOSPC);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(x.port, port);
    model_open(i, port, (struct port){ .state = EVTCHNSTAT_ipi, .vcpu = x.vcpu });
}

static bool virq_taken(unsigned i, unsigned virq, unsigned vcpu)
{
    for (unsigned port = 1; port < PORTS; port++) {
        const struct port *p = &model[i].ports[port];
        /* A global one may have moved since. */
        if (p->state == EVTCHNSTAT_virq && p->virq == virq && (!virq_is_per_vcpu(virq) || p->vcpu == vcpu))
            return true;
    }
    return false;
}

static void bind_virq(void)
{
    static const unsigned virqs[] = { VIRQ_TIMER, VIRQ_DEBUG, VIRQ_CONSOLE, VIRQ_DOM_EXC };
    unsigned i = any(DOMAINS), port = model_free(i);
    struct evtchn_bind_virq x = { .virq = virqs[any(4)], .vcpu = any(VCPUS) };
    bool global = !virq_is_per_vcpu(x.virq);
    long rc = OP(i, EVTCHNOP_bind_virq, &x);

    if (global && x.vcpu) {
        ck_assert_int_eq(rc, -XEN_EINVAL);
        return;
    }
    if (port == PORTS) {
        ck_assert_int_eq(rc, -XEN_ENOSPC);
        return;
    }
    model[i].pending[port] = false;
    if (virq_taken(i, x.virq, x.vcpu)) {
        ck_assert_int_eq(rc, -XEN_EEXIST);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(x.port, port);
    model_open(i, port, (struct port){ .state = EVTCHNSTAT_virq, .vcpu = x.vcpu, .virq = x.virq });
}

static void send(void)
{
    unsigned i = any(DOMAINS), port = any(40);
    const struct port *p = &model[i].ports[port];
    struct evtchn_send x = { .port = port };
    long rc = OP(i, EVTCHNOP_send, &x);

    ck_assert_int_eq(rc, p->state == EVTCHNSTAT_closed || p->state == EVTCHNSTAT_virq ? -XEN_EINVAL : 0);
    if (p->state == EVTCHNSTAT_interdomain)
        model_raise(p->other, p->other_port);
    else if (p->state == EVTCHNSTAT_ipi)
        model_raise(i, port);
}

static void close_one(void)
{
    unsigned i = any(DOMAINS), port = any(40);
    bool open = model[i].ports[port].state != EVTCHNSTAT_closed;
    struct evtchn_close x = { .port = port };

    ck_assert_int_eq(OP(i, EVTCHNOP_close, &x), open ? 0 : -XEN_EINVAL);
    if (open)
        model_close(i, port);
}

static void bind_vcpu(void)
{
    unsigned i = any(DOMAINS), port = any(40);
    struct port *p = &model[i].ports[port];
    struct evtchn_bind_vcpu x = { .port = port, .vcpu = any(VCPUS) };
    bool moves = p->state == EVTCHNSTAT_unbound || p->state == EVTCHNSTAT_interdomain ||
                 (p->state == EVTCHNSTAT_virq && !virq_is_per_vcpu(p->virq));

    ck_assert_int_eq(OP(i, EVTCHNOP_bind_vcpu, &x), moves ? 0 : -XEN_EINVAL);
    if (moves)
        p->vcpu = x.vcpu;
}

static void unmask(void)
{
    unsigned i = any(DOMAINS), port = any(40) + 1;
    struct evtchn_unmask x = { .port = port };
    long rc = OP(i, EVTCHNOP_unmask, &x);

    /* A port whose chunk was never needed does not exist. */
    if (rc) {
        ck_assert_int_eq(rc, -XEN_EINVAL);
        ck_assert_int_eq(model[i].ports[port].state, EVTCHNSTAT_closed);
        return;
    }
    model[i].masked[port] = false;
    if (model[i].pending[port])
        model_mark(i, port);
}

static void reset(void)
{
    unsigned i = any(DOMAINS);
    struct evtchn_reset x = { .dom = DOMID_SELF };

    if (any(20))
        return;
    ck_assert_int_eq(OP(i, EVTCHNOP_reset, &x), 0);
    for (unsigned port = 1; port < PORTS; port++)
        if (model[i].ports[port].state != EVTCHNSTAT_closed)
            model_close(i, port);
}

/* --- What the guest itself does ----------------------------------------------------------------- */

static void mask(void)
{
    unsigned i = any(DOMAINS), port = any(40) + 1;

    bit_set((uint64_t *)d[i]->shared_info->evtchn_mask, port);
    model[i].masked[port] = true;
}

static void serve(void)
{
    unsigned i = any(DOMAINS), vcpu = any(VCPUS);
    struct vcpu_info *info = d[i]->vcpus[vcpu]->info;

    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
    model[i].upcall[vcpu] = false;
    model[i].selector[vcpu] = 0;
    for (unsigned port = 1; port < PORTS; port++) {
        if (model[i].ports[port].vcpu != vcpu || model[i].masked[port])
            continue;
        bit_clear((uint64_t *)d[i]->shared_info->evtchn_pending, port);
        model[i].pending[port] = false;
    }
}

/* --- Comparing ---------------------------------------------------------------------------------- */

static void compare_port(unsigned i, unsigned port)
{
    struct evtchn_status x = { .dom = d[i]->id, .port = port };
    const struct port *p = &model[i].ports[port];
    long rc = OP(0, EVTCHNOP_status, &x); /* who is privileged */

    if (rc) {
        ck_assert_int_eq(rc, -XEN_EINVAL);
        ck_assert_uint_eq(p->state, EVTCHNSTAT_closed);
        return;
    }
    ck_assert_uint_eq(x.status, p->state);
    if (p->state == EVTCHNSTAT_closed)
        return;
    ck_assert_uint_eq(x.vcpu, p->vcpu);
    if (p->state == EVTCHNSTAT_unbound)
        ck_assert_uint_eq(x.u.unbound.dom, d[p->other]->id);
    if (p->state == EVTCHNSTAT_interdomain) {
        ck_assert_uint_eq(x.u.interdomain.dom, d[p->other]->id);
        ck_assert_uint_eq(x.u.interdomain.port, p->other_port);
    }
    if (p->state == EVTCHNSTAT_virq)
        ck_assert_uint_eq(x.u.virq, p->virq);
}

static void compare(unsigned step)
{
    for (unsigned i = 0; i < DOMAINS; i++) {
        const struct shared_info *s = d[i]->shared_info;
        for (unsigned port = 1; port < PORTS; port++) {
            compare_port(i, port);
            ck_assert_msg(bit_is_set((const uint64_t *)s->evtchn_pending, port) == model[i].pending[port],
                          "step %u: d%u port %u pending", step, d[i]->id, port);
        }
        for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
            const struct vcpu_info *info = d[i]->vcpus[vcpu]->info;
            ck_assert_uint_eq(info->evtchn_pending_sel, model[i].selector[vcpu]);
            ck_assert_uint_eq(info->evtchn_upcall_pending, model[i].upcall[vcpu]);
        }
    }
}

static void (*const steps[])(void) = { alloc_unbound, alloc_unbound, bind_interdomain, bind_interdomain,
                                       bind_ipi,      bind_virq,     send,             send,
                                       send,          close_one,     bind_vcpu,        unmask,
                                       mask,          serve,         reset };

START_TEST(ports_do_what_a_model_says)
{
    fake_machine_start(1024);
    fake_guest_map(ARG, memory, sizeof(memory));
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < DOMAINS; i++) {
        d[i] = fake_domain((domid_t)(i + 1), VCPUS, 32, i == 0);
        d[i]->events.max_port = PORTS - 1;
    }
    fake_seed = (uint64_t)_i + 1;
    fake_preempt(_i % 2 ? 7 : 0);
    for (unsigned step = 0; step < STEPS; step++) {
        steps[any(ARRAY_SIZE(steps))]();
        if (step % 8 == 0)
            compare(step);
    }
    compare(STEPS);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { ports_do_what_a_model_says, .rounds = 8 },
    };
    return RUN_TESTS("event/event_model", tests);
}
