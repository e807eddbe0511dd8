/* SPDX-License-Identifier: MIT */
/*
 * An operation of domctl is done once, whatever else its subject leaves to do. ABI: domctl, <xen/domctl.h>
 */
#include "run.h"
#include "paging.h"
#include "event/virq.h"
#include "grant/grant_table.h"
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

static struct xen_domctl *args_for(unsigned cmd)
{
    struct xen_domctl *op = (void *)guest_args;

    *op = (struct xen_domctl){ .cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = 2 };
    return op;
}

static long ask(void)
{
    return hypercall(hypercall_domctl, GUEST_ARGS, 0, 0, 0);
}

static long domctl(unsigned cmd)
{
    args_for(cmd);
    return ask();
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
    args_for(XEN_DOMCTL_setvcpucontext)->u.vcpucontext.ctxt.p = (void *)0x30000UL; /* not mapped */
    ck_assert_int_eq(hypercall_domctl(GUEST_ARGS, 0, 0, 0, 0), HYPERCALL_CONTINUE);
    caller->vcpus[0]->again.nr = 0;
    subject->vcpu_life_busy = false;
    ck_assert_int_eq(ask(), -XEN_EFAULT);
    ck_assert(!subject->vcpu_life_busy);
}
END_TEST

/* --- Contexts ----------------------------------------------------------------------------------- */

#define CONTEXT 0x20000UL

static struct vcpu_guest_context context;

static long set_context(struct vcpu_guest_context *c)
{
    args_for(XEN_DOMCTL_setvcpucontext)->u.vcpucontext.ctxt.p = c ? (void *)CONTEXT : NULL;
    return ask();
}

static mfn_t start_with_context(void)
{
    start();
    fake_guest_map(CONTEXT, &context, sizeof(context));
    mfn_t root = new_frame(subject);
    context = (struct vcpu_guest_context){ .flags = VGCF_in_kernel | VGCF_online,
                                           .user_regs = { .rip = 0x1000, .rax = 7 },
                                           .ctrlreg[3] = root.v << PAGE_SHIFT };
    ck_assert_int_eq(set_context(&context), 0);
    ck_assert_uint_eq(count_of(root), 1);
    ck_assert_int_eq(subject->vcpus[0]->state, VCPU_RUNNABLE);
    return root;
}

/* libxc gives no context to make a vCPU as it was before it had one. */
START_TEST(no_context_resets_a_vcpu)
{
    mfn_t root = start_with_context();

    ck_assert_int_eq(set_context(NULL), 0);
    ck_assert(!subject->vcpus[0]->initialised);
    ck_assert_int_eq(subject->vcpus[0]->state, VCPU_DOWN);
    ck_assert_uint_eq(count_of(root), 0);
    ck_assert_uint_eq(subject->vcpus[0]->pause_count, 0);
    audit_ok();
    ck_assert_int_eq(set_context(NULL), 0); /* once more changes nothing */
    ck_assert_int_eq(set_context(&context), 0);
    ck_assert_int_eq(subject->vcpus[0]->state, VCPU_RUNNABLE);
    ck_assert_uint_eq(count_of(root), 1);
    audit_ok();
}
END_TEST

/* After a suspend that was called off, dom0 puts an answer into RAX. Tables stay as they are until it is reset. */
START_TEST(a_second_context_changes_registers_only)
{
    mfn_t root = start_with_context(), other = new_frame(subject);

    context.user_regs.rax = 1;
    ck_assert_int_eq(set_context(&context), 0);
    ck_assert_uint_eq(subject->vcpus[0]->regs.rax, 1);
    context.ctrlreg[3] = other.v << PAGE_SHIFT;
    ck_assert_int_eq(set_context(&context), -XEN_EOPNOTSUPP);
    context.ctrlreg[3] = root.v << PAGE_SHIFT;
    context.gdt_ents = 1;
    ck_assert_int_eq(set_context(&context), -XEN_EOPNOTSUPP);
    context.gdt_ents = 0;
    context.user_regs.rip = 1UL << 50;
    ck_assert_int_eq(set_context(&context), -XEN_EINVAL);
    context.user_regs.rip = 0x1000;
    context.flags &= ~VGCF_in_kernel;
    ck_assert_int_eq(set_context(&context), -XEN_EINVAL); /* it has no user root */
    ck_assert(subject->vcpus[0]->in_kernel);
    context.flags = VGCF_in_kernel;
    ck_assert_int_eq(set_context(&context), 0);
    ck_assert_int_eq(subject->vcpus[0]->state, VCPU_DOWN);
    ck_assert_uint_eq(count_of(root), 1);
    audit_ok();
}
END_TEST

