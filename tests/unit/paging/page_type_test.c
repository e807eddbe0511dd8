/* SPDX-License-Identifier: MIT */
/*
 * The rules of page types, one by one, as a guest meets them (by its hypercalls), each ending with
 * the auditor. The random test beside this one asks whether they hold together.
 */
#include "run.h"
#include "paging.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include <string.h>

static struct domain *d;

static void start(void)
{
    d = paging_start(256);
}

static mfn_t table_of_one(mfn_t target, uint64_t flags)
{
    mfn_t m = new_frame(d);

    words_of(m)[0] = entry_of(target, flags);
    return m;
}

START_TEST(a_table_is_never_writable)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_lt(pin(1, data), 0); /* it is mapped writable */
    ck_assert_int_lt(set_entry_of(l1, 1, entry_of(l1, RW)), 0);
    ck_assert_uint_eq(words_of(l1)[1], 0);
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(l1, RO)), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RO)), 0);
    ck_assert_int_eq(pin(1, data), 0); /* not any more */
    audit_ok();
}
END_TEST

START_TEST(all_four_levels_stand_on_one_pin)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW), l2 = table_of_one(l1, RW),
          l3 = table_of_one(l2, RW), l4 = table_of_one(l3, RW);

    ck_assert_int_eq(pin(4, l4), 0);
    ck_assert_uint_eq(type_of(l4), TYPE_L4);
    ck_assert_uint_eq(type_of(l3), TYPE_L3);
    ck_assert_uint_eq(type_of(l2), TYPE_L2);
    ck_assert_uint_eq(type_of(l1), TYPE_L1);
    ck_assert_uint_eq(count_of(data), 1);
    ck_assert_mem_eq(words_of(l4) + HYPERVISOR_SLOT_FIRST, root_hypervisor_entries(),
                     HYPERVISOR_SLOTS * 8);
    audit_ok();
    ck_assert_int_eq(unpin(l4), 0);
    ck_assert_uint_eq(count_of(l4) + count_of(l3) + count_of(l2) + count_of(l1) + count_of(data),
                      0);
    audit_ok();
}
END_TEST

START_TEST(a_pin_is_one_and_is_given_back_once)
{
    start();
    mfn_t l1 = new_frame(d);

    ck_assert_int_eq(unpin(l1), -XEN_EINVAL);
    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(1, l1), -XEN_EINVAL);
    ck_assert_int_eq(pin(2, l1), -XEN_EINVAL);
    ck_assert_uint_eq(count_of(l1), 1);
    ck_assert_int_eq(unpin(l1), 0);
    ck_assert_int_eq(unpin(l1), -XEN_EINVAL);
    ck_assert_int_eq(pin(2, l1), 0); /* at count zero it may become something else */
    audit_ok();
}
END_TEST

START_TEST(frames_of_others_are_neither_mapped_nor_tables)
{
    start();
    struct domain *other = domain_create(2, 1, 16, false);
    mfn_t theirs = new_frame(other), l1 = new_frame(d), l2 = new_frame(d);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(theirs, RO)), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(theirs, RW)), 0);
    ck_assert_int_lt(set_entry_of(l2, 0, entry_of(theirs, RW)), 0);
    ck_assert_int_lt(pin(1, theirs), 0);
    ck_assert_int_lt(mmuext(MMUEXT_NEW_USER_BASEPTR, theirs), 0);
    ck_assert_int_lt(set_entry_of(theirs, 0, 0), 0);
    /* Nor are the hypervisor's own, free ones, and what is no RAM. */
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(virt_to_mfn(d), RO)), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(mfn(max_mfn), RO)), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(mfn(max_mfn - 1), RO)), 0);
    ck_assert_int_lt(set_entry_of(l2, 0, entry_of(mfn(max_mfn), RW)), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, PTE_ADDRESS | RO), 0);
    ck_assert_uint_eq(words_of(l1)[0] | words_of(l2)[0], 0);
    audit_ok();
}
END_TEST

START_TEST(flags_that_are_not_a_guests_are_refused)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d), below = new_frame(d), l2 = new_frame(d);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(2, l2), 0);
    static const uint64_t at_l1[] = { PTE_PWT, PTE_PCD, PTE_PAT };
    for (unsigned i = 0; i < ARRAY_SIZE(at_l1); i++)
        ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RO | at_l1[i])), -XEN_EINVAL);
    static const uint64_t above[] = { PTE_PWT, PTE_PCD, PTE_LARGE, PTE_GLOBAL };
    for (unsigned i = 0; i < ARRAY_SIZE(above); i++)
        ck_assert_int_eq(set_entry_of(l2, 0, entry_of(below, RW | above[i])), -XEN_EINVAL);
    /* A change of flags alone is looked at as well. */
    ck_assert_int_eq(set_entry_of(l2, 0, entry_of(below, RW)), 0);
    ck_assert_int_eq(set_entry_of(l2, 0, entry_of(below, RW | PTE_LARGE)), -XEN_EINVAL);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RW | PTE_AVAIL | PTE_NX)), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RW | PTE_PCD)), -XEN_EINVAL);
    audit_ok();
}
END_TEST

