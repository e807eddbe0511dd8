/* SPDX-License-Identifier: MIT */
/* Frames below an address: all of those, only those, and the low ones are left for who needs them. */
#include "run.h"
#include "fake.h"
#include "memory/frame_alloc.h"

#define FRAMES 4096U

/* What is free and low enough is found, to the last block, in whatever pieces the rest lies. */
START_TEST(all_low_frames_are_found_and_no_others)
{
    static mfn_t single[FRAMES];

    fake_machine_start(FRAMES);
    for (unsigned fragmented = 0; fragmented < 2; fragmented++) {
        for (unsigned i = 0; fragmented && i < FRAMES; i++)
            single[i] = frame_alloc(0, 64);
        for (unsigned i = 0; fragmented && i < FRAMES; i++) {
            if (single[i].v % 4 != 3) /* blocks of two and of one */
                frame_free(single[i], 0);
        }
        for (unsigned bits = PAGE_SHIFT; bits <= PAGE_SHIFT + 12; bits++) {
            for (unsigned order = 0; order < 4; order++) {
                uint64_t limit = 1UL << (bits - PAGE_SHIFT), found = 0, free = frames_free();
                uint64_t first = FRAME_NONE, blocks = limit >> order;
                if (fragmented)
                    blocks = order > 1 ? 0 : order ? limit / 4 : limit - limit / 4;
                if (fragmented && limit == 2 && order == 1)
                    blocks = 1;
                for (mfn_t m; (m = frame_alloc(order, bits)).v != MFN_NONE.v; found++) {
                    ck_assert_uint_eq(m.v % (1UL << order), 0);
                    ck_assert_uint_le(m.v + (1UL << order), limit);
                    frame_at(m)->next = (uint32_t)first;
                    first = m.v;
                }
                ck_assert_msg(found == blocks, "%u bits, order %u: %lu of %lu", bits, order, found,
                              blocks);
                while (first != FRAME_NONE) {
                    uint64_t next = frame_at(mfn(first))->next;
                    frame_free(mfn(first), order);
                    first = next;
                }
                ck_assert_uint_eq(frames_free(), free);
            }
        }
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        if (single[i].v % 4 == 3)
            frame_free(single[i], 0);
    }
    /* All joined again. */
    ck_assert_uint_eq(frame_alloc(12, 64).v, 0);
    ck_assert_uint_eq(frames_free(), 0);
}
END_TEST

START_TEST(whoever_may_have_any_frame_gets_a_high_one)
{
    fake_machine_start(FRAMES);
    mfn_t low = frame_alloc(4, PAGE_SHIFT + 8);
    ck_assert_uint_lt(low.v, 256);
    for (unsigned i = 0; i < FRAMES / 2; i++)
        ck_assert_uint_ge(frame_alloc(0, 64).v, 16);
    ck_assert_uint_ne(frame_alloc(6, PAGE_SHIFT + 8).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(0, PAGE_SHIFT - 1).v, MFN_NONE.v);
    ck_assert_uint_eq(frame_alloc(FRAME_ORDER_MAX + 1, 64).v, MFN_NONE.v);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { all_low_frames_are_found_and_no_others },
        { whoever_may_have_any_frame_gets_a_high_one },
    };
    return RUN_TESTS("memory/frame_alloc_low", tests);
}