/* --- Life --------------------------------------------------------------------------------------- */

static unsigned pauses_seen;

static void is_not_found(struct vcpu *v)
{
    if (v->domain->id == 3 && !v->domain->dying) {
        pauses_seen++;
        ck_assert_ptr_null(domain_by_id(3));
    }
}

/* Another vCPU of dom0's may ask for a domain as soon as there is one: its limits stand by then, and it is paused. */
START_TEST(a_domain_is_found_when_it_is_complete)
{
    start();
    struct xen_domctl *op = args_for(XEN_DOMCTL_createdomain);
    op->domain = 3;
    op->u.createdomain = (struct xen_domctl_createdomain){
        .max_vcpus = 2, .max_evtchn_port = 10, .max_grant_frames = 3, .max_maptrack_frames = 4, .grant_opts = 1
    };
    fake_at_pause = is_not_found;
    ck_assert_int_eq(ask(), 0);
    fake_at_pause = NULL;
    ck_assert_uint_eq(pauses_seen, 2);
    const struct domain *d = domain_by_id(3);
    ck_assert_ptr_nonnull(d);
    ck_assert_uint_eq(d->events.max_port, 10);
    ck_assert_uint_eq(d->grants->max_frames, 3);
    ck_assert_uint_eq(d->grants->max_mapping_frames, 4);
    ck_assert_uint_eq(d->vcpus[1]->pause_count, 1);
}
END_TEST

START_TEST(who_dies_is_not_paused)
{
    start();
    ck_assert_int_eq(hypercall_domctl((args_for(XEN_DOMCTL_destroydomain), GUEST_ARGS), 0, 0, 0, 0),
                     HYPERCALL_CONTINUE);
    caller->vcpus[0]->again.nr = 0;
    ck_assert(subject->dying);
    ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain), -XEN_EINVAL);
    ck_assert_uint_eq(subject->controller_pauses, 0);
}
END_TEST

/* A global VIRQ goes to whom dom0 names, and to dom0 again when that one dies. */
START_TEST(a_global_virq_goes_to_its_handler)
{
    start();
    dom0 = caller;
    caller->events.virq_port[0][VIRQ_DOM_EXC] = subject->events.virq_port[0][VIRQ_DOM_EXC] = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct evtchn_bind_virq bind = { .virq = VIRQ_DOM_EXC };
        fake_switch_to((i ? caller : subject)->vcpus[0]);
        memcpy(guest_args, &bind, sizeof(bind));
        ck_assert_int_eq(hypercall(hypercall_event_channel_op, EVTCHNOP_bind_virq, GUEST_ARGS, 0, 0), 0);
    }
    unsigned port = subject->events.virq_port[0][VIRQ_DOM_EXC];
    args_for(XEN_DOMCTL_set_virq_handler)->u.set_virq_handler.virq = VIRQ_TIMER;
    ck_assert_int_eq(ask(), -XEN_EINVAL);
    args_for(XEN_DOMCTL_set_virq_handler)->u.set_virq_handler.virq = NR_VIRQS;
    ck_assert_int_eq(ask(), -XEN_EINVAL);
    args_for(XEN_DOMCTL_set_virq_handler)->u.set_virq_handler.virq = VIRQ_DOM_EXC;
    ck_assert_int_eq(ask(), 0);
    virq_raise_global(VIRQ_DOM_EXC);
    ck_assert_uint_eq(subject->shared_info->evtchn_pending[0], 1UL << port);
    ck_assert_uint_eq(caller->shared_info->evtchn_pending[0], 0);
    args_for(XEN_DOMCTL_destroydomain);
    ck_assert_int_eq(hypercall_domctl(GUEST_ARGS, 0, 0, 0, 0), HYPERCALL_CONTINUE);
    caller->vcpus[0]->again.nr = 0;
    virq_raise_global(VIRQ_DOM_EXC);
    ck_assert_uint_eq(caller->shared_info->evtchn_pending[0],
                      1UL << caller->events.virq_port[0][VIRQ_DOM_EXC]);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { tables_of_the_subject_do_not_repeat_an_operation },
        { a_context_waits_for_the_guest_that_makes_a_vcpu },
        { no_context_resets_a_vcpu },
        { a_second_context_changes_registers_only },
        { a_domain_is_found_when_it_is_complete },
        { who_dies_is_not_paused },
        { a_global_virq_goes_to_its_handler },
    };
    return RUN_TESTS("hypercall/domctl", tests);
}