/* Kernel mappings are marked, user mappings are global: what the guest sees else is what it wrote.
 */
START_TEST(entries_are_stored_with_our_bits_and_no_others)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, PTE_PRESENT)), 0);
    ck_assert_uint_eq(words_of(l1)[0], entry_of(data, PTE_PRESENT | PTE_USER | PTE_GUEST_KERNEL));
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(data, RO)), 0);
    ck_assert_uint_eq(words_of(l1)[1], entry_of(data, RO | PTE_GLOBAL));
    ck_assert_int_eq(set_entry_of(l1, 2, 0xdeadbeeffffffffe), 0); /* not present: anything */
    ck_assert_uint_eq(words_of(l1)[2], 0xdeadbeeffffffffe);
    audit_ok();
}
END_TEST

START_TEST(slots_of_the_hypervisor_are_not_the_guests)
{
    start();
    mfn_t l4 = new_frame(d), l3 = new_frame(d);

    words_of(l4)[256] = entry_of(l3, RW); /* thrown away by validation */
    ck_assert_int_eq(pin(4, l4), 0);
    ck_assert_uint_eq(count_of(l3), 0);
    for (unsigned slot = 256; slot < 272; slot++) {
        ck_assert_int_lt(set_entry_of(l4, slot, entry_of(l3, RW)), 0);
        ck_assert_int_lt(set_entry_of(l4, slot, 0), 0);
    }
    ck_assert_int_eq(set_entry_of(l4, 255, entry_of(l3, RW)), 0);
    ck_assert_int_eq(set_entry_of(l4, 272, entry_of(l3, RW)), 0);
    ck_assert_uint_eq(count_of(l3), 2);
    ck_assert_mem_eq(words_of(l4) + 256, root_hypervisor_entries(), HYPERVISOR_SLOTS * 8);
    audit_ok();
}
END_TEST

START_TEST(a_table_does_not_contain_itself)
{
    start();
    mfn_t tables[4];

    for (unsigned level = 1; level <= 4; level++) {
        mfn_t m = tables[level - 1] = new_frame(d);
        words_of(m)[5] = entry_of(m, RW);
        ck_assert_int_lt(pin(level, m), 0);
        ck_assert_uint_eq(count_of(m), 0);
        words_of(m)[5] = 0;
        ck_assert_int_eq(pin(level, m), 0);
        ck_assert_int_lt(set_entry_of(m, 5, entry_of(m, RW)), 0);
    }
    /* Nor does a level stand where another belongs. */
    ck_assert_int_lt(set_entry_of(tables[3], 0, entry_of(tables[1], RW)), 0);
    ck_assert_int_lt(set_entry_of(tables[1], 0, entry_of(tables[3], RW)), 0);
    audit_ok();
}
END_TEST

/* The rule is broken by the last entry: all that was taken for the others is given back. */
START_TEST(validation_that_fails_gives_everything_back)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d), l2 = new_frame(d);

    for (unsigned i = 0; i < 511; i++)
        words_of(l1)[i] = entry_of(data, i % 2 ? RO : RW);
    words_of(l1)[511] = entry_of(data, RW | PTE_PCD);
    for (unsigned i = 0; i < 10; i++)
        words_of(l2)[i] = entry_of(l1, RW);
    ck_assert_int_eq(pin(1, l1), -XEN_EINVAL);
    ck_assert_uint_eq(count_of(data), 0);
    ck_assert_uint_eq(refs_of(data), 1);
    audit_ok();
    ck_assert_int_lt(pin(2, l2), 0);
    ck_assert_uint_eq(count_of(data) + count_of(l1) + count_of(l2), 0);
    audit_ok();
    words_of(l1)[511] = 0;
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_uint_eq(count_of(l1), 10);
    ck_assert_uint_eq(count_of(data), 256);
    ck_assert_uint_eq(refs_of(data), 1 + 255);
    audit_ok();
}
END_TEST

START_TEST(a_refused_change_leaves_the_entry_and_the_counts)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW), l2 = table_of_one(l1, RW),
          bad = new_frame(d);

    words_of(bad)[3] = entry_of(data, RW | PTE_PCD);
    ck_assert_int_eq(pin(2, l2), 0);
    uint64_t at_l1 = words_of(l1)[0], at_l2 = words_of(l2)[0];
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(l2, RW)), 0);
    ck_assert_int_lt(set_entry_of(l2, 0, entry_of(bad, RW)), 0);
    ck_assert_int_lt(set_entry_of(l2, 0, entry_of(l2, RW)), 0);
    ck_assert_uint_eq(words_of(l1)[0], at_l1);
    ck_assert_uint_eq(words_of(l2)[0], at_l2);
    ck_assert_uint_eq(count_of(l1), 1);
    ck_assert_uint_eq(count_of(data), 1);
    audit_ok();
}
END_TEST

