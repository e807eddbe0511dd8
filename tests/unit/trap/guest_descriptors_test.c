/* SPDX-License-Identifier: MIT */
/* Which descriptors a guest may have: none that leads to a privilege, or that only the system uses.
 */
#include "run.h"
#include "fake.h"
#include "trap/guest_descriptors.h"

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

int main(void)
{
    const struct test tests[] = {
        { code_and_data_get_ring_3 },
        { what_is_not_present_may_be_anything },
        { system_descriptors_are_refused },
        { call_gates_lead_to_guest_code_or_nowhere },
        { no_random_descriptor_is_a_privilege },
    };
    return RUN_TESTS("trap/guest_descriptors", tests);
}
