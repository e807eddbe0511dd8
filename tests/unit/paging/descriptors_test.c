/* SPDX-License-Identifier: MIT */
/* Which descriptors a guest may have: none that leads to a privilege, or that only the system uses.
 */
#include "run.h"
#include "paging.h"
#include "paging/descriptors.h"

#define DPL(d) ((d) >> 45 & 3)

START_TEST(code_and_data_get_ring_3)
{
    static const uint64_t rows[] = { 0x00af9b000000ffff, 0x00affb000000ffff, 0x00cf93000000ffff,
                                     0x00cff3000000ffff, 0x00cf9b000000ffff, 0x0000b30000000000 };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t d = rows[i];
        ck_assert(descriptor_check(&d));
        ck_assert_uint_eq(DPL(d), 3);
        ck_assert_uint_eq(d & ~(3UL << 45), rows[i] & ~(3UL << 45));
    }
}
END_TEST

START_TEST(what_is_not_present_may_be_anything)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t before = fake_random() & ~(1UL << 47), d = before;
        ck_assert(descriptor_check(&d));
        ck_assert_uint_eq(d, before);
    }
}
END_TEST

/* Of the 16 system types only "none" (a gate's second half) and the call gate. */
START_TEST(system_descriptors_are_refused)
{
    for (uint64_t type = 0; type < 16; type++) {
        uint64_t d = 1UL << 47 | type << 40 | 0xe033UL << 16;
        ck_assert_msg(descriptor_check(&d) == (type == 0 || type == 12), "type %lu", type);
    }
}
END_TEST

/* A gate never opens by itself: its privilege goes to the selector's RPL, and its use is a #GP. */
START_TEST(call_gates_lead_to_guest_code_or_nowhere)
{
    static const struct {
        uint16_t selector;
        bool ok;
    } rows[] = { { 0x0000, true },  { 0x0003, true }, { 0x0010, true },  { 0x0014, true },
                 { 0xe033, true },  { 0xe030, true }, { 0xe008, false }, { 0xe010, false },
                 { 0xe02b, false }, { 0xdffb, true }, { 0xe004, true },  { 0xe000, false },
                 { 0xfffb, false }, { 0xffff, true } };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (uint64_t dpl = 0; dpl < 4; dpl++) {
            uint64_t d = 0x12348c0000005678 | dpl << 45 | (uint64_t)rows[i].selector << 16;
            ck_assert_msg(descriptor_check(&d) == rows[i].ok, "selector %x", rows[i].selector);
            if (!rows[i].ok || !(rows[i].selector & ~3))
                continue;
            ck_assert_uint_eq(DPL(d), 0);
            ck_assert_uint_eq(d >> 16 & 0xffff, (rows[i].selector & 0xfffcUL) | dpl);
            ck_assert_uint_eq(d & 0xffff, 0x5678);
        }
    }
}
END_TEST

/* What passed once passes again, and is not changed again. */
START_TEST(no_random_descriptor_is_a_privilege)
{
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t d = fake_random() | 1UL << 47;
        if (!descriptor_check(&d))
            continue;
        uint64_t type = d >> 40 & 15;
        if (d >> 44 & 1)
            ck_assert_uint_eq(DPL(d), 3);
        else
            ck_assert(type == 0 || type == 12);
    }
}
END_TEST

/* A vCPU comes to a processor with a selector of its LDT: the page that it needs is shown, and no other. */
START_TEST(the_page_of_an_ldt_selector_is_shown)
{
    struct domain *d = paging_start(256);
    struct vcpu *v = d->vcpus[0];
    mfn_t ldt = new_frame(d), l1 = new_frame(d), l2 = new_frame(d), l3 = new_frame(d), l4 = new_frame(d);

    words_of(l1)[1] = entry_of(ldt, RO);
    words_of(l2)[0] = entry_of(l1, RW);
    words_of(l3)[0] = entry_of(l2, RW);
    words_of(l4)[0] = entry_of(l3, RW);
    ck_assert_int_eq(page_type_get(frame_at(l4), TYPE_L4), 0);
    v->kernel_root = l4;
    v->initialised = true;
    ldt_set(v, 0, 1024); /* its first page is not there */
    ck_assert_int_eq(ldt_map_selector(v, 512 << 3 | 3), -XEN_EINVAL); /* of the GDT */
    ck_assert_int_eq(ldt_map_selector(v, 1024 << 3 | 7), -XEN_EINVAL);
    ck_assert_int_eq(ldt_map_selector(v, 511 << 3 | 7), -XEN_EFAULT);
    for (unsigned twice = 0; twice < 2; twice++) {
        ck_assert_int_eq(ldt_map_selector(v, 512 << 3 | 7), 0);
        ck_assert_uint_eq(v->ldt_mapped, 2);
        ck_assert_uint_eq(count_of(ldt), 1);
        ck_assert_uint_eq(type_of(ldt), TYPE_DESCRIPTOR);
        audit_ok();
    }
    ldt_forget(v);
    ck_assert_uint_eq(count_of(ldt), 0);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { code_and_data_get_ring_3 },
        { what_is_not_present_may_be_anything },
        { system_descriptors_are_refused },
        { call_gates_lead_to_guest_code_or_nowhere },
        { no_random_descriptor_is_a_privilege },
        { the_page_of_an_ldt_selector_is_shown },
    };
    return RUN_TESTS("paging/descriptors", tests);
}