START_TEST(full_counts_are_refused)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d), l2 = new_frame(d), below = new_frame(d);
    struct frame *f = frame_at(data);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RW)), 0);
    uint64_t state = f->state;
    f->state |= FRAME_COUNT;
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(data, RW)), -XEN_EBUSY);
    ck_assert_int_eq(page_type_get(f, TYPE_WRITABLE), -XEN_EBUSY);
    ck_assert(!page_type_get_existing(f, TYPE_WRITABLE, d->id));
    ck_assert_uint_eq(f->state, state | FRAME_COUNT);
    f->state = state | FRAME_REFS;
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(data, RO)), -XEN_EBUSY);
    ck_assert(!frame_get(f, d->id));
    ck_assert_uint_eq(f->state, state | FRAME_REFS);
    f->state = state;
    ck_assert_int_eq(set_entry_of(l2, 0, entry_of(below, RW)), 0);
    f = frame_at(below);
    state = f->state;
    f->state |= FRAME_COUNT;
    ck_assert_int_lt(set_entry_of(l2, 1, entry_of(below, RW)), 0);
    ck_assert_uint_eq(f->state, state | FRAME_COUNT);
    f->state = state;
    audit_ok();
}
END_TEST

/* A sparse mapping of one page: more references than small counters hold. */
/* What is asked in one comparison, asked one by one. */
START_TEST(a_word_says_at_once_whether_a_reference_may_be_taken)
{
    static const uint64_t flags[] = { 0, FRAME_ENDING, FRAME_SPECIAL, FRAME_PARTIAL, FRAME_DOOMED, FRAME_BUSY };
    static const uint64_t counts[] = { 0, 1, 2, FRAME_COUNT / FRAME_COUNT_ONE - 1, FRAME_COUNT / FRAME_COUNT_ONE };
    static const uint64_t refs[] = { 0, 1, 2, FRAME_REFS - 1, FRAME_REFS };

    for (unsigned i = 0; i < 8 * 2 * 4 * 6 * 5 * 5; i++) {
        uint64_t type = i % 8, valid = i / 8 % 2, owned = i / 16 % 4, flag = flags[i / 64 % 6],
                 count = counts[i / 384 % 5], references = refs[i / 1920];
        uint64_t word = FRAME_TYPE_BITS(type) | (valid ? FRAME_VALID : 0) | (owned & 1 ? FRAME_ALLOCATED : 0) |
                        (owned & 2 ? FRAME_PINNED : 0) | flag | count * FRAME_COUNT_ONE | references;
        for (unsigned wanted = TYPE_NONE; wanted <= TYPE_DESCRIPTOR; wanted++) {
            bool usable = type == wanted && valid && !flag && count * FRAME_COUNT_ONE != FRAME_COUNT;
            ck_assert_msg(state_is_usable(word, wanted, 0) == usable, "%016lx as %u", word, wanted);
            ck_assert_msg(state_is_usable(word, wanted, 1) == (usable && count), "%016lx as %u", word, wanted);
        }
        ck_assert_msg(state_has_room(word) == (references && references != FRAME_REFS), "%016lx", word);
    }
}
END_TEST

START_TEST(a_million_mappings_of_one_frame_are_counted)
{
    start();
    mfn_t zero = new_frame(d), l1 = new_frame(d), l2 = new_frame(d);

    for (unsigned i = 0; i < 512; i++) {
        words_of(l1)[i] = entry_of(zero, RO);
        words_of(l2)[i] = entry_of(l1, RW);
    }
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_uint_eq(refs_of(zero), 513);
    ck_assert_uint_eq(count_of(l1), 512);
    struct frame *f = frame_at(zero);
    for (unsigned i = 0; i < 1000000; i++)
        ck_assert(frame_get(f, d->id));
    ck_assert_uint_eq(refs_of(zero), 1000513);
    for (unsigned i = 0; i < 1000000; i++)
        frame_put(f);
    audit_ok();
}
END_TEST

/* Somebody may still write through an old TLB entry: no table before all have forgotten. */
START_TEST(tlbs_are_flushed_between_writable_and_table)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RW)), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    unsigned before = fake_flushes;
    ck_assert_int_eq(pin(1, data), 0);
    ck_assert_uint_gt(fake_flushes, before);
    /* And again the other way, and not when nothing lingers. */
    ck_assert_int_eq(unpin(data), 0);
    before = fake_flushes;
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(data, RW)), 0);
    ck_assert_uint_gt(fake_flushes, before);
    before = fake_flushes;
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(data, RW)), 0);
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(data, RO)), 0);
    ck_assert_uint_eq(fake_flushes, before);
    audit_ok();
}
END_TEST

