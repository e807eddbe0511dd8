/* SPDX-License-Identifier: MIT */
/*
 * ABI: vcpu_op(cmd, vcpu, argument), <xen/vcpu.h>
 */
#include <xen/vcpu.h>
#include <xen/sched.h>
#include "domain/refuse.h"
#include "domain/vcpu.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"

#define PERIOD_MIN_NS 1000000UL

static long vcpuop_initialise(struct vcpu *v, uint64_t arg)
{
    struct vcpu_guest_context *c;
    long rc = -XEN_EFAULT;

    if (v->initialised)
        return -XEN_EEXIST;
    c = heap_alloc(sizeof(*c));
    if (!c)
        return -XEN_ENOMEM;
    if (copy_from_guest(c, arg, sizeof(*c)))
        rc = vcpu_set_context(v, c);
    heap_free(c, sizeof(*c));
    return rc == HYPERCALL_CONTINUE ? hypercall_again(3, VCPUOP_initialise, v->id, arg, 0) : rc;
}

static long vcpuop_up(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    if (!v->initialised)
        return refuse(v->domain, XEN_EINVAL, "vcpu %u has no context: it cannot go up", v->id);
    if (v->state == VCPU_DOWN)
        vcpu_up(v);
    return 0;
}

static bool another_is_up(const struct vcpu *v)
{
    for (unsigned i = 0; i < v->domain->nr_vcpus; i++) {
        if (v->domain->vcpus[i] != v && v->domain->vcpus[i]->state != VCPU_DOWN)
            return true;
    }
    return false;
}

static long vcpuop_down(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    if (v->state == VCPU_DOWN)
        return 0;
    if (!another_is_up(v)) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
        return 0;
    }
    vcpu_down(v);
    return 0;
}

static long vcpuop_is_up(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    return v->state != VCPU_DOWN;
}

static long vcpuop_get_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_runstate_info copy = v->runstate;

    copy.time[copy.state] += time_now() - copy.state_entry_time;
    return copy_to_guest(arg, &copy, sizeof(copy)) ? 0 : -XEN_EFAULT;
}

static long vcpuop_register_runstate(struct vcpu *v, uint64_t arg)
{
    uint64_t area;

    if (!copy_from_guest(&area, arg, sizeof(area)) ||
        !guest_range_ok(area, sizeof(struct vcpu_runstate_info)))
        return -XEN_EFAULT;
    v->runstate_area = area;
    if (v == current_vcpu())
        runstate_publish(v);
    else
        vcpu_request_work(v, VCPU_WORK_RUNSTATE);
    return 0;
}

