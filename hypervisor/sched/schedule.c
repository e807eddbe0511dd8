/* SPDX-License-Identifier: MIT */
#include "sched/schedule.h"
#include "lib/check.h"
#include "machine/registers.h"
#include "paging/page_type.h"
#include "sched/guest_time.h"
#include "sched/switch.h"
#include "trace/log.h"

const struct sched_policy *sched_policy = &sched_round_robin;

#define SOON_MAX 16U

#define LOG_PAUSE_NS 1000000UL

static struct run_queue queues[NR_CPUS];
static struct timer slice_timers[NR_CPUS], log_timers[NR_CPUS];
static uint64_t idle_cpus;

static void slice_over(void *arg)
{
    (void)arg;
    cpu_request_work(this_cpu(), WORK_SCHEDULE);
}

static void log_goes_on(void *arg)
{
    (void)arg;
    cpu_request_work(this_cpu(), WORK_LOG);
}

void schedule_boot(void)
{
    for (unsigned i = 0; i < NR_CPUS; i++) {
        spinlock_init(&queues[i].lock, LOCK_RUN_QUEUE);
        list_init(&queues[i].waiting);
        timer_init(&slice_timers[i], slice_over, NULL);
        timer_init(&log_timers[i], log_goes_on, NULL);
    }
}

static bool may_run(const struct vcpu *v)
{
    return v->state == VCPU_RUNNABLE && !v->pause_count && !v->domain->shut_down;
}

/* The queue of the processor that a vCPU belongs to, locked; it may move until we have the lock. */
static struct run_queue *queue_lock(struct vcpu *v, irq_state_t *state)
{
    for (;;) {
        unsigned cpu = READ_ONCE(v->cpu);
        *state = spin_lock_irq(&queues[cpu].lock);
        if (v->cpu == cpu)
            return &queues[cpu];
        spin_unlock_irq(&queues[cpu].lock, *state);
    }
}

static void ask_for(unsigned cpu)
{
    cpu_request_work(cpu_of(cpu), WORK_SCHEDULE);
    cpu_kick(cpu);
}

void schedule(void)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *q = &queues[cpu->id];
    struct vcpu *now = cpu->current, *next;

    __atomic_and_fetch(&cpu->work, ~WORK_SCHEDULE, __ATOMIC_SEQ_CST);
    spin_lock(&q->lock);
    if (now)
        __atomic_and_fetch(&now->work, ~VCPU_WORK_STOP, __ATOMIC_SEQ_CST);
    next = sched_policy->pick(q, now && may_run(now) ? now : NULL);
    if (next == now && now) {
        spin_unlock(&q->lock);
        return;
    }
    if (now) {
        now->running = false;
        if (may_run(now))
            sched_policy->enqueue(q, now, false);
        runstate_change(now, may_run(now)                  ? RUNSTATE_runnable
                             : now->state == VCPU_DOWN || now->pause_count
                                 ? RUNSTATE_offline
                                 : RUNSTATE_blocked);
        /* The one copy to a guest under this lock: later another processor may run it, and would be overtaken by
         * what we write. A fault there is mended by the copy itself, which takes no lock. */
        runstate_publish_leaving(now);
        vcpu_state_save(now);
    }
    if (next)
        next->running = true;
    cpu->current = next;
    bool others = !list_empty(&q->waiting);
    if (next)
        __atomic_and_fetch(&idle_cpus, ~(1UL << cpu->id), __ATOMIC_SEQ_CST);
    else
        __atomic_or_fetch(&idle_cpus, 1UL << cpu->id, __ATOMIC_SEQ_CST);
    spin_unlock(&q->lock);

    if (!next) {
        timer_stop(&slice_timers[cpu->id]);
        call_on_empty_stack(idle_loop);
    }
    if (others)
        timer_set(&slice_timers[cpu->id], time_now() + sched_policy->slice_ns);
    runstate_change(next, RUNSTATE_running);
    vcpu_state_load(next);
    guest_time_update(next);
    resume_guest_on_empty_stack();
}