START_TEST(an_upper_entry_that_was_present_flushes_at_the_end_of_the_batch)
{
    start();
    mfn_t l1 = new_frame(d), l2 = new_frame(d);

    d->paging.dirty_cpus = 5;
    ck_assert_int_eq(pin(2, l2), 0);
    unsigned before = fake_flushes;
    ck_assert_int_eq(set_entry_of(l2, 0, entry_of(l1, RW)), 0);
    ck_assert_uint_eq(fake_flushes, before);
    ck_assert_int_eq(set_entry_of(l2, 0, 0), 0);
    ck_assert_uint_eq(fake_flushes, before + 1);
    ck_assert_uint_eq(fake_last_flush_mask, 5);
    audit_ok();
}
END_TEST

/*
 * Linux takes an address space down in one multicall: unpin the root, then make what were its
 * tables writable again. What the first entry let go of, the second finds free.
 */
START_TEST(what_an_entry_lets_go_is_free_for_the_next)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW), l2 = table_of_one(l1, RW),
          l3 = table_of_one(l2, RW), l4 = table_of_one(l3, RW), window = new_frame(d);
    struct multicall_entry calls[5];
    struct mmuext_op op = { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = l4.v };
    struct mmu_update updates[4];
    mfn_t tables[4] = { l1, l2, l3, l4 };

    ck_assert_int_eq(pin(1, window), 0);
    ck_assert_int_eq(pin(4, l4), 0);
    memset(calls, 0, sizeof(calls));
    calls[0].op = __HYPERVISOR_mmuext_op;
    calls[0].args[0] = GUEST_ARGS + 1024;
    calls[0].args[1] = 1;
    calls[0].args[3] = DOMID_SELF;
    for (unsigned i = 0; i < 4; i++) {
        updates[i].ptr = (window.v << PAGE_SHIFT) + i * 8;
        updates[i].val = entry_of(tables[i], RW);
        calls[i + 1].op = __HYPERVISOR_mmu_update;
        calls[i + 1].args[0] = GUEST_ARGS + 2048 + i * sizeof(updates[0]);
        calls[i + 1].args[1] = 1;
        calls[i + 1].args[3] = DOMID_SELF;
    }
    memcpy(guest_args, calls, sizeof(calls));
    memcpy(guest_args + 1024 / 8, &op, sizeof(op));
    memcpy(guest_args + 2048 / 8, updates, sizeof(updates));
    ck_assert_int_eq(hypercall(hypercall_multicall, GUEST_ARGS, 5, 0, 0), 0);
    memcpy(calls, guest_args, sizeof(calls));
    for (unsigned i = 0; i < 5; i++)
        ck_assert_msg(calls[i].result == 0, "entry %u: %ld", i, (long)calls[i].result);
    ck_assert_uint_eq(type_of(l1), TYPE_WRITABLE);
    audit_ok();
}
END_TEST

/* In the same batch: the L2's entry goes, and what was its L1 is plain memory for the entry after it. */
START_TEST(what_is_no_table_any_more_takes_any_value)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW), l2 = table_of_one(l1, RW);

    ck_assert_int_eq(pin(2, l2), 0);
    for (unsigned one_in = 0; one_in < 3; one_in++) {
        fake_preempt(one_in);
        guest_args[0] = l2.v << PAGE_SHIFT;
        guest_args[1] = 0;
        guest_args[2] = (l1.v << PAGE_SHIFT) + 8;
        guest_args[3] = 0xffffffffffffffff;
        ck_assert_int_eq(hypercall(hypercall_mmu_update, GUEST_ARGS, 2, 0, DOMID_SELF), 0);
        ck_assert_uint_eq(words_of(l1)[1], 0xffffffffffffffff);
        ck_assert_uint_eq(count_of(data), 0);
        audit_ok();
        ck_assert_int_eq(set_entry_of(l1, 1, 0), 0);
        ck_assert_int_eq(set_entry_of(l2, 0, entry_of(l1, RW)), 0);
    }
    /* By one call of a multicall, and the next. */
    fake_preempt(0);
    struct multicall_entry calls[2] = {
        { .op = __HYPERVISOR_mmuext_op, .args = { GUEST_ARGS + 1024, 1, 0, DOMID_SELF } },
        { .op = __HYPERVISOR_mmu_update, .args = { GUEST_ARGS + 2048, 1, 0, DOMID_SELF } },
    };
    struct mmuext_op op = { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = l2.v };
    struct mmu_update update = { (l1.v << PAGE_SHIFT) + 8, 0xffffffffffffffff };
    memcpy(guest_args, calls, sizeof(calls));
    memcpy(guest_args + 1024 / 8, &op, sizeof(op));
    memcpy(guest_args + 2048 / 8, &update, sizeof(update));
    ck_assert_int_eq(hypercall(hypercall_multicall, GUEST_ARGS, 2, 0, 0), 0);
    memcpy(calls, guest_args, sizeof(calls));
    ck_assert_int_eq(calls[0].result, 0);
    ck_assert_int_eq(calls[1].result, 0);
    ck_assert_uint_eq(words_of(l1)[1], 0xffffffffffffffff);
    audit_ok();
}
END_TEST

