/* SPDX-License-Identifier: MIT */
/*
 * What this component's sources need of the world. It is compiled into a hypervisor that has no C library,
 * into dom0, which has one, and into programs of the host: so it takes no library's headers, but the
 * functions' prototypes.
 */
#ifndef GUEST_IMAGE_BASICS_H
#define GUEST_IMAGE_BASICS_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *s, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)

#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)       ((a) < (b) ? (a) : (b))
#define MAX(a, b)       ((a) > (b) ? (a) : (b))
#define ROUND_UP(x, to) (((x) + (to) - 1) / (to) * (to))

/* The end of the lower half of addresses (ABI: the upper one begins with the hypervisor's part). */
#define LOWER_HALF_END (1UL << 47)

#endif
