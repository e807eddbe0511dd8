/* SPDX-License-Identifier: MIT */
/*
 * The allocator of frames against a map that is searched from end to end. It always joins what can
 * be joined, so the map tells exactly when a block can be had.
 */
#include "run.h"
#include "fake.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "memory/frame.h"
#include "memory/frame_alloc.h"
#include <signal.h>
#include <string.h>

#define FRAMES 5000U /* no power of two: the last blocks are small */
#define BLOCKS 256U

static bool used[FRAMES];
static struct {
    uint64_t n;
    unsigned order;
    bool taken;
} blocks[BLOCKS];

static uint64_t limit_of(unsigned address_bits)
{
    return address_bits < 64 ? MIN(FRAMES, 1UL << (address_bits - PAGE_SHIFT)) : FRAMES;
}

static bool all_are(uint64_t from, uint64_t nr, bool wanted)
{
    for (uint64_t i = from; i < from + nr; i++) {
        if (i >= FRAMES || used[i] != wanted)
            return false;
    }
    return true;
}

static bool can_be_had(unsigned order, uint64_t limit)
{
    for (uint64_t n = 0; n + (1UL << order) <= limit; n += 1UL << order) {
        if (all_are(n, 1UL << order, false))
            return true;
    }
    return false;
}

static uint64_t nr_unused(void)
{
    uint64_t nr = 0;

    for (uint64_t i = 0; i < FRAMES; i++)
        nr += !used[i];
    return nr;
}

static void mark(uint64_t n, unsigned order, bool as)
{
    ck_assert(all_are(n, 1UL << order, !as));
    for (uint64_t i = n; i < n + (1UL << order); i++)
        used[i] = as;
}

/* Scrubbed, ours and unused. */
static void check_fresh(uint64_t n, unsigned order)
{
    const uint8_t *bytes = mfn_to_virt(mfn(n));

    ck_assert(!bytes[0] && !memcmp(bytes, bytes + 1, (PAGE_SIZE << order) - 1));
    for (uint64_t i = n; i < n + (1UL << order); i++) {
        ck_assert_uint_eq(frame_at(mfn(i))->state, 0);
        ck_assert_uint_eq(frame_at(mfn(i))->owner, FRAME_OWNER_US);
    }
}

static void take(unsigned slot, unsigned order, unsigned address_bits)
{
    uint64_t limit = limit_of(address_bits);
    bool possible = can_be_had(order, limit);
    mfn_t m = frame_alloc(order, address_bits);

    ck_assert_msg((m.v != MFN_NONE.v) == possible, "order %u below %lx: %lx", order, limit, m.v);
    if (!possible)
        return;
    ck_assert_uint_eq(m.v & ((1UL << order) - 1), 0);
    ck_assert_uint_le(m.v + (1UL << order), limit);
    mark(m.v, order, true);
    check_fresh(m.v, order);
    memset(mfn_to_virt(m), 0xa5, PAGE_SIZE << order);
    blocks[slot].n = m.v;
    blocks[slot].order = order;
    blocks[slot].taken = true;
}

static void give(unsigned slot)
{
    mark(blocks[slot].n, blocks[slot].order, false);
    frame_free(mfn(blocks[slot].n), blocks[slot].order);
    blocks[slot].taken = false;
}

/* All of it, in the blocks that a machine of this size falls into, largest first. */
static void check_all_joined(void)
{
    uint64_t at = 0;

    ck_assert_uint_eq(frames_free(), FRAMES);
    for (unsigned order = 13; order-- > 0;) {
        if (!(FRAMES >> order & 1))
            continue;
        ck_assert_uint_eq(frame_alloc(order, 64).v, at);
        at += 1UL << order;
    }
    ck_assert_uint_eq(frames_free(), 0);
    ck_assert_uint_eq(frame_alloc(0, 64).v, MFN_NONE.v);
}

