/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's first context: what gives a right is checked, a refused one leaves nothing behind, and
 * what is taken is what was asked for, but for what no guest may have. ABI: struct
 * vcpu_guest_context, VCPUOP_initialise
 */
#include "run.h"
#include "paging.h"
#include "domain/vcpu.h"
#include "machine/registers.h"
#include <string.h>

#define KERNEL_VA 0xffffffff80000000UL
#define BAD       0x8000000000000000UL /* not canonical */

static struct domain *d;
static struct vcpu *v;
static struct vcpu_guest_context c;
static mfn_t root, user_root, gdt;

/* An L4 with a chain of tables below it. */
static mfn_t new_root(void)
{
    mfn_t below = new_frame(d);

    for (unsigned level = 1; level <= 4; level++) {
        mfn_t m = new_frame(d);
        words_of(m)[0] = entry_of(below, RW);
        below = m;
    }
    return below;
}

static void start(void)
{
    fake_machine_start(256);
    fake_guest_map(GUEST_ARGS, guest_args, sizeof(guest_args));
    d = fake_domain(1, 2, 192, false);
    v = d->vcpus[1];
    root = new_root();
    user_root = new_root();
    gdt = new_frame(d);
    words_of(gdt)[1] = 0x00affb000000ffff;
    c = (struct vcpu_guest_context){
        .flags = VGCF_in_kernel,
        .user_regs = { .rip = KERNEL_VA,
                       .rsp = KERNEL_VA + 0x1000,
                       .rdi = 7,
                       .rflags = 0x202,
                       .cs = 0xe030,
                       .ss = 0xe028 },
        .gdt_frames = { gdt.v },
        .gdt_ents = 512,
        .ldt_base = 0x10000,
        .ldt_ents = 8192,
        .kernel_ss = 0xe028,
        .kernel_sp = KERNEL_VA + 0x2000,
        .ctrlreg = { [1] = user_root.v << PAGE_SHIFT, [3] = root.v << PAGE_SHIFT },
        .event_callback_eip = KERNEL_VA + 1,
        .failsafe_callback_eip = KERNEL_VA + 2,
        .syscall_callback_eip = KERNEL_VA + 3,
        .fs_base = 0x1000,
        .gs_base_kernel = 0x2000,
        .gs_base_user = 0x3000,
    };
}

static int set_context(void)
{
    int rc;

    for (unsigned i = 0; (rc = vcpu_set_context(v, &c)) == HYPERCALL_CONTINUE; i++) {
        guest_return(d);
        ck_assert_uint_lt(i, 10000);
    }
    guest_return(d);
    return rc;
}

static void nothing_is_kept(void)
{
    ck_assert(!v->initialised);
    ck_assert_uint_eq(v->kernel_root.v, 0);
    ck_assert_uint_eq(v->nr_gdt_frames, 0);
    ck_assert_uint_eq(count_of(root), 0);
    ck_assert_uint_eq(count_of(user_root), 0);
    ck_assert_uint_eq(count_of(gdt), 0);
    ck_assert_uint_eq(refs_of(root), 1);
    ck_assert_uint_eq(refs_of(user_root), 1);
    ck_assert_uint_eq(refs_of(gdt), 1);
    audit_ok();
}

START_TEST(a_good_one_is_taken)
{
    start();
    c.user_regs.cs = 0xe030;
    c.user_regs.rflags = EFLAGS_IOPL | EFLAGS_NT | EFLAGS_VM | EFLAGS_RF | 0x41;
    c.flags |= VGCF_failsafe_disables_events | VGCF_syscall_disables_events;
    c.trap_ctxt[14] = (struct trap_info){ .vector = 99, .flags = 4, .address = KERNEL_VA + 14 };
    c.debugreg[0] = 0x1234;
    ck_assert_int_eq(set_context(), 0);
    ck_assert(v->initialised && v->in_kernel);
    ck_assert_uint_eq(v->kernel_root.v, root.v);
    ck_assert_uint_eq(v->user_root.v, user_root.v);
    ck_assert_uint_eq(count_of(root), 1);
    ck_assert_uint_eq(count_of(user_root), 1);
    ck_assert_uint_eq(type_of(gdt), TYPE_DESCRIPTOR);
    ck_assert_uint_eq(v->gdt_entries, 512);
    /* Ring 3 whatever was asked for, interrupts on, and no flag that is not the guest's. */
    ck_assert_uint_eq(v->regs.cs, 0xe033);
    ck_assert_uint_eq(v->regs.ss, 0xe02b);
    ck_assert_uint_eq(v->kernel_ss, 0xe02b);
    ck_assert_uint_eq(v->regs.rflags, 0x41 | EFLAGS_IF | 2);
    ck_assert_uint_eq(v->regs.rdi, 7);
    ck_assert_uint_eq(v->traps[14].address, KERNEL_VA + 14);
    ck_assert_uint_eq(v->traps[14].vector, 14); /* its place counts, not what it says */
    ck_assert_uint_eq(v->event.address, KERNEL_VA + 1);
    ck_assert_uint_eq(v->failsafe.address, KERNEL_VA + 2);
    ck_assert_uint_eq(v->syscall.address, KERNEL_VA + 3);
    ck_assert(v->failsafe.mask_events && v->syscall.mask_events);
    ck_assert_uint_eq(v->segments.gs_base, 0x2000);
    ck_assert_uint_eq(v->segments.gs_base_other, 0x3000);
    ck_assert_uint_eq(v->ldt_entries, 8192);
    ck_assert_uint_eq(v->dr[0], 0x1234);
    audit_ok();
}
END_TEST

