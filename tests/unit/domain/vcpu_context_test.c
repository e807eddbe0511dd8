/* SPDX-License-Identifier: MIT */
/* A vCPU's first state, as another vCPU or a builder gives it: all of it, or nothing. */
#include <string.h>
#include "run.h"
#include "paging.h"
#include "domain/vcpu.h"

static struct domain *d;
static struct vcpu_guest_context c;
static mfn_t root, gdt;

static void start(void)
{
    fake_machine_start(256);
    d = fake_domain(1, 2, 64, false);
    root = new_frame(d);
    gdt = new_frame(d);
    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel;
    c.ctrlreg[3] = root.v << PAGE_SHIFT;
    c.gdt_frames[0] = gdt.v;
    c.gdt_ents = 512;
}

static void nothing_is_left(struct vcpu *v)
{
    guest_return(d);
    ck_assert(!v->initialised);
    ck_assert_uint_eq(count_of(root) + count_of(gdt), 0);
    ck_assert_uint_eq(v->dr[0], 0);
    audit_ok();
}

START_TEST(a_good_context_is_taken)
{
    start();
    c.debugreg[0] = 0x1234000;
    c.debugreg[7] = 0x403;
    ck_assert_int_eq(vcpu_set_context(d->vcpus[1], &c), 0);
    ck_assert(d->vcpus[1]->initialised);
    ck_assert_uint_eq(d->vcpus[1]->dr[0], 0x1234000);
    ck_assert_uint_eq(d->vcpus[1]->dr[7], 0x403);
    audit_ok();
}
END_TEST

START_TEST(a_bad_debug_register_is_left_out)
{
    start();
    c.debugreg[0] = 0x1234000;
    c.debugreg[7] = 1UL << 40;
    /* What fails leaves none of them. */
    c.gdt_frames[0] = root.v;
    ck_assert_int_lt(vcpu_set_context(d->vcpus[1], &c), 0);
    guest_return(d);
    nothing_is_left(d->vcpus[1]);
    c.gdt_ents = 0;
    uint64_t before = d->vcpus[1]->dr[7];
    ck_assert_int_eq(vcpu_set_context(d->vcpus[1], &c), 0);
    ck_assert_uint_eq(d->vcpus[1]->dr[0], 0x1234000);
    ck_assert_uint_eq(d->vcpus[1]->dr[7], before);
    audit_ok();
}
END_TEST

START_TEST(assists_are_the_domains_and_come_with_its_first_vcpu)
{
    start();
    c.vm_assist = 1UL << VMASST_TYPE_writable_pagetables | 1UL << 40;
    ck_assert_int_eq(vcpu_set_context(d->vcpus[0], &c), -XEN_EINVAL);
    nothing_is_left(d->vcpus[0]);
    ck_assert_uint_eq(d->vm_assist, 0);
    ck_assert_int_eq(vcpu_set_context(d->vcpus[1], &c), 0); /* of another, it is not looked at */
    ck_assert_uint_eq(d->vm_assist, 0);
    c.vm_assist = 1UL << VMASST_TYPE_writable_pagetables;
    ck_assert_int_eq(vcpu_set_context(d->vcpus[0], &c), 0);
    ck_assert_uint_eq(d->vm_assist, 1UL << VMASST_TYPE_writable_pagetables);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_good_context_is_taken },
        { a_bad_debug_register_is_left_out },
        { assists_are_the_domains_and_come_with_its_first_vcpu },
    };
    return RUN_TESTS("domain/vcpu_context", tests);
}