void idle_loop(void)
{
    struct cpu *cpu = this_cpu();

    for (;;) {
        interrupts_off();
        if (READ_ONCE(cpu->work))
            cpu_do_work();
        else
            cpu_wait();
    }
}

/* --- Who runs where ----------------------------------------------------------------------------- */

void vcpu_place(struct vcpu *v)
{
    uint64_t allowed = v->affinity & cpus_online;

    if (!allowed)
        allowed = cpus_online;
    v->cpu = (v->domain->id + v->id) % nr_cpus;
    if (!(allowed >> v->cpu & 1))
        v->cpu = (unsigned)__builtin_ctzl(allowed);
}

/* An idle processor is better than a busy one, its own better than another. */
static unsigned best_cpu(const struct vcpu *v)
{
    uint64_t idle = READ_ONCE(idle_cpus) & cpus_online & v->affinity;

    if (idle & v->soft_affinity)
        idle &= v->soft_affinity;
    if (!idle || (idle >> v->cpu & 1))
        return v->cpu;
    return (unsigned)__builtin_ctzl(idle);
}

static void wake_locked(struct run_queue *q, struct vcpu *v, irq_state_t state)
{
    unsigned from = v->cpu, to = best_cpu(v);

    runstate_change(v, RUNSTATE_runnable);
    if (to != from) {
        v->cpu = to; /* not queued and not running: nobody else looks for it in the old queue */
        spin_unlock(&q->lock);
        q = &queues[to];
        spin_lock(&q->lock);
        /* Between the locks others may have found it here: woken, moved on, paused. */
        if (v->cpu != to || !may_run(v) || v->running || !list_empty(&v->queue)) {
            spin_unlock_irq(&q->lock, state);
            return;
        }
    }
    sched_policy->enqueue(q, v, false);
    if (to != this_cpu()->id || !this_cpu()->current)
        ask_for(to);
    else if (!slice_timers[to].active)
        timer_set(&slice_timers[to], time_now() + sched_policy->slice_ns);
    spin_unlock_irq(&q->lock, state);
}

void vcpu_wake(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    if (may_run(v) && !v->running && list_empty(&v->queue))
        wake_locked(q, v, state);
    else
        spin_unlock_irq(&q->lock, state);
}

void vcpu_kick(struct vcpu *v)
{
    irq_state_t state;

    if (v == current_vcpu() && READ_ONCE(v->state) != VCPU_BLOCKED)
        return; /* it looks before it goes back */
    struct run_queue *q = queue_lock(v, &state);
    if (v->state == VCPU_BLOCKED)
        v->state = VCPU_RUNNABLE;
    if (v->running)
        cpu_kick(v->cpu);
    else if (may_run(v) && list_empty(&v->queue)) {
        wake_locked(q, v, state);
        return;
    }
    spin_unlock_irq(&q->lock, state);
}

void vcpu_block(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    v->state = VCPU_BLOCKED;
    spin_unlock_irq(&q->lock, state);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    /* Whoever makes it pending after this look finds the vCPU blocked, and wakes it. */
    if (READ_ONCE(v->info->evtchn_upcall_pending) || (READ_ONCE(v->work) & VCPU_WORK_NMI)) {
        v->state = VCPU_RUNNABLE;
        return;
    }
    vcpu_request_work(v, VCPU_WORK_STOP);
}

void vcpu_poll_begin(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    /* Over already, if what it waits for came in between. */
    if (READ_ONCE(v->polling)) {
        v->state = VCPU_BLOCKED;
        vcpu_request_work(v, VCPU_WORK_STOP);
    }
    spin_unlock_irq(&q->lock, state);
}

