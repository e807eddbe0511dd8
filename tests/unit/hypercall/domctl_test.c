/* SPDX-License-Identifier: MIT */
/*
 * An operation of domctl is done once, whatever else its subject leaves to do. ABI: domctl, <xen/domctl.h>
 */
#include "run.h"
#include "paging.h"
#include "hypercall/domctl.h"
#include "sched/schedule.h"
#include <string.h>

const struct sched_policy *sched_policy;

void vcpu_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    v->affinity = hard;
    v->soft_affinity = soft;
}

static struct domain *caller, *subject;

static void start(void)
{
    fake_machine_start(512);
    fake_guest_map(GUEST_ARGS, guest_args, sizeof(guest_args));
    subject = domain_create(2, 1, 64, false);
    caller = fake_domain(1, 1, 64, true);
}

static long domctl(unsigned cmd)
{
    struct xen_domctl op = { .cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = 2 };

    memcpy(guest_args, &op, sizeof(op));
    return hypercall(hypercall_domctl, GUEST_ARGS, 0, 0, 0);
}

/* A full L1 table of the subject's whose last reference went: nobody has taken it apart yet. */
static void doomed_table(void)
{
    mfn_t table = new_frame(subject), data = new_frame(subject);

    fake_switch_to(subject->vcpus[0]);
    ck_assert_int_eq(pin(1, table), 0);
    for (unsigned i = 0; i < 512; i++)
        ck_assert_int_eq(set_entry_of(table, i, entry_of(data, RO)), 0);
    struct mmuext_op op = { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = table.v };
    memcpy(guest_args, &op, sizeof(op));
    ck_assert_int_eq(hypercall_mmuext_op(GUEST_ARGS, 1, 0, DOMID_SELF, 0), 0);
    ck_assert(doomed_tables_left(subject));
    fake_switch_to(caller->vcpus[0]);
}

START_TEST(tables_of_the_subject_do_not_repeat_an_operation)
{
    start();
    fake_preempt(2);
    for (unsigned i = 1; i <= 4; i++) {
        doomed_table();
        ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain), 0);
        ck_assert_uint_eq(subject->controller_pauses, i);
        guest_return(subject);
    }
    for (unsigned i = 4; i--;) {
        doomed_table();
        ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain), 0);
        ck_assert_uint_eq(subject->controller_pauses, i);
        guest_return(subject);
    }
    fake_preempt(0);
    audit_ok();
}
END_TEST

/* The guest's VCPUOP_initialise and this could both find a vCPU without context, and both take references for it. */
START_TEST(a_context_waits_for_the_guest_that_makes_a_vcpu)
{
    start();
    subject->vcpu_life_busy = true;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext,
                             .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                             .domain = 2 };
    memcpy(guest_args, &op, sizeof(op));
    ck_assert_int_eq(hypercall_domctl(GUEST_ARGS, 0, 0, 0, 0), HYPERCALL_CONTINUE);
    caller->vcpus[0]->again.nr = 0;
    subject->vcpu_life_busy = false;
    ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext), -XEN_EFAULT);
    ck_assert(!subject->vcpu_life_busy);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { tables_of_the_subject_do_not_repeat_an_operation },
        { a_context_waits_for_the_guest_that_makes_a_vcpu },
    };
    return RUN_TESTS("hypercall/domctl", tests);
}