START_TEST(validation_stops_for_work_and_goes_on_where_it_was)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d), l2 = new_frame(d);

    for (unsigned i = 0; i < 512; i++) {
        words_of(l1)[i] = entry_of(data, RW);
        words_of(l2)[i] = entry_of(l1, RW);
    }
    fake_preempt(1); /* always */
    ck_assert_int_eq(page_type_get(frame_at(l1), TYPE_L1), HYPERCALL_CONTINUE);
    ck_assert_uint_eq(count_of(data), 32);
    audit_ok();
    ck_assert_int_eq(page_type_get(frame_at(l1), TYPE_L2), -XEN_EINVAL); /* it is becoming an L1 */
    ck_assert(!page_type_get_existing(frame_at(l1), TYPE_L1, d->id));
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_uint_ge(hypercall_repeats, 512 / 32 * 2 - 3);
    ck_assert_uint_eq(count_of(data), 512);
    ck_assert_uint_eq(count_of(l1), 512); /* the abandoned attempt left none of its own */
    audit_ok();
    /* Down as well: each step is bounded, and the books balance between them. */
    fake_preempt(0);
    page_type_put(frame_at(l2)); /* as unpin does, but with nobody who drains */
    frame_at(l2)->state &= ~FRAME_PINNED;
    fake_preempt(1);
    unsigned steps = 0;
    while (!page_type_drain(d)) {
        audit_ok();
        steps++;
    }
    ck_assert_uint_ge(steps, 512 / 32 * 2 - 3);
    ck_assert_uint_eq(count_of(data) + count_of(l1) + count_of(l2), 0);
    audit_ok();
}
END_TEST

START_TEST(an_abandoned_validation_can_be_doomed)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d);

    for (unsigned i = 0; i < 512; i++)
        words_of(l1)[i] = entry_of(data, RW);
    fake_preempt(1);
    ck_assert_int_eq(page_type_get(frame_at(l1), TYPE_L1), HYPERCALL_CONTINUE);
    fake_preempt(0);
    page_type_doom_partial(frame_at(l1));
    page_type_doom_partial(frame_at(l1)); /* once is enough */
    audit_ok();
    ck_assert(page_type_drain(d));
    ck_assert_uint_eq(count_of(data) + count_of(l1), 0);
    audit_ok();
}
END_TEST

/* A frame that its owner gives up lives until its last use, then comes back empty. */
START_TEST(a_frame_outlives_its_allocation_while_it_is_used)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW);
    uint64_t pages = d->memory.nr_pages;

    m2p_set(data, 77);
    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert(frame_drop_allocation(frame_at(data)));
    ck_assert(!frame_drop_allocation(frame_at(data)));
    audit_ok();
    ck_assert_uint_eq(frame_at(data)->owner, d->id);
    words_of(data)[0] = 0x5ec4e7;
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    ck_assert_uint_eq(frame_at(data)->owner, FRAME_OWNER_US);
    ck_assert_uint_eq(words_of(data)[0], 0);
    ck_assert_uint_eq(d->memory.nr_pages, pages - 1);
    ck_assert_uint_eq(m2p_get(data), M2P_INVALID);
    audit_ok();
    /* A table too. */
    words_of(l1)[0] = 0;
    ck_assert(frame_drop_allocation(frame_at(l1)));
    ck_assert_uint_eq(frame_at(l1)->owner, d->id);
    audit_ok();
    ck_assert_int_eq(unpin(l1), 0);
    ck_assert_uint_eq(frame_at(l1)->owner, FRAME_OWNER_US);
    audit_ok();
}
END_TEST

START_TEST(shared_pages_of_ours_are_mapped_but_never_tables)
{
    start();
    mfn_t shared = virt_to_mfn(d->shared_info), l1 = new_frame(d), l2 = new_frame(d);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(shared, RW)), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    ck_assert_int_lt(pin(1, shared), 0);
    ck_assert_int_lt(set_entry_of(l2, 0, entry_of(shared, RW)), 0);
    ck_assert_int_eq(page_type_get(frame_at(shared), TYPE_DESCRIPTOR), -XEN_EINVAL);
    ck_assert_uint_eq(refs_of(shared), 1);
    audit_ok();
}
END_TEST

