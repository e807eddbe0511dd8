/* SPDX-License-Identifier: MIT */
/*
 * ABI: struct vcpu_time_info, wc_* of struct shared_info, set_timer_op, VCPUOP_*_timer,
 * struct vcpu_runstate_info
 */
#include "sched/guest_time.h"
#include "domain/refuse.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "memory/guest_copy.h"
#include "sched/schedule.h"

#define SECOND_NS 1000000000UL
#define PERIOD_DEFAULT_NS 10000000UL /* 100 Hz until the guest stops it (ABI) */

#define RUNSTATE_UPDATING (1UL << 63)

static uint64_t wallclock_ns; /* UTC at system time 0 */

/* A writer makes the version odd, writes, makes it even; readers try again when they saw it change. */
void guest_time_update(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->info->time;
    uint64_t tsc = tsc_now();

    WRITE_ONCE(t->version, t->version | 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->tsc_timestamp = tsc;
    t->system_time = time_of_tsc(tsc);
    t->tsc_to_system_mul = tsc_mul;
    t->tsc_shift = tsc_shift;
    t->flags = 1; /* TSC_STABLE: all processors count alike */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    WRITE_ONCE(t->version, (t->version | 1) + 1);
}

void wallclock_update(struct domain *d)
{
    struct shared_info *s = d->shared_info;

    if (!wallclock_ns)
        wallclock_ns = wallclock_boot_ns();
    WRITE_ONCE(s->wc_version, s->wc_version | 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_sec = (uint32_t)(wallclock_ns / SECOND_NS);
    s->wc_sec_hi = (uint32_t)(wallclock_ns / SECOND_NS >> 32);
    s->wc_nsec = (uint32_t)(wallclock_ns % SECOND_NS);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    WRITE_ONCE(s->wc_version, (s->wc_version | 1) + 1);
}

void wallclock_set(uint64_t seconds, uint32_t ns, uint64_t system_time)
{
    struct domain *d;

    wallclock_ns = seconds * SECOND_NS + ns - system_time;
    domain_for_each(d)
        wallclock_update(d);
}

void time_area_publish(struct vcpu *v)
{
    struct vcpu_time_info copy = v->info->time;
    uint32_t odd = copy.version | 1;

    if (!v->time_area)
        return;
    if (!copy_to_guest(v->time_area, &odd, sizeof(odd)) ||
        !copy_to_guest(v->time_area + sizeof(odd), (uint8_t *)&copy + sizeof(odd),
                       sizeof(copy) - sizeof(odd)) ||
        !copy_to_guest(v->time_area, &copy.version, sizeof(copy.version)))
        refuse(v->domain, XEN_EFAULT, "vcpu %u: its time area is not mapped", v->id);
}

/* --- Runstate ----------------------------------------------------------------------------------- */

void runstate_change(struct vcpu *v, int state)
{
    uint64_t now = time_now();

    v->runstate.time[v->runstate.state] += now - v->runstate.state_entry_time;
    v->runstate.state_entry_time = now;
    v->runstate.state = state;
    if (v->runstate_area || v->time_area)
        vcpu_request_work(v, VCPU_WORK_RUNSTATE);
}

uint64_t runstate_ns(const struct vcpu *v, int state)
{
    const volatile struct vcpu_runstate_info *r = &v->runstate;
    uint64_t since = r->state_entry_time, ns = r->time[state];

    /* It may change at this moment: then this is a little more, or less. */
    return r->state == state ? ns + time_now() - since : ns;
}

/* False: the guest's area is not mapped. */
static bool copy_runstate(const struct vcpu *v)
{
    struct vcpu_runstate_info copy = v->runstate;
    uint64_t entry_time_at =
        v->runstate_area + offsetof(struct vcpu_runstate_info, state_entry_time);
    bool flag = v->domain->vm_assist & (1U << VMASST_TYPE_runstate_update_flag);
    uint64_t clean = copy.state_entry_time;

    if (flag)
        copy.state_entry_time |= RUNSTATE_UPDATING;
    return copy_to_guest(v->runstate_area, &copy, sizeof(copy)) &&
           (!flag || copy_to_guest(entry_time_at, &clean, sizeof(clean)));
}

void runstate_publish(struct vcpu *v)
{
    if (v->runstate_area && !copy_runstate(v))
        refuse(v->domain, XEN_EFAULT, "vcpu %u: its runstate area is not mapped", v->id);
}

void runstate_publish_leaving(struct vcpu *v)
{
    /* It comes back, and hears then if something was wrong. */
    if (v->runstate_area && v->in_kernel)
        copy_runstate(v);
}

/* --- Timers ------------------------------------------------------------------------------------- */

static void fire(void *arg)
{
    virq_raise(arg, VIRQ_TIMER);
}

static void fire_periodic(void *arg)
{
    struct vcpu *v = arg;

    virq_raise(v, VIRQ_TIMER);
    if (v->period_ns) /* ticks that were missed are not made up for */
        timer_set(&v->periodic, MAX(v->periodic.when + v->period_ns, time_now()));
}

void vcpu_timers_init(struct vcpu *v)
{
    timer_init(&v->singleshot, fire, v);
    timer_init(&v->periodic, fire_periodic, v);
    v->period_ns = PERIOD_DEFAULT_NS;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = time_now();
}

void vcpu_timers_stop(struct vcpu *v)
{
    v->period_ns = 0;
    timer_stop(&v->periodic);
    timer_stop(&v->singleshot);
}

void vcpu_set_singleshot(struct vcpu *v, uint64_t when_ns)
{
    timer_set(&v->singleshot, when_ns);
}

void vcpu_set_periodic(struct vcpu *v, uint64_t period_ns)
{
    v->period_ns = period_ns;
    if (period_ns)
        timer_set(&v->periodic, time_now() + period_ns);
    else
        timer_stop(&v->periodic);
}

/* ABI: set_timer_op(absolute ns, 0: none). */
HYPERCALL(set_timer_op)
{
    struct vcpu *v = current_vcpu();

    UNUSED_ARGUMENT(b);
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (a)
        vcpu_set_singleshot(v, a);
    else
        timer_stop(&v->singleshot);
    return 0;
}
