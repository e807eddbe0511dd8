/* SPDX-License-Identifier: MIT */
/*
 * Several hypercalls in one. ABI: multicall, struct multicall_entry
 */
#include "run.h"
#include "paging.h"

#define LIST    0x20000UL
#define ENTRIES 4U

static struct domain *d;
static struct multicall_entry list[PAGE_SIZE / sizeof(struct multicall_entry)];
static mfn_t table;

/* One call that changes several entries of a table. */
static void start(void)
{
    d = paging_start(256);
    fake_guest_map(LIST, list, sizeof(list));
    table = new_frame(d);
    ck_assert_int_eq(pin(1, table), 0);
    for (unsigned i = 0; i < ENTRIES; i++) {
        guest_args[2 * i] = (table.v << PAGE_SHIFT) + i * 8;
        guest_args[2 * i + 1] = entry_of(new_frame(d), RW);
    }
    list[0].op = __HYPERVISOR_mmu_update;
    list[0].args[0] = GUEST_ARGS;
    list[0].args[1] = ENTRIES;
    list[0].args[3] = DOMID_SELF;
}

static unsigned entries_set(void)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < ENTRIES; i++)
        nr += words_of(table)[i] != 0;
    return nr;
}

START_TEST(an_entry_that_stops_goes_on)
{
    start();
    fake_preempt(1);
    ck_assert_int_eq(hypercall(hypercall_multicall, LIST, 1, 0, 0), 0);
    fake_preempt(0);
    ck_assert_uint_gt(hypercall_repeats, 1);
    ck_assert_uint_eq(list[0].result, 0);
    ck_assert_uint_eq(entries_set(), ENTRIES);
    audit_ok();
}
END_TEST

/* Where its arguments cannot be changed, it cannot. */
START_TEST(an_entry_in_memory_that_cannot_be_written_ends_it)
{
    start();
    fake_read_only = LIST;
    fake_preempt(1);
    ck_assert_int_eq(hypercall(hypercall_multicall, LIST, 1, 0, 0), -XEN_EFAULT);
    fake_preempt(0);
    ck_assert_uint_eq(entries_set(), 1);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { an_entry_that_stops_goes_on },
        { an_entry_in_memory_that_cannot_be_written_ends_it },
    };
    return RUN_TESTS("hypercall/multicall", tests);
}