START_TEST(descriptors_are_looked_at_again_after_each_use)
{
    start();
    mfn_t table = new_frame(d), l1 = new_frame(d);
    struct frame *f = frame_at(table);

    ck_assert_int_eq(pin(1, l1), 0);
    words_of(table)[7] = 0x0000890000000067; /* a TSS */
    ck_assert_int_eq(page_type_get(f, TYPE_DESCRIPTOR), -XEN_EINVAL);
    ck_assert_uint_eq(count_of(table), 0);
    words_of(table)[7] = 0x00affb000000ffff;
    ck_assert_int_eq(page_type_get(f, TYPE_DESCRIPTOR), 0);
    ck_assert_int_lt(set_entry_of(l1, 0, entry_of(table, RW)), 0);
    page_type_put(f);
    words_of(table)[7] = 0x0000890000000067;
    ck_assert_int_eq(page_type_get(f, TYPE_DESCRIPTOR), -XEN_EINVAL);
    audit_ok();
}
END_TEST

START_TEST(device_memory_is_for_the_privileged)
{
    start();
    mfn_t l1 = new_frame(d), device = mfn(0xfd000);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(device, RW)), -XEN_EPERM);
    d->privileged = true;
    d->paging.l1_allowed |= L1_FLAGS_DEVICES;
    ck_assert_int_eq(set_entry_of(l1, 0, entry_of(device, RW | PTE_PCD)), 0);
    ck_assert_int_eq(set_entry_of(l1, 1, entry_of(mfn(1UL << 28), RW)),
                     -XEN_EPERM); /* no such address */
    ck_assert_int_lt(set_entry_of(l1, 2, entry_of(mfn(FAKE_OUR_DEVICE), RW | PTE_PCD)), 0);
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    audit_ok();
}
END_TEST

START_TEST(accessed_and_dirty_survive_where_the_guest_says_so)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW);
    uint64_t ad = PTE_ACCESSED | PTE_DIRTY;

    ck_assert_int_eq(pin(1, l1), 0);
    words_of(l1)[0] |= ad; /* the processor */
    ck_assert_int_eq(
        mmu_update((l1.v << PAGE_SHIFT) | MMU_PT_UPDATE_PRESERVE_AD, entry_of(data, RO)), 0);
    ck_assert_uint_eq(words_of(l1)[0] & ad, ad);
    ck_assert_int_eq(mmu_update(l1.v << PAGE_SHIFT, entry_of(data, RO)), 0);
    ck_assert_uint_eq(words_of(l1)[0] & ad, 0);
    uint64_t seen = words_of(l1)[0];
    words_of(l1)[0] |= PTE_ACCESSED;
    ck_assert_int_eq(l1_entry_change(d, d->id, words_of(l1), seen, entry_of(data, RW), ENTRY_EXACT),
                     HYPERCALL_CONTINUE);
    ck_assert_uint_eq(count_of(data), 0);
    audit_ok();
}
END_TEST

START_TEST(a_batch_stops_at_the_first_wrong_entry_and_says_how_far_it_came)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d), l1b = new_frame(d);
    uint32_t *done = (uint32_t *)&guest_args[500];

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(1, l1b), 0);
    for (unsigned preempt = 0; preempt < 3; preempt++) {
        fake_preempt(preempt);
        for (unsigned i = 0; i < 100; i++) {
            guest_args[2 * i] = ((i % 3 ? l1 : l1b).v << PAGE_SHIFT) + i * 8;
            guest_args[2 * i + 1] = entry_of(data, i % 2 ? RO : RW);
        }
        guest_args[2 * 60 + 1] = entry_of(l1, RW);
        *done = 0xffffffff;
        ck_assert_int_lt(
            hypercall(hypercall_mmu_update, GUEST_ARGS, 100, GUEST_ARGS + 4000, DOMID_SELF), 0);
        ck_assert_uint_eq(*done, 60);
        ck_assert_uint_ne(words_of(l1)[59], 0);
        ck_assert_uint_eq(words_of(l1)[61], 0);
        audit_ok();
        guest_args[2 * 60 + 1] = 0;
        ck_assert_int_eq(
            hypercall(hypercall_mmu_update, GUEST_ARGS, 100, GUEST_ARGS + 4000, DOMID_SELF), 0);
        ck_assert_uint_eq(*done, 100);
        audit_ok();
        for (unsigned i = 0; i < 100; i++)
            set_entry_of(i % 3 ? l1 : l1b, i, 0);
    }
}
END_TEST

