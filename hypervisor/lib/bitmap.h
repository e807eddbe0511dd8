/* SPDX-License-Identifier: MIT */
/* Bits in arrays of words; the atomic ones are what event channels and processor masks stand on. */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITS_PER_WORD   64U
#define BITMAP_WORDS(n) (((n) + BITS_PER_WORD - 1) / BITS_PER_WORD)

static inline bool bit_is_set(const uint64_t *map, unsigned bit)
{
    return READ_ONCE(map[bit / 64]) >> (bit % 64) & 1;
}

/*
 * One atomic step with full ordering, returning what the bit was. The processor finds the word itself:
 * compilers make a loop of this.
 */
static inline bool bit_test_and_set(uint64_t *map, unsigned bit)
{
    bool was;

    __asm__ volatile("lock btsq %2, %1"
                     : "=@ccc"(was), "+m"(*map)
                     : "r"((uint64_t)bit)
                     : "memory");
    return was;
}

static inline bool bit_test_and_clear(uint64_t *map, unsigned bit)
{
    bool was;

    __asm__ volatile("lock btrq %2, %1"
                     : "=@ccc"(was), "+m"(*map)
                     : "r"((uint64_t)bit)
                     : "memory");
    return was;
}

static inline void bit_set(uint64_t *map, unsigned bit)
{
    __atomic_or_fetch(&map[bit / 64], 1UL << (bit % 64), __ATOMIC_SEQ_CST);
}

static inline void bit_clear(uint64_t *map, unsigned bit)
{
    __atomic_and_fetch(&map[bit / 64], ~(1UL << (bit % 64)), __ATOMIC_SEQ_CST);
}

/* The lowest set bit; the caller knows that there is one. */
static inline unsigned bit_lowest(uint64_t word)
{
    return (unsigned)__builtin_ctzl(word);
}

#endif
