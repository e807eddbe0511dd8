/* SPDX-License-Identifier: MIT */
/*
 * A piece of the kernel's address space with an L1 table of its own, and frames to map there.
 *
 * Each frame carries its number in its first word, so that a read through the window tells which
 * frame the processor found there.
 */
#ifndef WORKLOADS_WINDOW_H
#define WORKLOADS_WINDOW_H

#include "arch/pv/page_table.h"
#include "workloads/workload.h"

#define WINDOW_VA     0xffffca0000000000UL
#define WINDOW_FRAMES 8
#define MAPPED_RW     (PTE_P | PTE_RW | PTE_A | PTE_D)
#define MAPPED_RO     (PTE_P | PTE_A | PTE_D)

extern uint64_t *window_l1; /* its table, in the direct map */
extern uint64_t *window_frames[WINDOW_FRAMES];

bool window_open(void); /* checks as it goes */
void window_close(void);
uint64_t window_pte(unsigned frame, uint64_t flags);
static inline unsigned long window_va(unsigned index)
{
    return WINDOW_VA + index * PAGE_SIZE;
}

/* What an L1 entry reads as after the hypervisor took it: US, G and bit 52 are its business. */
uint64_t pte_as_stored(uint64_t value);
/* The PTE but for what the processor itself sets. */
static inline uint64_t pte_without_ad(uint64_t value)
{
    return value & ~(PTE_A | PTE_D);
}

/* Copies all entries of a table; says whether they are what they were. */
void table_snapshot(const uint64_t *table, uint64_t *copy);
bool table_unchanged(const uint64_t *table, const uint64_t *copy);

/* A zeroed page that is read-only in the direct map: fit to become a table. NULL: failed. */
uint64_t *fresh_table(void);
void free_table(uint64_t *table);

#endif