START_TEST(a_block_is_had_exactly_if_one_is_free_below_the_limit)
{
    fake_machine_start(FRAMES);
    fake_seed = (uint64_t)_i + 1;
    for (unsigned step = 0; step < 3000; step++) {
        unsigned slot = (unsigned)(fake_random() % BLOCKS);
        if (blocks[slot].taken)
            give(slot);
        else
            take(slot, (unsigned)(fake_random() % 10),
                 fake_random() % 3 ? 64 : (unsigned)(13 + fake_random() % 13));
        ck_assert_uint_eq(frames_free(), nr_unused());
    }
    for (unsigned slot = 0; slot < BLOCKS; slot++) {
        if (blocks[slot].taken)
            give(slot);
    }
    check_all_joined();
}
END_TEST

START_TEST(single_frames_use_it_up_and_join_in_any_order)
{
    static uint64_t order[FRAMES];

    fake_machine_start(FRAMES);
    for (unsigned i = 0; i < FRAMES; i++) {
        order[i] = frame_alloc(0, 64).v;
        ck_assert_uint_lt(order[i], FRAMES);
        mark(order[i], 0, true); /* no frame twice */
    }
    ck_assert_uint_eq(frames_free(), 0);
    ck_assert_uint_eq(frame_alloc(0, 64).v, MFN_NONE.v);
    fake_seed = (uint64_t)_i + 1;
    for (unsigned i = FRAMES; i-- > 1;) {
        unsigned j = (unsigned)(fake_random() % (i + 1));
        uint64_t n = order[i];
        order[i] = order[j];
        order[j] = n;
    }
    for (unsigned i = 0; i < FRAMES; i++)
        frame_free(mfn(order[i]), 0);
    check_all_joined();
}
END_TEST

START_TEST(what_no_machine_has_is_refused)
{
    fake_machine_start(FRAMES);
    for (unsigned bits = 0; bits < PAGE_SHIFT; bits++)
        ck_assert_uint_eq(frame_alloc(0, bits).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(1, PAGE_SHIFT + 1).v, 0); /* two frames, and both of them */
    ck_assert_uint_eq(frame_alloc(0, PAGE_SHIFT + 1).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(13, 64).v, MFN_NONE.v); /* larger than the machine */
    ck_assert_uint_eq(frame_alloc(FRAME_ORDER_MAX, 64).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(FRAME_ORDER_MAX + 1, 64).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(~0U, 64).v, MFN_NONE.v);
    ck_assert_uint_eq(frames_free(), FRAMES - 2);
    ck_assert_uint_eq(frames_total(), FRAMES);
}
END_TEST

/* Who gets a frame must not be seen through an old translation of it: one flush, if any is still
 * due. */
START_TEST(a_frame_comes_after_the_flush_that_it_needs)
{
    fake_machine_start(FRAMES);
    mfn_t m = frame_alloc(2, 64);
    frame_at(mfn(m.v + 3))->tlb_stamp = tlb_clock_now();
    frame_free(m, 2);
    unsigned before = fake_flushes;
    ck_assert_uint_eq(frame_alloc(2, 64).v, m.v);
    ck_assert_uint_eq(fake_flushes, before + 1);
    ck_assert_uint_eq(fake_last_flush_mask, cpus_online);
    frame_free(m, 2);
    ck_assert_uint_eq(frame_alloc(2, 64).v, m.v);
    ck_assert_uint_eq(fake_flushes, before + 1); /* there was one since */
}
END_TEST

START_TEST(a_frame_in_use_is_not_given_back)
{
    fake_machine_start(FRAMES);
    mfn_t m = frame_alloc(0, 64);
    frame_at(m)->state = FRAME_REF_ONE;
    frame_free(m, 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_block_is_had_exactly_if_one_is_free_below_the_limit, .rounds = 4 },
        { single_frames_use_it_up_and_join_in_any_order, .rounds = 2 },
        { what_no_machine_has_is_refused },
        { a_frame_comes_after_the_flush_that_it_needs },
        { a_frame_in_use_is_not_given_back, SIGABRT },
    };
    return RUN_TESTS("memory/frame_alloc", tests);
}