START_TEST(one_in_user_mode_has_the_users_gs)
{
    start();
    c.flags = 0;
    ck_assert_int_eq(set_context(), 0);
    ck_assert(!v->in_kernel);
    ck_assert_uint_eq(v->segments.gs_base, 0x3000);
    ck_assert_uint_eq(v->segments.gs_base_other, 0x2000);
    ck_assert(!v->failsafe.mask_events && !v->syscall.mask_events);
    audit_ok();
}
END_TEST

#define OF(member) offsetof(struct vcpu_guest_context, member)

static const struct {
    size_t at;
    uint64_t value;
} bad_words[] = {
    { OF(user_regs.rip), BAD },
    { OF(user_regs.rsp), BAD },
    { OF(user_regs.rip), 0x0000800000000000 },
    { OF(event_callback_eip), BAD },
    { OF(failsafe_callback_eip), BAD },
    { OF(syscall_callback_eip), BAD },
    { OF(fs_base), BAD },
    { OF(gs_base_kernel), BAD },
    { OF(gs_base_user), BAD },
    { OF(trap_ctxt[0].address), BAD },
    { OF(trap_ctxt[255].address), BAD },
    { OF(gdt_ents), 14 * 512 + 1 },
    { OF(gdt_ents), ~0UL },
    { OF(gdt_ents), 1UL << 32 },
    { OF(gdt_ents), 513 }, /* the second frame is frame 0: not its own */
    { OF(ldt_ents), 8193 },
    { OF(ldt_ents), 1UL << 32 },
    { OF(ldt_base), 0x10008 },
    { OF(ldt_base), HYPERVISOR_START },
    { OF(ldt_base), HYPERVISOR_START - 0x1000 },
    { OF(ldt_base), HYPERVISOR_END - 0x1000 },
    { OF(ldt_base), ~0xfffUL },
    { OF(ctrlreg[3]), 0 },
    { OF(ctrlreg[3]), 255UL << PAGE_SHIFT },
    { OF(ctrlreg[3]), 1UL << 45 },
    { OF(ctrlreg[3]), ~0UL },
    { OF(ctrlreg[1]), 255UL << PAGE_SHIFT },
    { OF(ctrlreg[1]), ~0UL },
    { OF(gdt_frames[0]), 255 },
    { OF(gdt_frames[0]), ~0UL },
    { OF(gdt_frames[0]), 1UL << 52 },
};

START_TEST(one_bad_word_refuses_it_all)
{
    start();
    memcpy((uint8_t *)&c + bad_words[_i].at, &bad_words[_i].value, sizeof(uint64_t));
    ck_assert_int_eq(set_context(), -XEN_EINVAL);
    nothing_is_kept();
}
END_TEST

/* Frames that are its own, but no good for that. */
START_TEST(a_frame_of_another_kind_refuses_it_all)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d);

    words_of(l1)[0] = entry_of(data, RW);
    ck_assert_int_eq(pin(1, l1), 0);
    switch (_i) {
    case 0:
        c.ctrlreg[3] = l1.v << PAGE_SHIFT;
        break;
    case 1:
        c.ctrlreg[1] = l1.v << PAGE_SHIFT;
        break;
    case 2:
        c.ctrlreg[3] = data.v << PAGE_SHIFT; /* writable */
        break;
    case 3:
        c.gdt_frames[0] = data.v;
        break;
    case 4:
        words_of(gdt)[511] = 0x000089000000ffff; /* a TSS */
        break;
    case 5:
        words_of(user_root)[3] = entry_of(data, RW); /* no table */
        break;
    case 6:
        c.gdt_frames[1] = root.v; /* by now it is a root */
        c.gdt_ents = 1024;
        break;
    }
    ck_assert_int_eq(set_context(), -XEN_EINVAL);
    nothing_is_kept();
}
END_TEST

START_TEST(user_mode_wants_a_user_root)
{
    start();
    c.flags = 0;
    c.ctrlreg[1] = 0;
    ck_assert_int_eq(set_context(), -XEN_EINVAL);
    nothing_is_kept();
    c.flags = VGCF_in_kernel; /* the kernel does without */
    ck_assert_int_eq(set_context(), 0);
    ck_assert_uint_eq(v->user_root.v, 0);
    audit_ok();
}
END_TEST

START_TEST(both_roots_may_be_one)
{
    start();
    c.ctrlreg[1] = c.ctrlreg[3];
    ck_assert_int_eq(set_context(), 0);
    ck_assert_uint_eq(count_of(root), 2);
    audit_ok();
}
END_TEST

/* Trees take long to check. A call that stops keeps no root, but the work is not lost for good. */
START_TEST(what_stops_comes_to_its_end)
{
    start();
    fake_seed = (uint64_t)_i + 1;
    fake_preempt(2);
    ck_assert_int_eq(set_context(), 0);
    fake_preempt(0);
    guest_return(d);
    ck_assert_uint_eq(count_of(root), 1);
    ck_assert_uint_eq(count_of(user_root), 1);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_good_one_is_taken },
        { one_in_user_mode_has_the_users_gs },
        { one_bad_word_refuses_it_all, .rounds = ARRAY_SIZE(bad_words) },
        { a_frame_of_another_kind_refuses_it_all, .rounds = 7 },
        { user_mode_wants_a_user_root },
        { both_roots_may_be_one },
        { what_stops_comes_to_its_end, .rounds = 8 },
    };
    return RUN_TESTS("domain/vcpu", tests);
}
