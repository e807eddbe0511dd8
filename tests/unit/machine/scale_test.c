/* SPDX-License-Identifier: MIT */
/* Rates in the ABI's form (struct vcpu_time_info), and the date of the machine's clock. */
#include "run.h"
#include "machine/scale.h"
#include <time.h>

static const uint64_t rates[] = { 1000000,    1193182,    3579545,    24000000,   62500000,
                                  100000000,  499999999,  500000000,  500000001,  999999999,
                                  1000000000, 1000000001, 1999999999, 2000000000, 2600000000,
                                  3999999999, 4000000001, 9999999999 };

/* A guest computes time with these numbers for years: what counts is the relative error. */
START_TEST(a_rate_is_right_to_one_part_in_a_billion)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
        uint32_t mul;
        int8_t shift;
        scale_find(rates[i], 1000000000, &mul, &shift);
        ck_assert_msg(mul >> 31, "%lu Hz: mul %x wastes bits", rates[i], mul);
        for (uint64_t seconds = 1; seconds <= 3600; seconds *= 60) {
            uint64_t got = scale(rates[i] * seconds, mul, shift), want = seconds * 1000000000;
            uint64_t off = got > want ? got - want : want - got;
            ck_assert_msg(off <= want / 1000000000 + 2, "%lu Hz, %lu s: %lu", rates[i], seconds,
                          got);
        }
    }
}
END_TEST

START_TEST(time_never_goes_back_as_ticks_go_on)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
        uint32_t mul;
        int8_t shift;
        uint64_t before = 0;
        scale_find(rates[i], 1000000000, &mul, &shift);
        for (uint64_t tick = 0; tick < 5000; tick++) {
            uint64_t now = scale(tick * 7919, mul, shift);
            ck_assert_uint_ge(now, before);
            before = now;
        }
    }
}
END_TEST

START_TEST(the_way_back_brings_ticks_again)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
        uint32_t to_mul, from_mul;
        int8_t to_shift, from_shift;
        scale_find(rates[i], 1000000000, &to_mul, &to_shift);
        scale_find(1000000000, rates[i], &from_mul, &from_shift);
        uint64_t ticks = rates[i] * 10;
        uint64_t again = scale(scale(ticks, to_mul, to_shift), from_mul, from_shift);
        uint64_t off = again > ticks ? again - ticks : ticks - again;
        ck_assert_uint_le(off, ticks / 500000000 + rates[i] / 1000000000 + 2);
    }
}
END_TEST

/* The C library's calendar is the judge, for each day of two hundred years. */
START_TEST(every_day_is_where_the_calendar_has_it)
{
    for (time_t t = 0; t < 200L * 366 * 86400; t += 86400) {
        struct tm tm;
        gmtime_r(&t, &tm);
        ck_assert_uint_eq(wallclock_of_date((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
                                            (unsigned)tm.tm_mday),
                          (uint64_t)t);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_rate_is_right_to_one_part_in_a_billion },
        { time_never_goes_back_as_ticks_go_on },
        { the_way_back_brings_ticks_again },
        { every_day_is_where_the_calendar_has_it },
    };
    return RUN_TESTS("machine/scale", tests);
}