void vcpu_poll_end(struct vcpu *v)
{
    if (!__atomic_exchange_n(&v->polling, false, __ATOMIC_SEQ_CST))
        return;
    __atomic_sub_fetch(&v->domain->events.pollers, 1, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
}

/* Under the queue's lock: if it runs, it leaves its processor soon, long work included. */
static void ask_to_leave(struct vcpu *v)
{
    if (!v->running)
        return;
    vcpu_request_work(v, VCPU_WORK_STOP);
    ask_for(v->cpu);
}

void vcpu_down(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    v->state = VCPU_DOWN;
    list_remove(&v->queue);
    ask_to_leave(v);
    spin_unlock_irq(&q->lock, state);
}

void vcpu_yield(void)
{
    struct run_queue *q = &queues[this_cpu()->id];

    if (!list_empty(&q->waiting))
        cpu_request_work(this_cpu(), WORK_SCHEDULE);
}

static void pause_no_wait(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    v->pause_count++;
    if (!list_empty(&v->queue)) {
        list_remove(&v->queue);
        runstate_change(v, RUNSTATE_offline);
    }
    ask_to_leave(v);
    spin_unlock_irq(&q->lock, state);
}

void vcpu_pause(struct vcpu *v)
{
    ASSERT(v != current_vcpu());
    pause_no_wait(v);
    while (READ_ONCE(v->running))
        cpu_relax();
    /* running is cleared before the registers are saved, under the queue's lock: wait for that too. */
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);
    spin_unlock_irq(&q->lock, state);
}

void vcpu_unpause(struct vcpu *v)
{
    irq_state_t state;
    struct run_queue *q = queue_lock(v, &state);

    ASSERT(v->pause_count);
    v->pause_count--;
    spin_unlock_irq(&q->lock, state);
    vcpu_wake(v);
}

void vcpu_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    irq_state_t state;

    vcpu_pause(v); /* so it is in no queue */
    vcpu_unload(v);
    struct run_queue *q = queue_lock(v, &state);
    v->affinity = hard;
    v->soft_affinity = soft;
    if (!(hard >> v->cpu & 1))
        v->cpu = (unsigned)__builtin_ctzl(hard & cpus_online);
    spin_unlock_irq(&q->lock, state);
    vcpu_unpause(v);
}

void domain_stop_vcpus(struct domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        irq_state_t state;
        struct run_queue *q = queue_lock(v, &state);
        list_remove(&v->queue);
        ask_to_leave(v);
        spin_unlock_irq(&q->lock, state);
    }
}

/* --- Stopping all processors ------------------------------------------------------------------- */

static struct {
    uint32_t busy;
    uint64_t arrived;
    bool go_on;
} rendezvous;

/* What each processor was asked to run so, in order. */
static struct {
    void (*fn[SOON_MAX])(void);
    unsigned nr;
} soon[NR_CPUS];

/* While we wait for all others, one of them may wait in vcpu_pause for the vCPU that ran here: it leaves. */
static void leave_if_paused(void)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *q = &queues[cpu->id];
    struct vcpu *now = cpu->current;

    if (!now || !READ_ONCE(now->pause_count))
        return;
    irq_state_t state = spin_lock_irq(&q->lock);
    if (now->pause_count) {
        __atomic_and_fetch(&now->work, ~VCPU_WORK_STOP, __ATOMIC_SEQ_CST);
        now->running = false;
        runstate_change(now, RUNSTATE_offline); /* not shown: its whole domain is about to be, or is, paused */
        vcpu_state_save(now);
        cpu->current = NULL;
        cpu_request_work(cpu, WORK_SCHEDULE);
    }
    spin_unlock_irq(&q->lock, state);
}

/* We are the one that stops the others: runs all that was asked for. */
static void run_soon(void)
{
    unsigned cpu = this_cpu()->id;

    for (unsigned i = 0; i < soon[cpu].nr; i++)
        soon[cpu].fn[i]();
    soon[cpu].nr = 0;
}