START_TEST(updates_reach_plain_memory_and_the_m2p_and_nothing_else)
{
    start();
    struct domain *other = domain_create(2, 1, 16, false);
    mfn_t data = new_frame(d), theirs = new_frame(other);

    ck_assert_int_eq(set_entry_of(data, 9, 0x1234567890abcdef), 0);
    ck_assert_uint_eq(words_of(data)[9], 0x1234567890abcdef);
    ck_assert_int_eq(mmu_update((data.v << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 55), 0);
    ck_assert_uint_eq(m2p_get(data), 55);
    ck_assert_int_lt(mmu_update((theirs.v << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 55), 0);
    ck_assert_int_lt(mmu_update((mfn(max_mfn).v << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 55), 0);
    ck_assert_int_eq(mmu_update((data.v << PAGE_SHIFT) | 5, 0), -XEN_ENOSYS);
    ck_assert_int_eq(hypercall(hypercall_mmu_update, 0xdead0000, 1, 0, DOMID_SELF), -XEN_EFAULT);
    ck_assert_int_eq(hypercall(hypercall_mmu_update, HYPERVISOR_START, 1, 0, DOMID_SELF),
                     -XEN_EFAULT);
    ck_assert_int_eq(hypercall(hypercall_mmu_update, GUEST_ARGS, 1, 0, 77), -XEN_ESRCH);
    ck_assert_int_eq(hypercall(hypercall_mmu_update, GUEST_ARGS, 1, 0, 2), -XEN_EPERM);
    ck_assert_int_eq(hypercall(hypercall_mmu_update, GUEST_ARGS, 1, 0, 3UL << 16), -XEN_EPERM);
    audit_ok();
}
END_TEST

START_TEST(one_address_is_changed_through_the_tables_in_use)
{
    start();
    struct vcpu *v = d->vcpus[0];
    mfn_t data = new_frame(d), l1 = table_of_one(data, RO), l2 = table_of_one(l1, RW),
          l3 = table_of_one(l2, RW), l4 = table_of_one(l3, RW);

    ck_assert_int_eq(page_type_get(frame_at(l4), TYPE_L4), 0);
    v->kernel_root = l4;
    v->initialised = true;
    ck_assert_int_eq(hypercall(hypercall_update_va_mapping, 0x5000, entry_of(data, RW), 0, 0), 0);
    ck_assert_uint_eq(words_of(l1)[5], entry_of(data, RW | PTE_GLOBAL));
    ck_assert_uint_eq(guest_walk(l4, 0x5123) & ~PTE_GLOBAL, entry_of(data, RW));
    unsigned before = fake_flushes;
    ck_assert_int_eq(hypercall(hypercall_update_va_mapping, 0x5000, 0, UVMF_INVLPG | UVMF_LOCAL, 0),
                     0);
    ck_assert_uint_eq(fake_flushes, before + 1);
    ck_assert_uint_eq(fake_last_flush_va, 0x5000);
    ck_assert_uint_eq(guest_walk(l4, 0x5000), 0);
    /* No table there, not canonical, ours. */
    ck_assert_int_lt(hypercall(hypercall_update_va_mapping, 0x40000000, 0, 0, 0), 0);
    ck_assert_int_lt(hypercall(hypercall_update_va_mapping, 0x0001000000000000, 0, 0, 0), 0);
    ck_assert_int_lt(hypercall(hypercall_update_va_mapping, HYPERVISOR_START, 0, 0, 0), 0);
    audit_ok();
}
END_TEST

START_TEST(roots_are_exchanged_and_released)
{
    start();
    struct vcpu *v = d->vcpus[0];
    mfn_t a = new_frame(d), b = new_frame(d), l1 = new_frame(d);

    ck_assert_int_eq(page_type_get(frame_at(a), TYPE_L4), 0);
    v->kernel_root = a;
    v->initialised = true;
    audit_ok();
    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_lt(mmuext(MMUEXT_NEW_BASEPTR, l1), 0);
    ck_assert_uint_eq(v->kernel_root.v, a.v);
    ck_assert_int_eq(mmuext(MMUEXT_NEW_BASEPTR, b), 0);
    ck_assert_uint_eq(fake_root.v, b.v);
    ck_assert_uint_eq(count_of(a), 0);
    ck_assert_int_eq(mmuext(MMUEXT_NEW_BASEPTR, b), 0);
    ck_assert_uint_eq(count_of(b), 1);
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, b), 0);
    ck_assert_uint_eq(count_of(b), 2);
    audit_ok();
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn(0)), 0);
    ck_assert_uint_eq(count_of(b), 1);
    audit_ok();
}
END_TEST

/* With m2p_strict, user mode does not see the machine-to-physical table; the kernel always does. */
START_TEST(a_strict_user_root_has_no_m2p)
{
    start();
    struct vcpu *v = d->vcpus[0];
    mfn_t a = new_frame(d), b = new_frame(d);
    uint64_t m2p = root_hypervisor_entries()[0];

    ck_assert_int_eq(page_type_get(frame_at(a), TYPE_L4), 0);
    v->kernel_root = a;
    v->initialised = true;
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, b), 0);
    ck_assert_uint_eq(words_of(b)[HYPERVISOR_SLOT_FIRST], m2p);
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn(0)), 0);
    d->vm_assist = 1UL << VMASST_TYPE_m2p_strict;
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, a), 0); /* the kernel's own: nothing to hide */
    ck_assert_uint_eq(words_of(a)[HYPERVISOR_SLOT_FIRST], m2p);
    ck_assert_int_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, b), 0);
    ck_assert_uint_eq(words_of(b)[HYPERVISOR_SLOT_FIRST], 0);
    ck_assert_mem_eq(words_of(b) + HYPERVISOR_SLOT_FIRST + 1, root_hypervisor_entries() + 1, 15 * 8);
    audit_ok();
    ck_assert_int_eq(mmuext(MMUEXT_NEW_BASEPTR, b), 0);
    ck_assert_uint_eq(words_of(b)[HYPERVISOR_SLOT_FIRST], m2p);
    audit_ok();
}
END_TEST

