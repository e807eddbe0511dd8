/* SPDX-License-Identifier: MIT */
/*
 * The allocator of machine frames: blocks of 2^order frames, split and joined (buddies).
 *
 * Frames come out owned by the hypervisor with state zero. A frame that a guest used is scrubbed
 * before anyone else gets it.
 */
#ifndef MEMORY_FRAME_ALLOC_H
#define MEMORY_FRAME_ALLOC_H

#include "lib/types.h"

#define FRAME_ORDER_MAX 18U

struct ram_range {
    uint64_t start, end; /* machine addresses, whole pages */
};

/* While booting, in this order: maps a frame table (in our tables, which need not be loaded yet) for all RAM (sorted
 * ranges); says where there is RAM; clears and hands out what is still unused. Panics if there is too little memory. */
void frame_table_boot(const struct ram_range *ram, unsigned nr);
void frame_table_mark_ram(const struct ram_range *ram, unsigned nr);
void frame_alloc_boot(const struct ram_range *unused, unsigned nr);

/* Pages for what is needed before there is a frame table: taken from the ranges, never given back. */
void boot_pages_start(struct ram_range *ram, unsigned *nr, unsigned max);
uint64_t boot_pages_alloc(uint64_t bytes, uint64_t align);

/* Takes 2^order frames, aligned to their size, all below 2^address_bits bytes (64: anywhere). Returns
 * MFN_NONE if there are none. TLBs that may know an earlier use have been flushed: interrupts on. */
mfn_t frame_alloc(unsigned order, unsigned address_bits);
void frame_free(mfn_t m, unsigned order);

uint64_t frames_free(void);
uint64_t frames_total(void);

/* Zeroed pages for our own structures, through the direct map. NULL if there are none. */
void *heap_alloc(size_t bytes);
void heap_free(void *p, size_t bytes);

#endif
