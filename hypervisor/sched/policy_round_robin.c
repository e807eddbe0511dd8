/* SPDX-License-Identifier: MIT */
/* Everyone in turn, ten milliseconds each. */
#include <xen/domctl.h>
#include "sched/schedule.h"

static void enqueue(struct run_queue *q, struct vcpu *v, bool yielded)
{
    (void)yielded;
    list_add_tail(&q->waiting, &v->queue);
}

static struct vcpu *pick(struct run_queue *q, struct vcpu *now)
{
    if (list_empty(&q->waiting))
        return now;
    struct vcpu *next = list_first(&q->waiting, struct vcpu, queue);
    list_remove(&next->queue);
    return next;
}

const struct sched_policy sched_round_robin = {
    .name = "round robin",
    .sched_id = XEN_SCHEDULER_CREDIT2, /* there is no number for it: the default one of Xen */
    .enqueue = enqueue,
    .pick = pick,
    .slice_ns = 10000000,
};
