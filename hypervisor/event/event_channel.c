/* SPDX-License-Identifier: MIT */
/*
 * Two sides of a channel are two ports, each in its domain's table; a change to both takes both locks,
 * lower domid first. A port's pending bit lives in the guest's shared page, its state here.
 */
#include "event/event_channel.h"
#include "domain/refuse.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "sched/schedule.h"

#define CHUNK_BYTES (EVENT_PORTS_PER_CHUNK * sizeof(struct event_port))

void domain_events_init(struct domain *d)
{
    spinlock_init(&d->events.lock, LOCK_EVENTS);
    d->events.max_port = EVENT_PORTS - 1;
}

static struct event_port *port_of(struct domain *d, unsigned port)
{
    if (port == 0 || port > d->events.max_port ||
        !d->events.chunks[port / EVENT_PORTS_PER_CHUNK])
        return NULL;
    return &d->events.chunks[port / EVENT_PORTS_PER_CHUNK][port % EVENT_PORTS_PER_CHUNK];
}

bool event_port_exists(struct domain *d, unsigned port)
{
    return port_of(d, port) != NULL;
}

bool event_port_look(struct domain *d, unsigned port, struct event_port *out)
{
    struct event_port *p = port_of(d, port);

    if (p)
        *out = *p;
    return p != NULL;
}

/* --- Delivery ----------------------------------------------------------------------------------- */

static void wake_pollers(struct domain *d, unsigned port)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        if (READ_ONCE(v->polling) && (!v->poll_port || v->poll_port == port))
            vcpu_poll_end(v);
    }
}

/* The vCPU that runs looks at its events before it goes back: it needs no waking. */
static inline void wake(struct vcpu *v)
{
    if (v != current_vcpu() || unlikely(v->state == VCPU_BLOCKED))
        vcpu_kick(v);
}