static void rendezvous_wait(void)
{
    struct cpu *cpu = this_cpu();

    __atomic_and_fetch(&cpu->work, ~WORK_RENDEZVOUS, __ATOMIC_SEQ_CST);
    if (soon[cpu->id].nr) {
        if (stop_machine(run_soon))
            return;
        /* Another one stops the machine now: join it, and come back. */
        cpu_request_work(cpu, WORK_RENDEZVOUS);
    }
    if (!READ_ONCE(rendezvous.busy))
        return;
    __atomic_or_fetch(&rendezvous.arrived, 1UL << cpu->id, __ATOMIC_SEQ_CST);
    /* Interrupts on: others may still want a TLB flush from us on their way here. */
    interrupts_on();
    while (!__atomic_load_n(&rendezvous.go_on, __ATOMIC_ACQUIRE)) {
        leave_if_paused();
        cpu_relax();
    }
    interrupts_off();
    __atomic_and_fetch(&rendezvous.arrived, ~(1UL << cpu->id), __ATOMIC_SEQ_CST);
}

bool stop_machine(void (*fn)(void))
{
    uint64_t others = cpus_online & ~(1UL << this_cpu()->id);

    if (__atomic_exchange_n(&rendezvous.busy, 1, __ATOMIC_SEQ_CST))
        return false;
    rendezvous.go_on = false;
    for (uint64_t m = others; m; m &= m - 1) {
        cpu_request_work(cpu_of((unsigned)__builtin_ctzl(m)), WORK_RENDEZVOUS);
        cpu_kick((unsigned)__builtin_ctzl(m));
    }
    interrupts_on();
    while (__atomic_load_n(&rendezvous.arrived, __ATOMIC_SEQ_CST) != others) {
        leave_if_paused();
        cpu_relax();
    }
    fn();
    __atomic_store_n(&rendezvous.go_on, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&rendezvous.arrived, __ATOMIC_SEQ_CST))
        cpu_relax();
    interrupts_off();
    __atomic_store_n(&rendezvous.busy, 0, __ATOMIC_SEQ_CST);
    return true;
}

void stop_machine_soon(void (*fn)(void))
{
    irq_state_t state = interrupts_save();
    unsigned cpu = this_cpu()->id;
    bool known = false;

    /* There are fewer kinds of work than places, and none is in two of them. */
    for (unsigned i = 0; i < soon[cpu].nr; i++)
        known |= soon[cpu].fn[i] == fn;
    if (!known) {
        ASSERT(soon[cpu].nr < SOON_MAX);
        soon[cpu].fn[soon[cpu].nr++] = fn;
    }
    cpu_request_work(this_cpu(), WORK_RENDEZVOUS);
    interrupts_restore(state);
}

void cpu_do_work(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t work = READ_ONCE(cpu->work);

    if (work & WORK_TIMERS) {
        __atomic_and_fetch(&cpu->work, ~WORK_TIMERS, __ATOMIC_SEQ_CST);
        timers_run();
    }
    if (work & WORK_CONSOLE) {
        __atomic_and_fetch(&cpu->work, ~WORK_CONSOLE, __ATOMIC_SEQ_CST);
        console_input();
    }
    if (work & WORK_LOG) {
        __atomic_and_fetch(&cpu->work, ~WORK_LOG, __ATOMIC_SEQ_CST);
        interrupts_on();
        bool more = log_send();
        interrupts_off();
        if (more) /* guests have their turn in between */
            timer_set(&log_timers[cpu->id], time_now() + LOG_PAUSE_NS);
    }
    if (work & WORK_RENDEZVOUS)
        rendezvous_wait();
    if (READ_ONCE(cpu->work) & WORK_SCHEDULE) /* asked for before, or meanwhile: nobody may be left to run */
        schedule();
}

void timer_interrupt(void)
{
    cpu_request_work(this_cpu(), WORK_TIMERS);
}
