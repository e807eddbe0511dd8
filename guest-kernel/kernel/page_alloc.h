/* SPDX-License-Identifier: MIT */
/*
 * Pages of memory, as addresses in the direct map. A bit a page, set while it is free.
 *
 * Locks: its own, with interrupts off.
 */
#ifndef KERNEL_PAGE_ALLOC_H
#define KERNEL_PAGE_ALLOC_H

#include <stddef.h>

void page_alloc_init(unsigned long nr_pages);
/* Hands over pages FIRST..END-1. */
void page_alloc_add(unsigned long first, unsigned long end);

/* Content is undefined. NULL if none is left. */
void *page_alloc(void);
void page_free(void *page);

/* COUNT neighbours, the first at a multiple of ALIGN pages. NULL if there are none. */
void *page_alloc_contiguous(unsigned long count, unsigned long align);
void page_free_contiguous(void *pages, unsigned long count);

unsigned long page_alloc_free_count(void);

#endif
