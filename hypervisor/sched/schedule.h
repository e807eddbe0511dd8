/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs on which processor.
 *
 * The mechanism is here: queues, switching, waking, stopping. Which of the waiting vCPUs is next, and
 * for how long, is a policy's.
 */
#ifndef SCHED_SCHEDULE_H
#define SCHED_SCHEDULE_H

#include "domain/domain.h"

struct run_queue {
    struct spinlock lock;
    struct list waiting; /* runnable, not running, in the policy's order */
};

struct sched_policy {
    const char *name;
    unsigned sched_id; /* XEN_SCHEDULER_* */
    /* Puts a vCPU that may run into the queue; yielded: it gave up its turn. Under the lock. */
    void (*enqueue)(struct run_queue *q, struct vcpu *v, bool yielded);
    /* Takes the next one out; NULL if there is none. now runs at present and may go on (or is NULL):
     * if nobody is better, it is the answer. */
    struct vcpu *(*pick)(struct run_queue *q, struct vcpu *now);
    /* How long the one that begins may run while others wait. */
    uint64_t slice_ns;
};

extern const struct sched_policy sched_round_robin;
extern const struct sched_policy *sched_policy;

/* Chooses who runs next here and switches to it: comes back only if that is who runs now. Interrupts
 * off, the head of the stack is the guest's registers. */
void schedule(void);

/* Does what is noted in this processor's work. Interrupts off; may switch away. */
void cpu_do_work(void);

/* Before anything else here. */
void schedule_boot(void);
/* Characters came in; the console looks after them (hypercall/console_io.c). */
void console_input(void);

/* What a processor with no vCPU does. */
void idle_loop(void) __attribute__((noreturn));

/* A new vCPU gets a processor. */
void vcpu_place(struct vcpu *v);
/* Where it may run, and where it would rather. Waits until it does not run elsewhere. Not for the one that runs. */
void vcpu_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);

/* Something came for this vCPU: wakes it if it is blocked, interrupts it if it runs elsewhere. */
void vcpu_kick(struct vcpu *v);
/* It is up, or no longer paused. */
void vcpu_wake(struct vcpu *v);
/* Goes down; does not wait until it has left its processor. */
void vcpu_down(struct vcpu *v);
/* The vCPU that runs blocks until an event comes; poll: until one of its ports, or its timer. */
void vcpu_block(struct vcpu *v);
void vcpu_yield(void);

/* The vCPU that runs, polling, blocks until vcpu_poll_end. */
void vcpu_poll_begin(struct vcpu *v);
/* What a polling vCPU waits for has come: it goes on. Any lock of rank below the run queue may be held. */
void vcpu_poll_end(struct vcpu *v);

/* Stops a vCPU from running and waits until it does not; pairs nest. Not for the one that runs. */
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* The same for all vCPUs of the domain that is not the current one, or for the current one without
 * waiting: none runs in the guest after the next exit. */
void domain_stop_vcpus(struct domain *d);

/* Runs fn on this processor while all others wait, each at a point where nothing is half done. From an
 * exit to the guest or the idle loop only. False: another processor is at it, and waits for us. */
bool stop_machine(void (*fn)(void));
/* Asks for fn to be run so, soon, by this processor. */
void stop_machine_soon(void (*fn)(void));

#endif
