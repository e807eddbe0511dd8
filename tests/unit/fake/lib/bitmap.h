/* SPDX-License-Identifier: MIT */
/*
 * Bits that processors share: between two steps another may come in, and where threads are processors it does so
 * now and then (fake_step), which by itself would be rare.
 */
#ifndef FAKE_LIB_BITMAP_H
#define FAKE_LIB_BITMAP_H

#define bit_is_set       bit_is_set_at_once
#define bit_test_and_set bit_test_and_set_at_once
#define bit_clear        bit_clear_at_once
#include_next "lib/bitmap.h"
#undef bit_is_set
#undef bit_test_and_set
#undef bit_clear

void fake_step(void);

static inline bool bit_is_set(const uint64_t *map, unsigned bit)
{
    bool is = bit_is_set_at_once(map, bit);

    fake_step();
    return is;
}

static inline bool bit_test_and_set(uint64_t *map, unsigned bit)
{
    fake_step();
    bool was = bit_test_and_set_at_once(map, bit);
    fake_step();
    return was;
}

static inline void bit_clear(uint64_t *map, unsigned bit)
{
    fake_step();
    bit_clear_at_once(map, bit);
    fake_step();
}

#endif