/* The vCPU's upcall: tells it that something is pending; the first to do so wakes it. */
static inline void mark_vcpu(struct vcpu *v, unsigned word)
{
    struct vcpu_info *info = READ_ONCE(v->info);

    if (bit_test_and_set((uint64_t *)&info->evtchn_pending_sel, word))
        return;
    if (!__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        wake(v);
}

static inline void mark_unless_masked(struct domain *d, unsigned port, unsigned vcpu)
{
    if (!bit_is_set((uint64_t *)d->shared_info->evtchn_mask, port))
        mark_vcpu(d->vcpus[vcpu], port / 64);
}

static void __attribute__((noinline))
mark_and_wake_pollers(struct domain *d, unsigned port, unsigned vcpu)
{
    mark_unless_masked(d, port, vcpu);
    wake_pollers(d, port);
}

static inline void set_pending(struct domain *d, unsigned port, unsigned vcpu)
{
    if (bit_test_and_set((uint64_t *)d->shared_info->evtchn_pending, port))
        return;
    /* A poller counts itself before it looks at the bit that was just set. */
    if (unlikely(READ_ONCE(d->events.pollers)))
        mark_and_wake_pollers(d, port, vcpu);
    else
        mark_unless_masked(d, port, vcpu);
}

void event_set_pending(struct domain *d, unsigned port, unsigned vcpu)
{
    set_pending(d, port, vcpu);
}

/* --- Allocation --------------------------------------------------------------------------------- */

static const struct event_port closed_port = { .state = EVTCHNSTAT_closed };

/* The lowest free port; makes a chunk if all are full. Returns the port, or -XEN_ENOSPC, -XEN_ENOMEM.
 * fresh: memory that was allocated before the lock was taken, or NULL. */
static int find_free(struct domain *d, struct event_port **fresh)
{
    unsigned port = EVENT_PORTS;

    for (unsigned word = 0; word < EVENT_PORTS / 64 && port == EVENT_PORTS; word++) {
        uint64_t free = ~d->events.used[word] & ~(word ? 0UL : 1UL); /* port 0 never is one */
        if (free)
            port = word * 64 + bit_lowest(free);
    }
    if (port > d->events.max_port || d->events.closing)
        return -XEN_ENOSPC;
    struct event_port **chunk = &d->events.chunks[port / EVENT_PORTS_PER_CHUNK];
    if (!*chunk) {
        if (!*fresh)
            return -XEN_ENOMEM;
        *chunk = *fresh;
        *fresh = NULL;
    }
    return (int)port;
}

/* What a port is from now on; the table's lock is held. */
static void port_become(struct domain *d, unsigned port, const struct event_port *content)
{
    *port_of(d, port) = *content;
    if (content->state == EVTCHNSTAT_closed)
        d->events.used[port / 64] &= ~(1UL << (port % 64));
    else
        d->events.used[port / 64] |= 1UL << (port % 64);
}

struct allocation {
    struct domain *d;
    struct event_port *fresh;
    irq_state_t state;
    int port;
};

/* Locks the domain's table and finds a free port. Returns 0 with the lock held, or an error without. */
static int allocation_begin(struct allocation *a, struct domain *d)
{
    *a = (struct allocation){ .d = d };
    for (;;) {
        a->state = spin_lock_irq(&d->events.lock);
        a->port = find_free(d, &a->fresh);
        if (a->port > 0)
            return 0;
        spin_unlock_irq(&d->events.lock, a->state);
        if (a->port != -XEN_ENOMEM || a->fresh)
            break;
        a->fresh = heap_alloc(CHUNK_BYTES);
        if (!a->fresh)
            break;
    }
    heap_free(a->fresh, CHUNK_BYTES);
    return refuse(d, -a->port, "no free event channel");
}

static void allocation_end(struct allocation *a, const struct event_port *content)
{
    port_become(a->d, (unsigned)a->port, content);
    bit_clear((uint64_t *)a->d->shared_info->evtchn_pending, (unsigned)a->port);
    spin_unlock_irq(&a->d->events.lock, a->state);
    heap_free(a->fresh, CHUNK_BYTES);
}

static struct domain *find_domain(struct domain *caller, domid_t id)
{
    return id == DOMID_SELF ? caller : domain_by_id(id);
}

/* --- Operations --------------------------------------------------------------------------------- */

static long evtchnop_alloc_unbound(struct domain *d, void *arg)
{
    struct evtchn_alloc_unbound *op = arg;
    struct domain *owner = find_domain(d, op->dom);
    struct allocation a;

    if (!owner)
        return refuse(d, XEN_ESRCH, "alloc_unbound: no domain %u", op->dom);
    if (owner != d && !d->privileged)
        return refuse(d, XEN_EPERM, "alloc_unbound for d%u", op->dom);
    struct event_port content = { .state = EVTCHNSTAT_unbound,
                                  .remote_domain =
                                      op->remote_dom == DOMID_SELF ? d->id : op->remote_dom };
    int rc = allocation_begin(&a, owner);
    if (rc)
        return rc;
    op->port = (evtchn_port_t)a.port;
    allocation_end(&a, &content);
    return 0;
}

static void lock_two(struct domain *a, struct domain *b, irq_state_t *state)
{
    if (a->id > b->id) {
        struct domain *t = a;
        a = b;
        b = t;
    }
    *state = spin_lock_irq(&a->events.lock);
    if (a != b)
        spin_lock(&b->events.lock);
}

static void unlock_two(struct domain *a, struct domain *b, irq_state_t state)
{
    if (a != b)
        spin_unlock(&b->events.lock);
    spin_unlock_irq(&a->events.lock, state);
}

static int join_ports(struct domain *d, unsigned local, struct domain *remote, unsigned port)
{
    struct event_port *theirs = port_of(remote, port), *ours = port_of(d, local);

    /* Ours was free for the taking between the two locks. */
    if (ours->state != EVTCHNSTAT_unbound || ours->remote_domain != DOMID_INVALID)
        return -XEN_EBUSY;
    if (!theirs || theirs->state != EVTCHNSTAT_unbound || theirs->remote_domain != d->id)
        return -XEN_EINVAL;
    theirs->state = EVTCHNSTAT_interdomain;
    theirs->remote_domain = d->id;
    theirs->remote_port = (uint16_t)local;
    ours->state = EVTCHNSTAT_interdomain;
    ours->remote_domain = remote->id;
    ours->remote_port = (uint16_t)port;
    /* Whoever sent before we were here must not be missed. */
    event_set_pending(d, local, ours->vcpu);
    return 0;
}

static long evtchnop_bind_interdomain(struct domain *d, void *arg)
{
    struct evtchn_bind_interdomain *op = arg;
    struct domain *remote = find_domain(d, op->remote_dom);
    struct allocation a;
    irq_state_t state;

    if (!remote)
        return refuse(d, XEN_ESRCH, "bind_interdomain: no domain %u", op->remote_dom);
    int rc = allocation_begin(&a, d);
    if (rc)
        return rc;
    /* Held as unbound for nobody until both locks are ours. */
    struct event_port held = { .state = EVTCHNSTAT_unbound, .remote_domain = DOMID_INVALID };
    unsigned local = (unsigned)a.port;
    allocation_end(&a, &held);
    lock_two(d, remote, &state);
    rc = join_ports(d, local, remote, op->remote_port);
    if (rc == -XEN_EINVAL)
        port_become(d, local, &closed_port);
    unlock_two(d, remote, state);
    if (rc)
        return refuse(d, -rc, "bind_interdomain: port %u of d%u does not wait for it",
                      op->remote_port, remote->id);
    op->local_port = local;
    return 0;
}

static long evtchnop_bind_virq(struct domain *d, void *arg)
{
    struct evtchn_bind_virq *op = arg;
    struct allocation a;

    if (op->virq >= NR_VIRQS)
        return refuse(d, XEN_EINVAL, "bind_virq: no VIRQ %u", op->virq);
    if (!virq_is_per_vcpu(op->virq) && op->vcpu)
        return refuse(d, XEN_EINVAL, "bind_virq: VIRQ %u is global, vCPU 0 only", op->virq);
    if (op->vcpu >= d->nr_vcpus)
        return refuse(d, XEN_ENOENT, "bind_virq: no vCPU %u", op->vcpu);
    int rc = allocation_begin(&a, d);
    if (rc)
        return rc;
    uint16_t *bound = &d->events.virq_port[op->vcpu][op->virq];
    struct event_port content = { .state = EVTCHNSTAT_virq,
                                  .virq = (uint8_t)op->virq,
                                  .vcpu = (uint16_t)op->vcpu };
    bool twice = *bound;
    if (twice)
        content.state = EVTCHNSTAT_closed;
    else
        *bound = (uint16_t)a.port;
    op->port = (evtchn_port_t)a.port;
    allocation_end(&a, &content);
    return twice ? -XEN_EEXIST : 0;
}

static long evtchnop_bind_ipi(struct domain *d, void *arg)
{
    struct evtchn_bind_ipi *op = arg;
    struct event_port content = { .state = EVTCHNSTAT_ipi, .vcpu = (uint16_t)op->vcpu };
    struct allocation a;

    if (op->vcpu >= d->nr_vcpus)
        return refuse(d, XEN_ENOENT, "bind_ipi: no vCPU %u", op->vcpu);
    int rc = allocation_begin(&a, d);
    if (rc)
        return rc;
    op->port = (evtchn_port_t)a.port;
    allocation_end(&a, &content);
    return 0;
}

static long evtchnop_bind_pirq(struct domain *d, void *arg)
{
    const struct evtchn_bind_pirq *op = arg;

    if (!d->privileged)
        return refuse(d, XEN_EPERM, "bind_pirq: it has no devices");
    return refuse(d, XEN_EINVAL, "bind_pirq: physical interrupt %u is not given to it", op->pirq);
}

/* Both locks are held where the port has another side. */
static void close_port(struct domain *d, unsigned port, struct domain *remote)
{
    struct event_port *p = port_of(d, port);

    if (p->state == EVTCHNSTAT_virq)
        d->events.virq_port[virq_is_per_vcpu(p->virq) ? p->vcpu : 0][p->virq] = 0;
    if (p->state == EVTCHNSTAT_interdomain && remote) {
        struct event_port *theirs = port_of(remote, p->remote_port);
        theirs->state = EVTCHNSTAT_unbound;
        theirs->remote_domain = d->id;
    }
    port_become(d, port, &closed_port);
    bit_clear((uint64_t *)d->shared_info->evtchn_pending, port);
}

static long close_any(struct domain *d, unsigned port)
{
    struct event_port look = closed_port;
    irq_state_t state;

    for (;;) {
        state = spin_lock_irq(&d->events.lock);
        bool open = event_port_look(d, port, &look) && look.state != EVTCHNSTAT_closed;
        bool alone = look.state != EVTCHNSTAT_interdomain || look.remote_domain == d->id;
        if (open && alone)
            close_port(d, port, d);
        spin_unlock_irq(&d->events.lock, state);
        if (!open)
            return -XEN_EINVAL;
        if (alone)
            return 0;
        /* Two tables: their order asks for both locks anew. */
        struct domain *remote = domain_by_id(look.remote_domain);
        lock_two(d, remote, &state);
        struct event_port *p = port_of(d, port);
        bool same = p->state == look.state && (p->state != EVTCHNSTAT_interdomain ||
                                               (p->remote_domain == look.remote_domain &&
                                                p->remote_port == look.remote_port));
        if (same)
            close_port(d, port, remote);
        unlock_two(d, remote, state);
        if (same)
            return 0;
    }
}

static long evtchnop_close(struct domain *d, void *arg)
{
    const struct evtchn_close *op = arg;
    long rc = close_any(d, op->port);

    return rc ? refuse(d, (int)-rc, "close: port %u is not open", op->port) : 0;
}

/* A port's word at one moment; closed, if there is no such port. */
static inline struct event_port port_snapshot(struct domain *d, unsigned port)
{
    struct event_port p = { .state = EVTCHNSTAT_closed }, *chunk;

    if (likely(port <= d->events.max_port)) {
        chunk = READ_ONCE(d->events.chunks[port / EVENT_PORTS_PER_CHUNK]);
        if (likely(chunk))
            __atomic_load(&chunk[port % EVENT_PORTS_PER_CHUNK], &p, __ATOMIC_ACQUIRE);
    }
    return p;
}

/* Whom the other side of an interdomain port tells. That port exists: its chunk was there before it was
 * joined, and goes with its domain only. */
static inline unsigned joined_port_vcpu(struct domain *d, unsigned port)
{
    struct event_port *chunk = READ_ONCE(d->events.chunks[port / EVENT_PORTS_PER_CHUNK]);

    return READ_ONCE(chunk[port % EVENT_PORTS_PER_CHUNK].vcpu);
}

/*
 * Sends without a lock. A port that is closed, or bound anew, at the same moment on another processor
 * may get the event as if it had been sent just before: guests look at what woke them.
 */
HOT static inline long event_send(struct domain *d, unsigned port)
{
    struct event_port p = port_snapshot(d, port);
    struct domain *remote = d;

    switch (p.state) {
    case EVTCHNSTAT_interdomain:
        if (p.remote_domain != d->id)
            remote = domain_by_id(p.remote_domain);
        if (likely(remote))
            set_pending(remote, p.remote_port, joined_port_vcpu(remote, p.remote_port));
        return 0;
    case EVTCHNSTAT_ipi:
        set_pending(d, port, p.vcpu);
        return 0;
    case EVTCHNSTAT_unbound:
        return 0; /* nobody listens: lost, says the ABI */
    }
    return refuse(d, XEN_EINVAL, "send: port %u cannot be sent to", port);
}

static long evtchnop_send(struct domain *d, void *arg)
{
    const struct evtchn_send *op = arg;

    return event_send(d, op->port);
}

static long evtchnop_status(struct domain *d, void *arg)
{
    struct evtchn_status *op = arg;
    struct domain *of = find_domain(d, op->dom);
    struct event_port look = { .state = EVTCHNSTAT_closed };

    if (!of)
        return refuse(d, XEN_ESRCH, "status: no domain %u", op->dom);
    if (of != d && !d->privileged)
        return refuse(d, XEN_EPERM, "status of d%u", op->dom);
    irq_state_t state = spin_lock_irq(&of->events.lock);
    bool exists = event_port_look(of, op->port, &look);
    spin_unlock_irq(&of->events.lock, state);
    if (!exists)
        return -XEN_EINVAL;
    op->status = look.state;
    op->vcpu = look.vcpu;
    switch (look.state) {
    case EVTCHNSTAT_unbound:
        op->u.unbound.dom = look.remote_domain;
        break;
    case EVTCHNSTAT_interdomain:
        op->u.interdomain.dom = look.remote_domain;
        op->u.interdomain.port = look.remote_port;
        break;
    case EVTCHNSTAT_virq:
        op->u.virq = look.virq;
        break;
    }
    return 0;
}

static long evtchnop_bind_vcpu(struct domain *d, void *arg)
{
    const struct evtchn_bind_vcpu *op = arg;
    long rc = 0;

    if (op->vcpu >= d->nr_vcpus)
        return refuse(d, XEN_ENOENT, "bind_vcpu: no vCPU %u", op->vcpu);
    irq_state_t state = spin_lock_irq(&d->events.lock);
    struct event_port *p = port_of(d, op->port);
    if (p && (p->state == EVTCHNSTAT_unbound || p->state == EVTCHNSTAT_interdomain ||
              (p->state == EVTCHNSTAT_virq && !virq_is_per_vcpu(p->virq))))
        p->vcpu = (uint16_t)op->vcpu;
    else
        rc = -XEN_EINVAL;
    spin_unlock_irq(&d->events.lock, state);
    return rc ? refuse(d, XEN_EINVAL, "bind_vcpu: port %u belongs to its vCPU", op->port) : 0;
}

static long evtchnop_unmask(struct domain *d, void *arg)
{
    const struct evtchn_unmask *op = arg;
    struct shared_info *s = d->shared_info;
    irq_state_t state = spin_lock_irq(&d->events.lock);
    struct event_port *p = port_of(d, op->port);

    if (p) {
        bit_clear((uint64_t *)s->evtchn_mask, op->port);
        if (bit_is_set((uint64_t *)s->evtchn_pending, op->port))
            mark_vcpu(d->vcpus[p->vcpu], op->port / 64);
    }
    spin_unlock_irq(&d->events.lock, state);
    return p ? 0 : refuse(d, XEN_EINVAL, "unmask: no port %u", op->port);
}

/* Returns false if it stopped early: what is closed stays closed, so to go on is to begin again. */
static bool close_all(struct domain *d)
{
    for (unsigned word = 0; word < EVENT_PORTS / 64; word++) {
        for (uint64_t open = READ_ONCE(d->events.used[word]); open; open &= open - 1) {
            close_any(d, word * 64 + bit_lowest(open));
            if (preempt_needed())
                return false;
        }
    }
    return true;
}

static long evtchnop_reset(struct domain *d, void *arg)
{
    const struct evtchn_reset *op = arg;
    struct domain *of = find_domain(d, op->dom);

    if (!of)
        return refuse(d, XEN_ESRCH, "reset: no domain %u", op->dom);
    if (of != d && !d->privileged)
        return refuse(d, XEN_EPERM, "reset of d%u", op->dom);
    return close_all(of) ? 0 : HYPERCALL_CONTINUE;
}

bool domain_events_close(struct domain *d)
{
    irq_state_t state = spin_lock_irq(&d->events.lock);

    d->events.closing = true;
    spin_unlock_irq(&d->events.lock, state);
    return close_all(d);
}

void domain_events_free(struct domain *d)
{
    for (unsigned i = 0; i < EVENT_CHUNKS; i++)
        heap_free(d->events.chunks[i], CHUNK_BYTES);
}

/* --- The hypercall ------------------------------------------------------------------------------ */

static const struct event_op {
    long (*run)(struct domain *d, void *arg);
    size_t size;
    bool reply; /* the struct goes back to the guest */
} event_ops[] = {
    [EVTCHNOP_bind_interdomain] = { evtchnop_bind_interdomain, sizeof(struct evtchn_bind_interdomain),
                                    .reply = true },
    [EVTCHNOP_bind_virq] = { evtchnop_bind_virq, sizeof(struct evtchn_bind_virq), .reply = true },
    [EVTCHNOP_bind_pirq] = { evtchnop_bind_pirq, sizeof(struct evtchn_bind_pirq), .reply = true },
    [EVTCHNOP_close] = { evtchnop_close, sizeof(struct evtchn_close) },
    [EVTCHNOP_send] = { evtchnop_send, sizeof(struct evtchn_send) },
    [EVTCHNOP_status] = { evtchnop_status, sizeof(struct evtchn_status), .reply = true },
    [EVTCHNOP_alloc_unbound] = { evtchnop_alloc_unbound, sizeof(struct evtchn_alloc_unbound),
                                 .reply = true },
    [EVTCHNOP_bind_ipi] = { evtchnop_bind_ipi, sizeof(struct evtchn_bind_ipi), .reply = true },
    [EVTCHNOP_bind_vcpu] = { evtchnop_bind_vcpu, sizeof(struct evtchn_bind_vcpu) },
    [EVTCHNOP_unmask] = { evtchnop_unmask, sizeof(struct evtchn_unmask) },
    [EVTCHNOP_reset] = { evtchnop_reset, sizeof(struct evtchn_reset) },
};

static long __attribute__((noinline)) run_operation(struct domain *d, uint64_t cmd, uint64_t guest_arg)
{
    uint64_t arg[8];

    if (cmd >= ARRAY_SIZE(event_ops) || !event_ops[cmd].run)
        return -XEN_ENOSYS;
    const struct event_op *op = &event_ops[cmd];
    if (!copy_from_guest(arg, guest_arg, op->size))
        return refuse(d, XEN_EFAULT, "event_channel_op %lu: cannot read its argument", cmd);
    long rc = op->run(d, arg);
    if (rc == HYPERCALL_CONTINUE)
        return hypercall_again(2, cmd, guest_arg, 0, 0);
    if (!rc && op->reply && !copy_to_guest(guest_arg, arg, op->size))
        return refuse(d, XEN_EFAULT, "event_channel_op %lu: cannot write its answer", cmd);
    return rc;
}

/* ABI: event_channel_op(cmd, argument). */
HOT HYPERCALL(event_channel_op)
{
    uint64_t word;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    /* By far the most are sends; a port at the end of a page, with nothing behind it, goes the long
     * way. */
    if (likely(a == EVTCHNOP_send) && likely(guest_words_ok(b, sizeof(word))) &&
        likely(guest_load64(b, &word)))
        return event_send(current_domain(), (evtchn_port_t)word);
    return run_operation(current_domain(), a, b);
}
