/* SPDX-License-Identifier: MIT */
/*
 * A domain stops. What that means for the machine depends on whose wish it is: dom0's ends it.
 */
#include <xen/sched.h>
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/shutdown.h"
#include "event/virq.h"
#include "sched/schedule.h"
#include "trace/log.h"

bool shutdown_audits;
bool shutdown_never_reboots;

static const char *const reasons[] = { "power off", "reboot", "suspend", "crash", "watchdog",
                                       "soft reset" };

/* With all processors stopped where nothing is half done. */
static void end_of_machine(void)
{
    unsigned errors = shutdown_audits ? paging_audit() : 0;
    bool failed = errors || dom0->shutdown_reason == SHUTDOWN_crash ||
                  dom0->shutdown_reason == SHUTDOWN_watchdog;

    if (dom0->shutdown_reason == SHUTDOWN_reboot && !failed && !shutdown_never_reboots)
        machine_reboot();
    machine_stop(failed);
}

static void report_death(struct domain *d)
{
    if (current_vcpu() && current_vcpu()->domain == d)
        report_vcpu(current_vcpu(), &this_cpu()->guest_regs);
    refusals_report(d);
}

void domain_shutdown(struct domain *d, unsigned reason)
{
    if (__atomic_exchange_n(&d->shut_down, true, __ATOMIC_SEQ_CST))
        return;
    d->shutdown_reason = reason;
    log_line(reason == SHUTDOWN_crash ? LOG_ERROR : LOG_INFO, "d%u shut down: %s", d->id,
             reason < ARRAY_SIZE(reasons) ? reasons[reason] : "for a reason of its own");
    if (reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog)
        report_death(d);
    domain_stop_vcpus(d);
    if (d == dom0)
        stop_machine_soon(end_of_machine);
    else
        virq_raise_global(VIRQ_DOM_EXC);
}