static long vcpuop_set_periodic(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_periodic_timer t;

    if (!copy_from_guest(&t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (t.period_ns < PERIOD_MIN_NS || t.period_ns >> 56 || v != current_vcpu())
        return refuse(v->domain, XEN_EINVAL, "periodic timer of vcpu %u every %lu ns", v->id,
                      t.period_ns);
    vcpu_set_periodic(v, t.period_ns);
    return 0;
}

static long vcpuop_stop_periodic(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    vcpu_set_periodic(v, 0);
    return 0;
}

static long vcpuop_set_singleshot(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_singleshot_timer t;

    if (!copy_from_guest(&t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (v != current_vcpu())
        return -XEN_EINVAL;
    /* VCPU_SSHOTTMR_future is not looked at: a time that is past fires at once, as on Xen 4.17. */
    vcpu_set_singleshot(v, t.timeout_abs_ns);
    return 0;
}

static long vcpuop_stop_singleshot(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    if (v != current_vcpu())
        return -XEN_EINVAL;
    timer_stop(&v->singleshot);
    return 0;
}

/* The vCPU's struct vcpu_info moves into the guest's own page, for good. */
static long move_info(struct vcpu *v, struct frame *f, unsigned offset)
{
    int rc = page_type_get(f, TYPE_WRITABLE);

    if (rc)
        return rc;
    struct vcpu_info *to =
        (struct vcpu_info *)((uint8_t *)mfn_to_virt(mfn_of_frame(f)) + offset);
    if (v != current_vcpu())
        vcpu_pause(v);
    memcpy(to, v->info, sizeof(*to));
    v->info_frame = mfn_of_frame(f);
    __atomic_store_n(&v->info, to, __ATOMIC_SEQ_CST);
    /* What came to the old place in between is found by looking at all. */
    __atomic_store_n(&to->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&to->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    guest_time_update(v);
    if (v != current_vcpu())
        vcpu_unpause(v);
    return 0;
}

static long vcpuop_register_info(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_vcpu_info r;
    struct domain *d = v->domain;

    if (!copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    if (v->info_frame.v != MFN_NONE.v || r.offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
        r.offset % 8 || (v != current_vcpu() && v->state != VCPU_DOWN))
        return refuse(d, XEN_EINVAL, "vcpu_info of vcpu %u at %lx + %x", v->id, (uint64_t)r.mfn,
                      r.offset);
    if (!mfn_is_ram(mfn(r.mfn)) || !frame_get(frame_at(mfn(r.mfn)), d->id))
        return refuse(d, XEN_EINVAL, "vcpu_info in frame %lx, which is not its own",
                      (uint64_t)r.mfn);
    long rc = move_info(v, frame_at(mfn(r.mfn)), r.offset);
    frame_put(frame_at(mfn(r.mfn)));
    if (rc == HYPERCALL_CONTINUE)
        return hypercall_again(3, VCPUOP_register_vcpu_info, v->id, arg, 0);
    return rc ? refuse(d, XEN_EINVAL, "vcpu_info in frame %lx, which is a table", (uint64_t)r.mfn)
              : 0;
}

static long vcpuop_send_nmi(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    vcpu_request_work(v, VCPU_WORK_NMI);
    vcpu_kick(v);
    return 0;
}

static long vcpuop_get_physid(struct vcpu *v, uint64_t arg)
{
    struct vcpu_get_physid id;

    uint64_t may = v->affinity & cpus_online;

    if (!v->domain->privileged || (may & (may - 1)))
        return -XEN_EINVAL; /* only where it is pinned */
    id.phys_id = (uint64_t)v->cpu << 32 | cpu_of(v->cpu)->apic_id;
    return copy_to_guest(arg, &id, sizeof(id)) ? 0 : -XEN_EFAULT;
}

static long vcpuop_register_time(struct vcpu *v, uint64_t arg)
{
    uint64_t area;

    if (!copy_from_guest(&area, arg, sizeof(area)) ||
        !guest_range_ok(area, sizeof(struct vcpu_time_info)))
        return -XEN_EFAULT;
    v->time_area = area;
    if (v == current_vcpu())
        time_area_publish(v);
    else
        vcpu_request_work(v, VCPU_WORK_RUNSTATE);
    return 0;
}

static long (*const vcpu_ops[])(struct vcpu *v, uint64_t arg) = {
    [VCPUOP_initialise] = vcpuop_initialise,
    [VCPUOP_up] = vcpuop_up,
    [VCPUOP_down] = vcpuop_down,
    [VCPUOP_is_up] = vcpuop_is_up,
    [VCPUOP_get_runstate_info] = vcpuop_get_runstate,
    [VCPUOP_register_runstate_memory_area] = vcpuop_register_runstate,
    [VCPUOP_set_periodic_timer] = vcpuop_set_periodic,
    [VCPUOP_stop_periodic_timer] = vcpuop_stop_periodic,
    [VCPUOP_set_singleshot_timer] = vcpuop_set_singleshot,
    [VCPUOP_stop_singleshot_timer] = vcpuop_stop_singleshot,
    [VCPUOP_register_vcpu_info] = vcpuop_register_info,
    [VCPUOP_send_nmi] = vcpuop_send_nmi,
    [VCPUOP_get_physid] = vcpuop_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = vcpuop_register_time,
};

static bool changes_a_life(uint64_t op)
{
    return op == VCPUOP_initialise || op == VCPUOP_up || op == VCPUOP_down ||
           op == VCPUOP_register_vcpu_info;
}

HYPERCALL(vcpu_op)
{
    struct domain *dom = current_domain();

    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if ((uint32_t)b >= dom->nr_vcpus)
        return -XEN_ENOENT;
    if (a >= ARRAY_SIZE(vcpu_ops) || !vcpu_ops[a])
        return -XEN_ENOSYS;
    if (!changes_a_life(a))
        return vcpu_ops[a](dom->vcpus[(uint32_t)b], c);
    /* Two at once would each find what the other is about to change: one comes back later. */
    if (__atomic_exchange_n(&dom->vcpu_life_busy, true, __ATOMIC_ACQUIRE))
        return hypercall_again(3, a, b, c, 0);
    long rc = vcpu_ops[a](dom->vcpus[(uint32_t)b], c);
    __atomic_store_n(&dom->vcpu_life_busy, false, __ATOMIC_RELEASE);
    return rc;
}
