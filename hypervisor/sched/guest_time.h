/* SPDX-License-Identifier: MIT */
/* Time as guests see it: their pages of it, their timers, and where their own time went. */
#ifndef SCHED_GUEST_TIME_H
#define SCHED_GUEST_TIME_H

#include "domain/domain.h"

/* Writes the vCPU's struct vcpu_time_info anew. */
void guest_time_update(struct vcpu *v);
/* Writes the wall clock into the shared page: UTC at system time 0. */
void wallclock_update(struct domain *d);
/* dom0 says what time it is (ns of UTC at that system time). */
void wallclock_set(uint64_t seconds, uint32_t ns, uint64_t system_time);

void runstate_change(struct vcpu *v, int state);
/* How long a vCPU has been in a state (RUNSTATE_*) in all. */
uint64_t runstate_ns(const struct vcpu *v, int state);
/* Copies the time to where the guest wants a second copy; the vCPU runs. */
void time_area_publish(struct vcpu *v);
/* Copies the runstate to where the guest wants it; the vCPU runs. */
void runstate_publish(struct vcpu *v);
/* The same for one that is about to be switched away from, so that the guest's other vCPUs see that it waits for a
 * processor: whoever holds a lock then is not worth spinning for. In user mode the area is out of reach. */
void runstate_publish_leaving(struct vcpu *v);

void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_stop(struct vcpu *v);
void vcpu_set_singleshot(struct vcpu *v, uint64_t when_ns);
void vcpu_set_periodic(struct vcpu *v, uint64_t period_ns);

#endif