/* The auditor itself: each kind of wrong is seen. */
START_TEST(the_auditor_sees_what_is_wrong)
{
    start();
    mfn_t data = new_frame(d), l1 = table_of_one(data, RW), l2 = table_of_one(l1, RW);

    ck_assert_int_eq(pin(2, l2), 0);
    audit_ok();
    frame_at(data)->state += FRAME_REF_ONE;
    ck_assert_uint_eq(paging_audit(), 1);
    frame_at(data)->state -= FRAME_REF_ONE;
    frame_at(l1)->state += FRAME_COUNT_ONE;
    ck_assert_uint_eq(paging_audit(), 1);
    frame_at(l1)->state -= FRAME_COUNT_ONE;
    words_of(l1)[1] = entry_of(l2, RW); /* as if a table had been writable */
    ck_assert_uint_gt(paging_audit(), 0);
    words_of(l1)[1] = entry_of(data, RO);
    ck_assert_uint_eq(paging_audit(), 1);
    words_of(l1)[1] = 0;
    frame_at(data)->state |= FRAME_BUSY;
    ck_assert_uint_eq(paging_audit(), 1);
    frame_at(data)->state &= ~FRAME_BUSY;
    audit_ok();
}
END_TEST

/* Another processor maps the frame, all TLBs are flushed and learn of it again, and it unmaps the frame. */
static mfn_t used_meanwhile, its_table;

static void use_meanwhile(void)
{
    uint64_t *entry = words_of(its_table);

    ck_assert_int_eq(l1_entry_change(d, d->id, entry, 0, entry_of(used_meanwhile, RW), ENTRY_REPLACE),
                     0);
    tlb_flush_all();
    ck_assert_int_eq(l1_entry_change(d, d->id, entry, *entry, 0, ENTRY_REPLACE), 0);
}

/* Between the note of the time and the end of the last use, that is: the note is too old then. */
START_TEST(what_tlbs_learn_beside_the_last_use_is_flushed)
{
    start();
    used_meanwhile = new_frame(d);
    its_table = new_frame(d);
    mfn_t l1 = table_of_one(used_meanwhile, RW);

    ck_assert_int_eq(pin(1, l1), 0);
    ck_assert_int_eq(pin(1, its_table), 0);
    fake_at_clock = use_meanwhile;
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    ck_assert_ptr_eq(fake_at_clock, NULL);
    ck_assert_uint_eq(count_of(used_meanwhile), 0);
    unsigned flushes = fake_flushes;
    ck_assert_int_eq(pin(1, used_meanwhile), 0);
    ck_assert_uint_gt(fake_flushes, flushes);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_table_is_never_writable },
        { all_four_levels_stand_on_one_pin },
        { a_pin_is_one_and_is_given_back_once },
        { frames_of_others_are_neither_mapped_nor_tables },
        { flags_that_are_not_a_guests_are_refused },
        { entries_are_stored_with_our_bits_and_no_others },
        { slots_of_the_hypervisor_are_not_the_guests },
        { a_table_does_not_contain_itself },
        { validation_that_fails_gives_everything_back },
        { a_refused_change_leaves_the_entry_and_the_counts },
        { full_counts_are_refused },
        { a_word_says_at_once_whether_a_reference_may_be_taken },
        { a_million_mappings_of_one_frame_are_counted },
        { tlbs_are_flushed_between_writable_and_table },
        { what_tlbs_learn_beside_the_last_use_is_flushed },
        { an_upper_entry_that_was_present_flushes_at_the_end_of_the_batch },
        { what_an_entry_lets_go_is_free_for_the_next },
        { what_is_no_table_any_more_takes_any_value },
        { validation_stops_for_work_and_goes_on_where_it_was },
        { an_abandoned_validation_can_be_doomed },
        { a_frame_outlives_its_allocation_while_it_is_used },
        { shared_pages_of_ours_are_mapped_but_never_tables },
        { descriptors_are_looked_at_again_after_each_use },
        { device_memory_is_for_the_privileged },
        { accessed_and_dirty_survive_where_the_guest_says_so },
        { a_batch_stops_at_the_first_wrong_entry_and_says_how_far_it_came },
        { updates_reach_plain_memory_and_the_m2p_and_nothing_else },
        { one_address_is_changed_through_the_tables_in_use },
        { roots_are_exchanged_and_released },
        { a_strict_user_root_has_no_m2p },
        { the_auditor_sees_what_is_wrong },
    };
    return RUN_TESTS("paging/page_type", tests);
}
