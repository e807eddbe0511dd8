/* SPDX-License-Identifier: MIT */
/*
 * The words that everything else is written in.
 *
 * Frame numbers and addresses of different kinds are structs of one member: mixing a machine frame
 * with a guest's pseudo-physical one does not compile, and costs nothing.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} mfn_t; /* machine frame number */

typedef struct {
    uint64_t v;
} pfn_t; /* a domain's own, pseudo-physical, frame number */

typedef struct {
    uint64_t v;
} maddr_t; /* machine address */

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define MFN_NONE ((mfn_t){ ~0UL })

static inline mfn_t mfn(uint64_t n)
{
    return (mfn_t){ n };
}

static inline mfn_t mfn_of_maddr(uint64_t maddr)
{
    return (mfn_t){ maddr >> PAGE_SHIFT };
}

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* On the way of frequent entries: such functions stand together, as a TLB that was flushed finds its way
 * back to each page by itself. */
#define HOT __attribute__((hot))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

#define ROUND_UP(x, to)   (((x) + (to) - 1) / (to) * (to))
#define ROUND_DOWN(x, to) ((x) / (to) * (to))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define barrier() __asm__ volatile("" ::: "memory")

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
