/* SPDX-License-Identifier: MIT */
/*
 * ABI: sched_op(cmd, argument), <xen/sched.h>
 */
#include <xen/sched.h>
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "memory/guest_copy.h"
#include "sched/schedule.h"

#define POLL_PORTS_MAX 128U

static long schedop_yield(struct vcpu *v, uint64_t arg)
{
    (void)v;
    (void)arg;
    vcpu_yield();
    return 0;
}

static long schedop_block(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    v->info->evtchn_upcall_mask = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!READ_ONCE(v->info->evtchn_upcall_pending))
        vcpu_block(v);
    return 0;
}

static long schedop_shutdown(struct vcpu *v, uint64_t arg)
{
    struct sched_shutdown s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    domain_shutdown(v->domain, s.reason);
    return 0;
}

static bool any_port_pending(struct vcpu *v, const evtchn_port_t *ports, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        if (bit_is_set((uint64_t *)v->domain->shared_info->evtchn_pending, ports[i]))
            return true;
    }
    return false;
}

/* Blocks whatever the event mask says, until a port of the list is pending (or any, if it is longer
 * than one: the guest looks again), or the time has come. */
static long schedop_poll(struct vcpu *v, uint64_t arg)
{
    evtchn_port_t ports[POLL_PORTS_MAX];
    struct sched_poll p;

    if (!copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    if (p.nr_ports > POLL_PORTS_MAX)
        return refuse(v->domain, XEN_EINVAL, "poll of %u ports, at most %u", p.nr_ports,
                      POLL_PORTS_MAX);
    if (!copy_from_guest(ports, (uint64_t)p.ports.p, p.nr_ports * sizeof(ports[0])))
        return -XEN_EFAULT;
    for (unsigned i = 0; i < p.nr_ports; i++) {
        if (!event_port_exists(v->domain, ports[i]))
            return refuse(v->domain, XEN_EINVAL, "poll of port %u, which there is not", ports[i]);
    }
    vcpu_poll_end(v); /* of an earlier poll that something else ended */
    v->poll_port = p.nr_ports == 1 ? ports[0] : 0;
    __atomic_add_fetch(&v->domain->events.pollers, 1, __ATOMIC_SEQ_CST);
    WRITE_ONCE(v->polling, true);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (any_port_pending(v, ports, p.nr_ports) ||
        (p.timeout && p.timeout <= time_now())) {
        vcpu_poll_end(v);
        return 0;
    }
    if (p.timeout)
        timer_set(&v->poll_timer, p.timeout);
    vcpu_poll_begin(v);
    return 0;
}

static long schedop_remote_shutdown(struct vcpu *v, uint64_t arg)
{
    struct sched_remote_shutdown r;
    struct domain *d;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    d = r.domain_id == DOMID_SELF ? v->domain : domain_by_id(r.domain_id);
    if (!d)
        return -XEN_ESRCH;
    if (!v->domain->privileged)
        return refuse(v->domain, XEN_EPERM, "remote shutdown of d%u", r.domain_id);
    domain_shutdown(d, r.reason);
    return 0;
}

static long schedop_shutdown_code(struct vcpu *v, uint64_t arg)
{
    struct sched_shutdown s;

    if (!copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    v->domain->shutdown_code = s.reason;
    return 0;
}

static long schedop_pin_override(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    return refuse(v->domain, XEN_EPERM, "pin_override is not offered");
}

static long (*const sched_ops[])(struct vcpu *v, uint64_t arg) = {
    [SCHEDOP_yield] = schedop_yield,
    [SCHEDOP_block] = schedop_block,
    [SCHEDOP_shutdown] = schedop_shutdown,
    [SCHEDOP_poll] = schedop_poll,
    [SCHEDOP_remote_shutdown] = schedop_remote_shutdown,
    [SCHEDOP_shutdown_code] = schedop_shutdown_code,
    [SCHEDOP_pin_override] = schedop_pin_override,
};

HYPERCALL(sched_op)
{
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (a >= ARRAY_SIZE(sched_ops) || !sched_ops[a])
        return -XEN_ENOSYS;
    return sched_ops[a](current_vcpu(), b);
}
