/* SPDX-License-Identifier: MIT */
/*
 * Rates as the ABI writes them (struct vcpu_time_info): out = ((in << shift) * mul) >> 32, where a
 * negative shift goes to the right.
 */
#ifndef MACHINE_SCALE_H
#define MACHINE_SCALE_H

#include "lib/types.h"

static inline uint64_t scale(uint64_t in, uint32_t mul, int8_t shift)
{
    in = shift < 0 ? in >> -shift : in << shift;
    return (uint64_t)((unsigned __int128)in * mul >> 32);
}

/* Finds mul (with its top bit set, for precision) and shift for a conversion of in_hz to out_hz. */
static inline void scale_find(uint64_t in_hz, uint64_t out_hz, uint32_t *mul, int8_t *shift)
{
    int s = 0;

    /* mul = out/in * 2^(32 - s) has to lie in [2^31, 2^32). */
    while (out_hz >= in_hz) {
        in_hz <<= 1;
        s++;
    }
    while (out_hz < in_hz - out_hz) {
        out_hz <<= 1;
        s--;
    }
    while (in_hz >> 32) {
        in_hz >>= 1;
        out_hz >>= 1;
    }
    uint64_t wide = (out_hz << 32) / in_hz;
    *mul = wide >> 32 ? 0xffffffffU : (uint32_t)wide;
    *shift = (int8_t)s;
}

/* Seconds from 1970 to the beginning of a day of the Gregorian calendar. */
static inline uint64_t wallclock_of_date(unsigned year, unsigned month, unsigned day)
{
    /* Years begin in March, so that leap days come last. */
    uint64_t y = month > 2 ? year : year - 1UL;
    uint64_t m = month > 2 ? month - 3UL : month + 9UL;
    uint64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;

    return (days - 719468) * 86400;
}

#endif
